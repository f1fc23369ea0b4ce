"""What was refused is the command's doing, or the lack of a way to look: the two have different words."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_steps.engine.errors import NotRunnableHere, RiskExceeded
from runbook_steps.engine.guards.services.streams import Refusal
from runbook_steps.engine.model import Command, Position, Result, Risk, TargetFacts
from runbook_steps.engine.run.held_to_risk import Restraint
from runbook_steps.engine.text.not_held import NOT_HELD

COMMAND = Command("psql -c 'SELECT 1'", "bash", "look", Position("features/a.feature", 1), 5.0)
BEHIND_A_POOLER = Refusal("PostgreSQL", NOT_HELD.format(why="transaction_read_only is off"))
WROTE = Refusal("PostgreSQL", "DELETE")


class Told:
    """A guard that refused those."""

    def __init__(self, *refusals: Refusal) -> None:
        self._refusals = refusals

    def take_refusals(self, _elsewhere: str = "") -> tuple[Refusal, ...]:
        """What was refused."""
        return self._refusals


def judged(*refusals: Refusal) -> None:
    """Judges a command that ended well, whatever it made of the refusals."""
    guard: Any = Told(*refusals)
    facts = TargetFacts("staging", disposable=False, allowed=Risk.READONLY, tools=frozenset())
    restraint = Restraint(Risk.READONLY, facts, None)
    restraint._guard = guard
    restraint.judge(COMMAND, Result(COMMAND, 0, "", "", 0.1))


def test_a_pooler_in_the_way_is_no_deed_of_the_command() -> None:
    """It is not runnable here, and the setting that helps is named."""
    with pytest.raises(NotRunnableHere, match=r"“look” needs PostgreSQL, and what it gets is a session that .* ALTER"):
        judged(BEHIND_A_POOLER, BEHIND_A_POOLER)


def test_what_it_tried_besides_stays_red() -> None:
    """One deed among them is enough."""
    with pytest.raises(RiskExceeded, match="PostgreSQL: DELETE"):
        judged(BEHIND_A_POOLER, WROTE)
