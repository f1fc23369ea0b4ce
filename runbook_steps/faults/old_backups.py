"""Backups that stopped three days ago: every backup says that it is older, authenticated as the real ones are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from runbook_steps.engine.errors import CheckFailed, FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.operations.backup_manifest import sealed
from runbook_steps.operations.backup_store import MANIFEST_SUFFIX, PREFIX

__all__ = ["BackupsStopped"]

DAYS = 3
SECONDS = 300


class BackupsStopped:
    """The manifests of all backups, with an earlier time; the true ones come back afterwards."""

    name = "the newest backup is three days old"

    def __init__(self, s3: Any, environment: Mapping[str, str]) -> None:
        """`environment` is what the command gets."""
        self._s3 = s3
        self._environment = environment
        self._bucket = environment.get("AWS_BACKUP_BUCKET", "")
        self._key = bytes.fromhex(environment.get("BACKUP_ENCRYPTION_KEY", ""))
        self._true: dict[str, bytes] = {}

    def arrange(self) -> None:
        """Makes a backup, then writes the times of all anew. Raises FaultError when none can be made."""
        made = self._run("backup")
        if made.returncode != 0:
            raise FaultError(f"no backup could be made: {made.stderr.strip()[-300:]}")
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=PREFIX).get("Contents", ())
        for name in (entry["Key"] for entry in found if entry["Key"].endswith(MANIFEST_SUFFIX)):
            self._true[name] = self._s3.get_object(Bucket=self._bucket, Key=name)["Body"].read()
            document = json.loads(self._true[name])
            then = datetime.fromisoformat(document["created"]) - timedelta(days=DAYS, minutes=1)
            older = sealed({**document, "created": then.isoformat(timespec="seconds")}, self._key)
            self._s3.put_object(Bucket=self._bucket, Key=name, Body=json.dumps(older).encode())

    def observe(self) -> Observation:
        """Asks for the age of the newest backup."""
        done = self._run("status")
        if not done.stdout:
            raise CheckFailed(f"could not look how old the backups are: {done.stderr.strip()[-300:] or 'no word'}")
        age = json.loads(done.stdout)["age"]
        if age is None:
            return Observation(False, "there is no backup at all: none that is three days old either")
        return Observation(age > DAYS * 86_400, f"the newest backup is {age} seconds old")

    def _run(self, word: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["beautycort", "database-backup", word, "--format", "json"],
            env=dict(self._environment),
            executable=shutil.which("beautycort", path=self._environment.get("PATH", os.defpath)),
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def clear(self) -> None:
        """Puts the true manifests back."""
        for name, body in self._true.items():
            self._s3.put_object(Bucket=self._bucket, Key=name, Body=body)
