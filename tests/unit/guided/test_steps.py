"""A check that cannot be looked at where it is asked is neither held nor broken: it is told, and the run goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.guided.steps import GuidedSteps
from runbook_steps.engine.model import Outcome, Position, Role, Step

CHECK = Step(Role.THEN, "Then", "every slot says that Redis is healthy", Position("f", 1))
WHY = "staging sets no API_SLOTS: set STAGING_API_SLOTS, and look again"


class Desk:
    """As much of it as a check needs; the person at it ends what failed."""

    def __init__(self, *, live: bool, went_on: bool) -> None:
        self.said: list[str] = []
        self.recorded: list[tuple[Outcome, str]] = []
        self.number = self.begin_at = 0
        self.went_on, self.unproven, self.who = went_on, False, "ops"
        self.brief = SimpleNamespace(live=live, procedure=SimpleNamespace(steps=(CHECK,)))
        self.screen = self
        self.proof = SimpleNamespace(recorder=self)

    @property
    def not_seen(self) -> str:
        """Of the step that was recorded last."""
        return next((note for outcome, note in self.recorded[-1:] if outcome is Outcome.NOT_RUNNABLE), "")

    def record(self, outcome: Outcome, note: str) -> None:
        """Closes the step."""
        self.recorded.append((outcome, note))

    def say(self, text: str, *_: str) -> None:
        """On the screen."""
        self.said.append(text)

    def ask(self, question: str, *_: object) -> str:
        """Enter."""
        self.said.append(question)
        return ""


def cannot() -> None:
    """What the step does."""
    raise NotRunnableHere(WHY)


def looked_at(desk: Any) -> None:
    """One check."""
    GuidedSteps(desk).perform(0, CHECK, cannot, {})


@pytest.mark.parametrize("went_on", [False, True])
def test_what_nobody_set_is_no_failure(went_on: bool) -> None:
    """Also behind a command that a person did by hand: what was done is not taken for nothing."""
    desk = Desk(live=True, went_on=went_on)
    looked_at(desk)
    assert desk.recorded == [(Outcome.NOT_RUNNABLE, WHY)]
    assert desk.said[1:] == [f"  – {WHY}"]
    assert not desk.unproven


def test_in_practice_nothing_is_missing() -> None:
    """There it is a mistake of the drill, and red."""
    desk = Desk(live=False, went_on=False)
    with pytest.raises(NotRunnableHere):
        looked_at(desk)
    assert "it is not so" in desk.said[1]
