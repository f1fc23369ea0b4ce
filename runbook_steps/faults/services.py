"""A service that is down: its process killed, as a crash would."""

from __future__ import annotations

import contextlib
import os
import signal

import psutil

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["ServiceDown"]


class ServiceDown:
    """One service killed by its process id. `service` is a name that ServiceControl knows."""

    def __init__(self, control: ServiceControl, service: str) -> None:
        self._control = control
        self._service = service

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._service} is down"

    def arrange(self) -> None:
        """Kills the process and waits until it is gone."""
        pid = self._control.pid(self._service)
        if pid is None:
            return
        try:
            process = psutil.Process(pid)
            os.kill(pid, signal.SIGKILL)
            process.wait(timeout=10)
        except psutil.TimeoutExpired as error:
            raise FaultError(f"{self._service} (process {pid}) does not die") from error
        except (psutil.NoSuchProcess, ProcessLookupError):
            return

    def observe(self) -> Observation:
        """Looks for its process."""
        pid = self._control.pid(self._service)
        return Observation(pid is None, f"{self._service}: {'no process' if pid is None else f'process {pid}'}")

    def clear(self) -> None:
        """Starts it again, if the procedure did not."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._control.start(self._service)
