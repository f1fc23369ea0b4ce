"""What a fault is, and the situation of a scenario: arranged where disposable, observed where live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from runbook_steps.engine.errors import FaultError, NotApplicableNow

__all__ = ["Observation", "Situation"]


@dataclass(frozen=True)
class Observation:
    """What was seen: whether the fault is there, and the reading that says so, for the journal."""

    present: bool
    detail: str


class Fault(Protocol):
    """Something that breaks. It tells by looking at the real thing, not by remembering."""

    @property
    def name(self) -> str:
        """What is broken, in the words of an operator: `Redis is out of memory`."""

    def arrange(self) -> None:
        """Break it. Raises FaultError when it cannot."""

    def observe(self) -> Observation:
        """Look whether it is broken, without changing anything."""

    def clear(self) -> None:
        """Undo what arrange did, also half of it, also twice."""


class Situation:
    """The faults of one scenario. `undo` clears them in reverse order and looks that they are gone."""

    def __init__(self, *, disposable: bool, tell: Callable[..., Any]) -> None:
        """`tell(event, **values)` writes to the journal."""
        self._disposable = disposable
        self._tell = tell
        self._arranged: list[Fault] = []

    def arrange(self, fault: Fault) -> Observation:
        """Breaks it and proves that it is broken; on a live target only looks.

        Raises FaultError when it would not break, NotApplicableNow when a live target does not have it.
        """
        if self._disposable:
            self._tell("fault arranging", fault=fault.name)
            self._arranged.append(fault)
            fault.arrange()
        seen = fault.observe()
        self._tell("fault observed", fault=fault.name, present=seen.present, detail=seen.detail)
        if not seen.present and self._disposable:
            raise FaultError(f"arranged “{fault.name}”, but it is not there: {seen.detail}")
        if not seen.present:
            raise NotApplicableNow(f"“{fault.name}” is not the case: {seen.detail}")
        return seen

    def undo(self) -> None:
        """Clears everything, the last first. Raises FaultError naming each fault that is still there."""
        left: list[str] = []
        while self._arranged:
            fault = self._arranged.pop()
            try:
                fault.clear()
                seen = fault.observe()
            except Exception as error:
                left.append(f"{fault.name}: {error}")
                continue
            self._tell("fault cleared", fault=fault.name, present=seen.present, detail=seen.detail)
            if seen.present:
                left.append(f"{fault.name}: {seen.detail}")
        if left:
            raise FaultError("still there after clearing: " + "; ".join(left))
