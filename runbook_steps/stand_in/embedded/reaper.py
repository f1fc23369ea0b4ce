"""The process that stays behind when the keeper is killed: it ends what is left of the run, then itself."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass

from runbook_steps.stand_in.embedded.clearing import clear
from runbook_steps.stand_in.embedded.layout import Layout

__all__ = ["start_reaper"]

_KEEPER_LIMIT_MS = 3000  # what the keeper gets to end by itself once the owner is gone


@dataclass(frozen=True)
class Reaper:
    """The keeper's hold on its reaper."""

    pid: int
    pipe: int

    def dismiss(self) -> None:
        """After an orderly end there is nothing to do for it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def start_reaper(layout: Layout, owner_fd: int | None) -> Reaper:
    """Forks it. Only from a process with a single thread. `owner_fd` is the pipe from the run's owner."""
    keeper = os.getpid()
    reading, writing = os.pipe()  # neither is inherited by what the keeper starts
    pid = os.fork()
    if pid:
        os.close(reading)
        return Reaper(pid, writing)
    try:
        os.setsid()
        os.close(writing)
        _wait(reading, owner_fd, keeper)
        clear(layout.directory)
    finally:
        os._exit(0)


def _wait(keeper_pipe: int, owner_fd: int | None, keeper: int) -> None:
    """Returns when the keeper is gone; when the owner goes first the keeper has a while, then is killed."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    poll = select.poll()
    poll.register(keeper_pipe, select.POLLIN)
    if owner_fd is not None:
        poll.register(owner_fd, select.POLLIN)
    ready = dict(poll.poll())
    if keeper_pipe in ready:
        return
    if owner_fd is not None:
        poll.unregister(owner_fd)
    if not poll.poll(_KEEPER_LIMIT_MS):
        with contextlib.suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGKILL)
        poll.poll()
