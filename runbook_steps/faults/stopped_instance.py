"""An instance of the API that is stopped: it does not come back by itself, as a crashed one does."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl
from runbook_steps.faults.outside import slot_urls, whether_down

__all__ = ["StoppedInstance", "first_that_is_down"]


def first_that_is_down(environment: Mapping[str, str]) -> int:
    """The number of the first instance that nobody answers at, counted from 1; 0 when all answer."""
    numbers = range(1, len(slot_urls(environment)) + 1)
    return next((number for number in numbers if whether_down(f"api_{number}", environment).present), 0)


class StoppedInstance:
    """`slot` is a name like `api_2`."""

    def __init__(self, control: ServiceControl, slot: str, environment: Mapping[str, str]) -> None:
        self._control = control
        self._slot = slot
        self._environment = environment

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._slot} is stopped"

    def arrange(self) -> None:
        """Stops it in order."""
        self._control.stop(self._slot)

    def observe(self) -> Observation:
        """Asks it at its own address."""
        return whether_down(self._slot, self._environment)

    def clear(self) -> None:
        """Starts it, if the procedure did not."""
        self._control.start(self._slot)
