"""A log volume without room: a small file system of its own, seen by everybody who may look into its process.

The file system is mounted in the mount namespace of a process that writes the log, so that no root is needed
and nothing stays mounted when the drill is killed. `/proc/<pid>/root` leads into it.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from runbook_steps.engine.errors import FaultError, NotRunnableHere
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import COMMAND_MARK

__all__ = ["FullVolume"]

SIZE = 16 * 1024 * 1024  # bytes
_PLACE = "/mnt"
_OLD = 30 * 86400  # seconds: a month ago, past the seven days that rotated logs are kept
_WRITER = """
import ctypes; ctypes.CDLL(None).prctl(1, 9)
import os, subprocess, sys, time
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d,mode=700" % int(sys.argv[2]), "tmpfs", sys.argv[1]], check=True)
os.chdir(sys.argv[1])
log = os.open("app.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
print("ready", flush=True)
while True:
    try:
        os.write(log, b'{"level": "info", "message": "request completed"}\\n')
    except OSError:
        pass
    time.sleep(0.05)
"""


class FullVolume:
    """`held=False`: rotated logs fill it. `held=True`: a log that was deleted while it is written fills it."""

    def __init__(self, environment: Mapping[str, str], *, held: bool = False) -> None:
        self._environment = {**environment, COMMAND_MARK: f"{os.getpid()}-fault"}
        self._held = held
        self._process: subprocess.Popen[str] | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return "the log volume is full"

    @property
    def pid(self) -> int:
        """The process that writes the log. Raises FaultError before it was started."""
        if self._process is None:
            raise FaultError("the log volume was not made")
        return self._process.pid

    @property
    def path(self) -> Path:
        """The volume, as others see it."""
        return Path(f"/proc/{self.pid}/root{_PLACE}")

    def arrange(self) -> None:
        """Makes the volume and fills it. Raises NotRunnableHere where no file system can be mounted."""
        unshare = shutil.which("unshare")
        if unshare is None:
            raise NotRunnableHere("`unshare` is not on the PATH: no small file system can be made to fill")
        kind = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        self._process = subprocess.Popen(
            [unshare, *kind, "--mount", sys.executable, "-c", _WRITER, _PLACE, str(SIZE)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        if self._process.stdout is None or self._process.stdout.readline() != "ready\n":
            raise NotRunnableHere("this kernel lets nobody mount a small file system of its own to fill")
        if self._held:
            self._hold()
        else:
            self._rotate()

    def _rotate(self) -> None:
        """Old application logs, security logs of the same age, and one big file on top."""
        for name in ("app.log.1", "app.log.2", "security.log", "security.log.1"):
            self._write(self.path / name, 1024 * 1024)
        self._write(self.path / "app.log.3", SIZE)

    def _hold(self) -> None:
        """The open log itself is big, and then its name is removed: what a hasty clean-up does."""
        self._write(self.path / "app.log", SIZE)
        (self.path / "app.log").unlink()

    def _write(self, file: Path, size: int) -> None:
        try:
            with file.open("ab", buffering=0) as out:
                for _ in range(size // 65536):
                    out.write(b"x" * 65536)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise FaultError(f"{file.name} cannot be written: {error.strerror}") from error
        if not self._held:
            age = file.stat().st_mtime - _OLD
            os.utime(file, (age, age))

    def observe(self) -> Observation:
        """Tries to write: that is what fails when it is full."""
        if self._process is None or self._process.poll() is not None:
            return Observation(False, "the volume is gone")
        probe = self.path / ".probe"
        try:
            with probe.open("wb", buffering=0) as out:
                written = out.write(b"x" * 262144)
        except OSError as error:
            return Observation(error.errno == errno.ENOSPC, f"a write fails: {error.strerror}")
        finally:
            probe.unlink(missing_ok=True)
        return Observation(written < 262144, f"{written} of 262144 bytes could be written")  # noqa: PLR2004 - see above

    def clear(self) -> None:
        """Ends the process; the volume goes with it."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
