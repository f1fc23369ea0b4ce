"""The situation of a scenario whose Given is broken: nothing arranged, a lie about it, or twice as bad."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.run.situation import Fault, Observation, Situation

__all__ = ["MeddledSituation", "WatchedSituation"]


@runtime_checkable
class _CanBeWorse(Protocol):
    def worse(self) -> None:
        """Break it twice as badly as `arrange` does."""


class WatchedSituation(Situation):
    """Tells which steps arrange a fault, and which of those faults can be worse: `tell_arranged(can_be_worse)`."""

    def __init__(self, *, disposable: bool, tell: Callable[..., Any], tell_arranged: Callable[[bool], None]) -> None:
        super().__init__(disposable=disposable, tell=tell)
        self._tell_arranged = tell_arranged

    def arrange(self, fault: Fault) -> Observation:
        """As ever, and told."""
        self._tell_arranged(isinstance(fault, _CanBeWorse))
        return super().arrange(fault)


class MeddledSituation(Situation):
    """Breaks every fault that is arranged while `here()` says so, in one way."""

    def __init__(self, *, disposable: bool, tell: Callable[..., Any], way: Break, here: Callable[[], bool]) -> None:
        super().__init__(disposable=disposable, tell=tell)
        self._way = way
        self._here = here

    def arrange(self, fault: Fault) -> Observation:
        """The broken fault, in its place."""
        return super().arrange(_MADE[self._way](fault) if self._here() else fault)


class _Kept:
    """A fault that does what the one inside does."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    @property
    def name(self) -> str:
        return self._fault.name

    def arrange(self) -> None:
        self._fault.arrange()

    def observe(self) -> Observation:
        return self._fault.observe()

    def clear(self) -> None:
        self._fault.clear()


class _NotArranged(_Kept):
    def arrange(self) -> None:
        """Nothing."""


class _Lying(_Kept):
    """Until it is cleared: whether it is gone must be known."""

    _cleared = False

    def observe(self) -> Observation:
        seen = super().observe()
        return seen if self._cleared else Observation(not seen.present, f"a lie: {seen.detail}")

    def clear(self) -> None:
        self._cleared = True
        super().clear()


class _Worse(_Kept):
    def arrange(self) -> None:
        if isinstance(self._fault, _CanBeWorse):
            self._fault.worse()
        else:
            super().arrange()


_MADE: dict[Break, type[_Kept]] = {Break.NO_FAULT: _NotArranged, Break.LYING: _Lying, Break.WORSE_FAULT: _Worse}
