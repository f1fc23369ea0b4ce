"""One service and its process: start it and wait, stop it, know when it dies, start it again if asked to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded.layout import Layout
from runbook_steps.stand_in.embedded.processes import Mark, as_account, members, start_mark
from runbook_steps.stand_in.embedded.service import NotReady, Service, until

__all__ = ["Launch", "Supervised", "Timing", "as_child"]

_STOP_LIMIT_S = 3.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_STEADY_S = 5.0  # a process that lived that long starts again without a pause
_LAST_LINES = 15


@dataclass(frozen=True)
class Timing:
    """How long a start took, in seconds: before the process, and from its start until it was ready."""

    prepare_s: float
    ready_s: float


class Process(Protocol):
    """What the keeper needs of a running service; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int:
        """The number that this machine gave it."""

    @property
    def returncode(self) -> int | None:
        """None as long as nobody has seen it end."""

    def poll(self) -> int | None:
        """The exit code once it has ended."""

    def send_signal(self, sig: signal.Signals, /) -> None:
        """Raises ProcessLookupError when it has ended."""


Launch = Callable[[Service, Layout], Process]


def as_child(service: Service, layout: Layout) -> Process:
    """Starts a service as a child of this process, in a session of its own. Raises OSError."""
    with layout.service_log(service.name).open("ab") as log:
        return subprocess.Popen(
            service.argv,
            cwd=service.cwd,
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **as_account(service.account),
        )


class Supervised:
    """The keeper's view of one service. All methods run on the keeper's loop, one change at a time."""

    def __init__(self, service: Service, layout: Layout, say: Callable[[str], None], launch: Launch) -> None:
        self.service = service
        self._layout = layout
        self._say = say
        self._launch = launch
        self._process: Process | None = None
        self._started = 0.0
        self._lock = asyncio.Lock()
        self._pause_s = _FIRST_PAUSE_S
        self._again: asyncio.Task[None] | None = None
        self.wanted = False
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The running process."""
        return None if self._process is None else self._process.pid

    def state(self) -> dict[str, Any]:
        """For `status`: running, stopped (asked for) or dead (not asked for)."""
        word = "running" if self.pid else ("dead" if self.wanted else "stopped")
        return {"state": word, "pid": self.pid, "restarts": self.restarts}

    # -- start --------------------------------------------------------------------------------------
    async def start(self) -> Timing:
        """Starts it and returns when it is ready. Raises TargetError with the last lines of its output."""
        async with self._lock:
            if self._process is not None:
                return Timing(0.0, 0.0)
            return await self._start()

    async def _start(self) -> Timing:
        began = time.monotonic()
        try:
            await asyncio.to_thread(self.service.prepare)
            self._spawn()
            spawned = time.monotonic()
            self.wanted = True
            await asyncio.to_thread(until, self.service.ready, self.service.deadline_s, lambda: self._process is None)
        except (NotReady, OSError, subprocess.SubprocessError, TargetError) as error:
            self.wanted = False
            await self._end(self.service.quick_signal, 1.0)
            raise TargetError(self._failure(error)) from error
        self._say(f"{self.service.name} is ready, pid {self.pid}")
        return Timing(spawned - began, time.monotonic() - spawned)

    def _spawn(self) -> None:
        self._process = self._launch(self.service, self._layout)
        self._started = time.monotonic()
        self._mark().write(self._layout.pids)

    def _mark(self) -> Mark:
        pid = self._process.pid if self._process else 0
        return Mark(self.service.name, pid, start_mark(pid) or "")

    def _failure(self, error: Exception) -> str:
        log = self._layout.service_log(self.service.name)
        text = log.read_text("utf-8", errors="replace") if log.exists() else ""
        shown = _LAST_LINES if isinstance(error, NotReady) else 0
        tail = [line for line in text.splitlines() if line.strip()][-shown:] if shown else []
        message = f"{self.service.name} did not start: {error}"
        if tail:
            message += f"\nthe last lines of its output ({log}):\n" + "\n".join(f"  {line}" for line in tail)
        for secret in self._layout.secrets.values():
            message = message.replace(secret, "…")
        return message

    # -- stop ---------------------------------------------------------------------------------------
    async def stop(self) -> None:
        """Stops it in order, by force when it takes too long; returns when it and its children are gone."""
        self.wanted = False
        self._cancel_restart()
        async with self._lock:
            self.wanted = False
            await self._end(self.service.stop_signal, _STOP_LIMIT_S)

    async def restart(self) -> Timing:
        """Stop, then start."""
        await self.stop()
        return await self.start()

    def drop(self) -> None:
        """For the end of the run: asks for the quickest end, waits for nothing."""
        self.wanted = False
        self._cancel_restart()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if self.service.quick_signal == signal.SIGKILL:
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.send_signal(self.service.quick_signal)

    async def _end(self, first: signal.Signals, limit_s: float) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(first)
        if not await self._gone(limit_s):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await self._gone(2.0)

    async def _gone(self, limit_s: float) -> bool:
        end = time.monotonic() + limit_s
        while self._process is not None and time.monotonic() < end:
            self.look()
            await asyncio.sleep(0.005)
        return self._process is None

    # -- death --------------------------------------------------------------------------------------
    def look(self) -> None:
        """Notices that the process has ended: ends its children, and starts it again when it is kept up."""
        process = self._process
        if process is None or process.poll() is None:
            return
        mark = Mark(self.service.name, process.pid, "")
        self._process = None
        (self._layout.pids / f"{self.service.name}.json").unlink(missing_ok=True)
        _end_orphans(mark, self._layout)
        if not self.wanted:
            return
        self._say(f"{self.service.name} died, exit code {process.returncode}")
        if self.service.kept_up and not self._lock.locked():
            self._again = asyncio.get_running_loop().create_task(self._start_again())

    async def _start_again(self) -> None:
        lived_s = time.monotonic() - self._started
        self._pause_s = _FIRST_PAUSE_S if lived_s > _STEADY_S else min(self._pause_s * 2, _LONGEST_PAUSE_S)
        while self.wanted:
            await asyncio.sleep(self._pause_s)
            try:
                await self.start()
            except TargetError as error:
                self.wanted = True
                self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
                self._say(str(error))
            else:
                self.restarts += 1
                return

    def _cancel_restart(self) -> None:
        if self._again is not None and self._again is not asyncio.current_task():
            self._again.cancel()
        self._again = None


def _end_orphans(mark: Mark, layout: Layout) -> None:
    """Workers and backends of a killed master: they would keep its port, or its shared memory."""
    # no folder of a cluster: only the session counts, unless it is PostgreSQL's
    pgdata = layout.pgdata if mark.service == "postgres" else layout.directory / "none"
    _kill_and_reap(process.pid for process in members([mark], pgdata))


def _kill_and_reap(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # ours to bury: the keeper is their subreaper
            os.waitpid(pid, 0)
