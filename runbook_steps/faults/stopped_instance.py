"""An instance of the API that is stopped: it does not come back by itself, as a crashed one does."""

from __future__ import annotations

from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["StoppedInstance"]


class StoppedInstance:
    """`slot` is a name like `api_2`."""

    def __init__(self, control: ServiceControl, slot: str) -> None:
        self._control = control
        self._slot = slot

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._slot} is stopped"

    def arrange(self) -> None:
        """Stops it in order."""
        self._control.stop(self._slot)

    def observe(self) -> Observation:
        """Looks for its process."""
        pid = self._control.pid(self._slot)
        return Observation(pid is None, "no process" if pid is None else f"process {pid}")

    def clear(self) -> None:
        """Starts it, if the procedure did not."""
        self._control.start(self._slot)
