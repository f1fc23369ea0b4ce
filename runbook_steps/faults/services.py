"""A service that is down: its process killed, as a crash would."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping

import psutil

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl
from runbook_steps.faults.outside import whether_down
from runbook_steps.faults.sessions import wait_until

__all__ = ["ServiceDown"]


class ServiceDown:
    """One service killed by its process id. `service` is a name that ServiceControl knows.

    Whether it is down is asked at its address in `environment`, as those who need it do.
    """

    def __init__(self, control: ServiceControl, service: str, environment: Mapping[str, str]) -> None:
        self._control = control
        self._service = service
        self._environment = environment

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._service} is down"

    def arrange(self) -> None:
        """Kills the process and waits until it is gone, and nobody answers at its address any more."""
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
        # the keeper ends what it left: on a busy machine a worker answers for a moment without its master
        wait_until(lambda: self.observe().present, f"nobody answers for {self._service}")

    def observe(self) -> Observation:
        """Asks it."""
        return whether_down(self._service, self._environment)

    def clear(self) -> None:
        """Starts it again, if the procedure did not."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._control.start(self._service)
