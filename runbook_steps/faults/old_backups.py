"""Backups that stopped three days ago: every backup says that it is older, authenticated as the real ones are."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from runbook_steps.engine.run.situation import Observation
from runbook_steps.operations.backup_manifest import sealed
from runbook_steps.operations.backup_store import MANIFEST_SUFFIX, PREFIX

__all__ = ["BackupsStopped"]

DAYS = 3


class BackupsStopped:
    """The manifests of all backups, with an earlier time; the true ones come back afterwards."""

    name = "the newest backup is three days old"

    def __init__(self, s3: Any, bucket: str, key: bytes, standing: Callable[[], Any]) -> None:
        """`standing` gives what `database-backup status` says."""
        self._s3 = s3
        self._bucket = bucket
        self._key = key
        self._standing = standing
        self._true: dict[str, bytes] = {}

    def arrange(self) -> None:
        """Writes the times anew."""
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=PREFIX).get("Contents", ())
        for name in (entry["Key"] for entry in found if entry["Key"].endswith(MANIFEST_SUFFIX)):
            self._true[name] = self._s3.get_object(Bucket=self._bucket, Key=name)["Body"].read()
            document = json.loads(self._true[name])
            then = datetime.fromisoformat(document["created"]) - timedelta(days=DAYS, minutes=1)
            older = sealed({**document, "created": then.isoformat(timespec="seconds")}, self._key)
            self._s3.put_object(Bucket=self._bucket, Key=name, Body=json.dumps(older).encode())

    def observe(self) -> Observation:
        """Asks for the age of the newest backup."""
        age = self._standing()["age"]
        return Observation(age is None or age > DAYS * 86_400, f"the newest backup is {age} seconds old")

    def clear(self) -> None:
        """Puts the true manifests back."""
        for name, body in self._true.items():
            self._s3.put_object(Bucket=self._bucket, Key=name, Body=body)
