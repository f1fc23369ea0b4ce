"""What breaks in a library."""

from __future__ import annotations

import sqlite3

from lending.service import overdue
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["ClosedDesk", "OverdueLoan"]


class ClosedDesk:
    """The process is gone."""

    name = "the desk is closed"

    def __init__(self, control: ServiceControl) -> None:
        self._control = control

    def arrange(self) -> None:
        """Ends it."""
        self._control.stop("desk")

    def observe(self) -> Observation:
        """By its process."""
        pid = self._control.pid("desk")
        return Observation(pid is None, f"pid {pid}")

    def clear(self) -> None:
        """Opens it."""
        self._control.start("desk")


class OverdueLoan:
    """A book should have been back long ago."""

    name = "a loan is overdue"

    def __init__(self, database: str) -> None:
        self._database = database

    def arrange(self) -> None:
        """Lends it until the year 2000."""
        self._set("2000-01-01")

    def observe(self) -> Observation:
        """By the shelf."""
        found = overdue(self._database)
        return Observation(bool(found), f"{len(found)} overdue")

    def clear(self) -> None:
        """Nobody has it."""
        self._set(None)

    def _set(self, due: str | None) -> None:
        with sqlite3.connect(self._database) as shelf:
            shelf.execute("UPDATE books SET due = ?", [due])
