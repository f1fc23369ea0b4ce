"""What will run, or why not."""

from __future__ import annotations

import pytest

from runbook_steps.model import Outcome, Position, Procedure, Risk, TargetFacts
from runbook_steps.plan import PARTS, parts_needed, plan


def procedure(risk: Risk, *tags: str) -> Procedure:
    """A procedure without steps: a plan looks at risk and tags alone."""
    return Procedure("P", "", risk, frozenset({f"risk_{risk}", *tags}), (), Position("features/a.feature", 3))


def facts(allowed: Risk, *tools: str) -> TargetFacts:
    """A live target."""
    return TargetFacts("staging", disposable=False, allowed=allowed, tools=frozenset(tools))


@pytest.mark.parametrize(
    ("risk", "allowed", "refusal"),
    [
        (Risk.READONLY, Risk.READONLY, None),
        (Risk.MUTATING, Risk.READONLY, Outcome.NOT_RUNNABLE),
        (Risk.DESTRUCTIVE, Risk.MUTATING, Outcome.NOT_RUNNABLE),
        (Risk.MUTATING, Risk.DESTRUCTIVE, None),
        (Risk.DESTRUCTIVE, Risk.DESTRUCTIVE, None),
    ],
)
def test_a_risk_above_what_is_allowed_is_refused(risk: Risk, allowed: Risk, refusal: Outcome | None) -> None:
    """Readonly is below mutating is below destructive."""
    assert refusal is plan(procedure(risk), facts(allowed)).refusal


def test_a_missing_tool_is_named() -> None:
    """The reason tells which tool, and where it was looked for."""
    planned = plan(procedure(Risk.READONLY, "requires_kubectl", "requires_aws"), facts(Risk.READONLY, "aws"))
    assert (
        planned.refusal,
        planned.reason,
    ) == (Outcome.NOT_RUNNABLE, "kubectl not found on the PATH of staging")


def test_parts_come_from_tags_or_are_all() -> None:
    """`@needs_redis` starts Redis alone."""
    assert parts_needed(procedure(Risk.READONLY, "needs_redis")) == ("redis",)
    assert parts_needed(procedure(Risk.READONLY)) == PARTS
