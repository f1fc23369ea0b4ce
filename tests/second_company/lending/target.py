"""A branch of the library: a shelf in a private folder, and a desk that is started when it is needed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from lending.service import make_shelf
from runbook_steps.engine.errors import TargetError
from runbook_steps.engine.model import Command, Risk, TargetFacts
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.reachable import Reached

__all__ = ["Branch", "make"]

LIMIT_S = 20.0


def make(name: str, settings: Settings, allow: Risk | None) -> Branch:
    """What the entry point names."""
    del settings
    return Branch(name, allow or Risk.DESTRUCTIVE)


class Branch:
    """Its processes are its own `control`: one service, `desk`."""

    def __init__(self, name: str, allowed: Risk) -> None:
        self.name = name
        self._allowed = allowed
        self._folder = Path(tempfile.mkdtemp(prefix="lending-"))
        self.database = str(self._folder / "shelf.db")
        self._desk: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])

    @property
    def facts(self) -> TargetFacts:
        """Everything may be broken here."""
        tools = {e.name for f in os.environ["PATH"].split(":") if Path(f).is_dir() for e in os.scandir(f)}
        return TargetFacts(self.name, disposable=True, allowed=self._allowed, tools=frozenset(tools), parts=self.parts)

    @property
    def parts(self) -> frozenset[str]:
        """The shelf is a file, the desk a process."""
        return frozenset({"shelf", "desk"})

    @property
    def control(self) -> Branch:
        """Hands on the desk."""
        return self

    def start(self, parts: Iterable[str] | str) -> None:
        """The shelf always; the desk when it is asked for, as a part or as a service."""
        make_shelf(self.database)
        if "desk" in parts and self._desk is None:
            command = [sys.executable, "-m", "lending.service", str(self._port), self.database]
            self._desk = subprocess.Popen(command, cwd=Path(__file__).parents[1])
            end = time.monotonic() + LIMIT_S
            while not self.answers():
                if time.monotonic() > end or self._desk.poll() is not None:
                    raise TargetError("the desk did not open")
                time.sleep(0.02)

    def stop(self, service: str) -> None:
        """The desk, and waits until it is gone."""
        del service
        if self._desk is not None:
            self._desk.kill()
            self._desk.wait()
            self._desk = None

    def services(self) -> tuple[str, ...]:
        """One."""
        return ("desk",)

    def pid(self, service: str) -> int | None:
        """None when it is closed."""
        del service
        return self._desk.pid if self._desk else None

    def restart(self, service: str) -> None:
        """Stop, then start."""
        self.stop(service)
        self.start(service)

    def reload(self, service: str) -> None:
        """It has no configuration."""

    def scale(self, slots: int) -> None:
        """There is one desk."""

    def settle(self) -> None:
        """It has no limit that would remember anybody."""

    def answers(self) -> bool:
        """Whether the desk is open."""
        with contextlib.suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{self._port}/health", timeout=1):
            return True
        return False

    def environment(self) -> Mapping[str, str]:
        """The whole environment of a command."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder),
            "DESK_URL": f"http://127.0.0.1:{self._port}",
            "SHELF": self.database,
        }

    def secrets(self) -> frozenset[str]:
        """A library has none."""
        return frozenset()

    def guesses(self) -> frozenset[str]:
        """Nor anything that may be one."""
        return frozenset()

    def versions(self) -> Mapping[str, str]:
        """Of the desk."""
        return {"desk": "1"}

    def steady_state(self) -> Command | None:
        """A drill breaks it on purpose."""

    def lock(self, run: str) -> Branch:
        """It belongs to one run."""
        del run
        return self

    def release(self) -> None:
        """Nothing to give back."""

    def reachable(self, environment: Mapping[str, str]) -> Iterator[Reached]:
        """The desk."""
        del environment
        yield Reached("desk", self.answers(), "may lend and take back")

    def close(self) -> None:
        """The desk and its folder are gone."""
        self.stop("desk")
        shutil.rmtree(self._folder, ignore_errors=True)
