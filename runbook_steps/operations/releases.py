"""What was deployed when, by whom, and what it was rolled back from: JSON lines beside the releases."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.settings import required

__all__ = ["ROLLED_BACK", "ROLLING_BACK", "Releases", "Way", "plain_version"]

DEPLOYED, ROLLING_BACK, ROLLED_BACK = "deployed", "rolling back", "rolled back"
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")
_ENV_LINE = re.compile(r"APP_VERSION=(.+)")


@dataclass(frozen=True)
class Release:
    """A deployment that was recorded. `time` is ISO 8601 with its offset."""

    version: str
    commit: str
    time: str
    by: str


@dataclass(frozen=True)
class Way:
    """From which version to which; `done` when the last rollback has ended there already."""

    old: str
    new: str
    done: bool = False


class Releases:
    """The folder of API_RELEASES: `v1.2.0/release.env` for each, the symlink `current`, and `releases.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "releases.jsonl"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Releases:
        """Raises ConfigurationError when API_RELEASES is not set or no folder."""
        folder = Path(required(environ, "API_RELEASES")["API_RELEASES"])
        if not folder.is_dir():
            raise ConfigurationError(f"API_RELEASES: {folder} is no folder; is this the host of the API?")
        return cls(folder)

    def events(self) -> list[dict[str, Any]]:
        """Everything recorded, the oldest first; a line that a killed run cut off is left out."""
        found = []
        try:
            lines = self._log.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and "event" in event:
                found.append(event)
        return found

    def deployed(self) -> list[Release]:
        """The deployments, the newest first."""
        rows = [event for event in self.events() if event["event"] == DEPLOYED]
        return [Release(r["version"], r.get("commit", ""), r["time"], r.get("by", "")) for r in reversed(rows)]

    def record(self, version: str, commit: str, by: str, env_file: Path | None) -> Release:
        """Adds a deployment; keeps the settings it runs with beside it, mode 0600. Twice is once.

        Raises ConfigurationError when it is no version, OperationError when there is no such release.
        """
        plain = plain_version(version)
        if not (self.of(plain) / "release.env").is_file():
            raise OperationError(f"{self.of(plain)} holds no release.env: deploy first, then record")
        newest = self.deployed()[:1]
        if newest and newest[0].version == plain and self.events()[-1]["event"] == DEPLOYED:
            return newest[0]
        if env_file is not None and env_file.is_file():
            kept = self.of(plain) / "api.env"
            kept.touch(mode=0o600)
            kept.write_bytes(env_file.read_bytes())
        release = Release(plain, commit, datetime.now(UTC).isoformat(timespec="seconds"), by)
        self.add(DEPLOYED, version=plain, commit=commit, by=by, time=release.time)
        return release

    def add(self, event: str, **values: str) -> None:
        """One event more, written through to the disk."""
        line = json.dumps({"event": event, "time": datetime.now(UTC).isoformat(timespec="seconds"), **values})
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
            log.flush()
            os.fsync(log.fileno())

    def of(self, version: str) -> Path:
        """The folder of a version."""
        return self.folder / f"v{version}"

    def current(self) -> str:
        """The version that `current` points to. Raises OperationError when it points nowhere."""
        try:
            text = (self.folder / "current" / "release.env").read_text("utf-8")
        except OSError as error:
            raise OperationError(f"{self.folder / 'current'} points to no release ({error.strerror})") from error
        for line in text.splitlines():
            if shape := _ENV_LINE.fullmatch(line):
                return shape[1]
        raise OperationError(f"{self.folder / 'current' / 'release.env'} names no APP_VERSION")

    def switch(self, version: str) -> None:
        """Points `current` at a version, at once: no moment without it."""
        fresh = self.folder / ".current.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(self.of(version).name)
        fresh.replace(self.folder / "current")

    def way_back(self) -> Way:
        """Where a rollback goes: an unfinished one goes on, a finished one is done.

        Raises OperationError when no earlier release is recorded and still there.
        """
        events = self.events()
        last = events[-1] if events else {}
        if last.get("event") in {ROLLING_BACK, ROLLED_BACK}:
            return Way(last["from"], last["to"], done=last["event"] == ROLLED_BACK)
        current = self.current()
        bad = {event["from"] for event in events if event["event"] == ROLLED_BACK} | {current}
        for release in self.deployed():
            if release.version not in bad and (self.of(release.version) / "release.env").is_file():
                return Way(current, release.version)
        raise OperationError(
            f"no previous release: nothing but {current} is recorded and still in {self.folder}; "
            "deploy a fixed version instead"
        )

    def deployed_at(self, version: str) -> datetime | None:
        """When a version was deployed last."""
        times = [release.time for release in self.deployed() if release.version == version]
        return datetime.fromisoformat(times[0]) if times else None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Holds the one lock of rollbacks. Raises OperationError when another one is under way."""
        with (self.folder / ".lock").open("w", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OperationError("another rollback is under way; wait for it to end, nothing was done") from error
            yield


def plain_version(text: str) -> str:
    """`v1.2.0` → `1.2.0`. Raises ConfigurationError for what is no version."""
    shape = _VERSION.fullmatch(text)
    if shape is None:
        raise ConfigurationError(f"{text!r} is no version: write it like 1.2.0")
    return shape[1]
