"""Steps about the desk and the shelf."""

from __future__ import annotations

from pytest_bdd import given, parsers, then

from lending.faults import ClosedDesk, OverdueLoan
from lending.service import overdue
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target


@given("the desk is closed")
def desk_is_closed(situation: Situation, control: ServiceControl) -> None:
    """Arranged, and seen."""
    situation.arrange(ClosedDesk(control))


@given("a loan is overdue")
def loan_is_overdue(situation: Situation, target: Target) -> None:
    """Arranged, and seen."""
    situation.arrange(OverdueLoan(target.environment()["SHELF"]))


@then(parsers.parse('it prints "{text}"'))
def prints(text: str, results: list[Result]) -> None:
    """The last command said so."""
    assert text in results[-1].stdout


@then("no loan is overdue")
def nothing_overdue(target: Target) -> None:
    """Read back from the shelf, not from the desk."""
    assert overdue(target.environment()["SHELF"]) == []
