"""The situation of a scenario: broken for real on a disposable target, only looked at on a live one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from runbook_steps.engine.errors import FaultError, NotApplicableNow
from runbook_steps.engine.run.situation import Observation, Situation


@dataclass
class Lamp:
    """Something that can be broken: `stuck` never breaks, `dead` never heals."""

    name: str
    log: list[str] = field(default_factory=list)
    broken: bool = False
    stuck: bool = False
    dead: bool = False

    def arrange(self) -> None:
        self.log.append(f"arrange {self.name}")
        self.broken = not self.stuck

    def observe(self) -> Observation:
        return Observation(self.broken, "dark" if self.broken else "light")

    def clear(self) -> None:
        self.log.append(f"clear {self.name}")
        self.broken = self.dead


def situation(told: list[tuple[str, Any]], *, disposable: bool = True) -> Situation:
    """A situation that tells into a list."""
    return Situation(disposable=disposable, tell=lambda event, **values: told.append((event, values["fault"])))


def test_faults_are_cleared_in_reverse_order() -> None:
    """The last that was broken is repaired first, and everything is told."""
    log: list[str] = []
    told: list[tuple[str, Any]] = []
    kept = situation(told)
    for name in ("a", "b"):
        kept.arrange(Lamp(name, log))
    kept.undo()
    assert log == ["arrange a", "arrange b", "clear b", "clear a"]
    assert [event for event, _ in told] == ["fault arranging", "fault observed"] * 2 + ["fault cleared"] * 2


def test_a_fault_that_does_not_show_is_an_error() -> None:
    """A drill in which nothing broke proves nothing."""
    with pytest.raises(FaultError, match="arranged “a”, but it is not there: light"):
        situation([]).arrange(Lamp("a", stuck=True))


def test_a_live_target_is_only_looked_at() -> None:
    """Absent: not applicable now. Present: it goes on. Neither breaks anything nor clears anything."""
    log: list[str] = []
    kept = situation([], disposable=False)
    with pytest.raises(NotApplicableNow, match="“a” is not the case: light"):
        kept.arrange(Lamp("a", log))
    assert kept.arrange(Lamp("b", log, broken=True)).detail == "dark"
    kept.undo()
    assert log == []


def test_one_fault_that_stays_does_not_keep_the_others() -> None:
    """Every fault is cleared, and each one that is still there is named."""
    log: list[str] = []
    kept = situation([])
    kept.arrange(Lamp("a", log))
    kept.arrange(Lamp("b", log, dead=True))
    with pytest.raises(FaultError, match="still there after clearing: b: dark"):
        kept.undo()
    assert log[2:] == ["clear b", "clear a"]


def test_undo_twice_clears_once() -> None:
    """What was cleared is forgotten."""
    log: list[str] = []
    kept = situation([])
    kept.arrange(Lamp("a", log))
    kept.undo()
    kept.undo()
    assert log == ["arrange a", "clear a"]
