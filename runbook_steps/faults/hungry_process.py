"""A process that takes what others need: it spins, or it leaks. Bounded, and dead when its drill is."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping

import psutil

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import COMMAND_MARK

__all__ = ["LeakingProcess", "SpinningProcess"]

LEAK_STEP = 1024 * 1024  # bytes every tenth of a second
LEAKED = 16 * 1024 * 1024  # bytes that show it
LEAK_MOST = 400 * 1024 * 1024  # bytes; then it stops growing
SPIN_MOST_S = 60  # seconds of processor time, a limit of the kernel
_DIES_WITH_US = "import ctypes; ctypes.CDLL(None).prctl(1, 9)"  # PR_SET_PDEATHSIG, SIGKILL
_SPIN = f"""
{_DIES_WITH_US}
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({SPIN_MOST_S}, {SPIN_MOST_S}))
print("ready", flush=True)
while True:
    pass
"""
_LEAK = f"""
{_DIES_WITH_US}
import time
print("ready", flush=True)
kept = []
while True:
    if len(kept) * {LEAK_STEP} < {LEAK_MOST}:
        kept.append(bytearray(b"x" * {LEAK_STEP}))
    time.sleep(0.1)
"""


class _Started:
    """A Python process of the drill. `called` ends its command line, and no other's: drills share a host."""

    program = ""
    job = ""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.called = f"{self.job}-{secrets.token_hex(3)}"
        self._environment = {**environment, COMMAND_MARK: f"{os.getpid()}-fault"}
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Its process id. Raises FaultError before it was started."""
        if self._process is None:
            raise FaultError("the process was not started")
        return self._process.pid

    def arrange(self) -> None:
        """Starts it and waits until it is at work."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.program, self.called],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout is None or self._process.stdout.readline() != "ready\n":
            raise FaultError("the process did not start")

    def clear(self) -> None:
        """Kills it, if the procedure did not."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


class SpinningProcess(_Started):
    """A loop without an end."""

    program = _SPIN
    job = "report-export"

    @property
    def name(self) -> str:
        """What is broken."""
        return "a process spins"

    def observe(self) -> Observation:
        """Measures the processor time that it takes."""
        share = 0.0
        if self._alive():
            with contextlib.suppress(psutil.Error):
                share = psutil.Process(self.pid).cpu_percent(interval=0.3)
        return Observation(share > 5, f"{share:.0f} % of a core")  # noqa: PLR2004 - a sleeping one takes none


class LeakingProcess(_Started):
    """A process that keeps what it should let go."""

    program = _LEAK
    job = "image-resize"

    @property
    def name(self) -> str:
        """What is broken."""
        return "a process leaks memory"

    def observe(self) -> Observation:
        """Reads its memory."""
        held = 0
        if self._alive():
            with contextlib.suppress(psutil.Error):
                held = psutil.Process(self.pid).memory_info().rss
        return Observation(held > LEAKED, f"{held // (1024 * 1024)} MiB")

    def arrange(self) -> None:
        """Starts it and waits until it has leaked something."""
        super().arrange()
        while self._alive() and not self.observe().present:
            psutil.cpu_percent(interval=0.05)
