"""What will run, or why not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook_steps.engine.model import (
    COUNTER_EXAMPLE,
    Command,
    Outcome,
    Position,
    Procedure,
    Risk,
    Role,
    Step,
    TargetFacts,
)
from runbook_steps.engine.run.plan import has_no_undo, parts_needed, plan, unset_variables


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
    ],
)
def test_a_risk_above_what_is_allowed_is_refused(risk: Risk, allowed: Risk, refusal: Outcome | None) -> None:
    """Readonly is below mutating is below destructive."""
    assert refusal is plan(procedure(risk), facts(allowed)).refusal


@pytest.mark.parametrize("risk", [Risk.MUTATING, Risk.DESTRUCTIVE])
def test_a_change_of_a_live_target_needs_an_undo(risk: Risk) -> None:
    """Without one it is not run there, and the reason says how to write one."""
    change = procedure(risk)
    undo = Command("true", "bash", "undo it", Position("features/a.feature", 5), 30.0, undo=True)
    step = Step(Role.WHEN, "When", "I get ready to undo it:", Position("features/a.feature", 4), command=undo)
    without, with_undo = plan(change, facts(risk)), plan(replace(change, steps=(step,)), facts(risk))
    assert "has no undo: a step `When I get ready to …:`" in without.reason
    assert with_undo.refusal is None
    assert plan(change, replace(facts(risk), disposable=True)).refusal is None
    assert plan(change, facts(risk), attended=True).refusal is None


@pytest.mark.parametrize(
    ("risk", "commands", "point_of_no_return"),
    [
        (Risk.MUTATING, [{}], True),
        (Risk.MUTATING, [{"undo": True}, {}], False),
        (Risk.MUTATING, [{"may_fail": True}], False),
        (Risk.READONLY, [{}], False),
    ],
)
def test_a_change_without_an_undo_is_a_point_of_no_return(
    risk: Risk, commands: list[dict[str, bool]], *, point_of_no_return: bool
) -> None:
    """What is only tried, to see it refused, changes nothing."""
    at = Position("features/a.feature", 5)
    steps = [Step(Role.WHEN, "When", "I do it:", at, Command("x", "bash", "do it", at, 30.0, **c)) for c in commands]
    assert has_no_undo(replace(procedure(risk), steps=tuple(steps))) == point_of_no_return


def test_a_part_that_is_not_configured_is_named() -> None:
    """A live target has what its settings name."""
    planned = plan(procedure(Risk.READONLY, "needs_redis"), replace(facts(Risk.READONLY), parts=frozenset({"api"})))
    assert (planned.refusal, planned.reason) == (Outcome.NOT_RUNNABLE, "staging has no redis configured")


def test_where_a_contract_computes_the_needs_the_tags_do_not_decide() -> None:
    """What can be looked at without a part is looked at without it."""
    few = replace(facts(Risk.READONLY), parts=frozenset({"api"}))
    assert plan(procedure(Risk.READONLY, "needs_redis"), few, tags_decide=False).refusal is None


@pytest.mark.parametrize(
    ("risk", "attended", "disposable", "looks"),
    [
        (Risk.MUTATING, False, False, True),
        (Risk.READONLY, False, False, False),
        (Risk.MUTATING, True, False, False),
        (Risk.MUTATING, False, True, False),
    ],
)
def test_what_only_the_risk_forbids_is_looked_at(risk: Risk, *, attended: bool, disposable: bool, looks: bool) -> None:
    """On a live target, where nobody is there to be asked: whether what it is for is there can be seen by reading."""
    known = replace(facts(Risk.READONLY), disposable=disposable)
    assert plan(procedure(risk), known, attended=attended).looks is looks
    assert not plan(replace(procedure(risk), tags=frozenset({COUNTER_EXAMPLE})), known).looks or disposable


@pytest.mark.parametrize(
    ("text", "unset"),
    [
        ('echo "$FOO_BAR" ${BAZ} ${QUX:-x} ${#LENGTH} ${LEN#x}', ("FOO_BAR", "BAZ", "LEN")),
        ('cp "${FROM_FILE:?}" ${TO_FILE?no place} ${MAY_BE:+-x} ${MIGHT+y} ${OTHER:=z}', ("FROM_FILE", "TO_FILE")),
        ('psql "$HOST_A:$PORT_A/x" > "$LOG_A-old"', ("HOST_A", "PORT_A", "LOG_A")),
        ("for HOST in a b; do echo $HOST; done; X_Y=1; echo $X_Y $PWD", ()),
        ("while read -r LINE_A; do echo $LINE_A; done; export T_X=1; echo $T_X", ()),
        ("""python3 -c 'import os; os.environ["INCIDENT"]'""", ("INCIDENT",)),
        ("echo $KNOWN", ()),
    ],
)
def test_variables_that_nobody_sets_are_found(text: str, unset: tuple[str, ...]) -> None:
    """What has a default, is set in the command or is the shell's own is not missing."""
    command = Command(text, "bash", "go", Position("features/a.feature", 5), 30.0)
    assert unset_variables(command, {"KNOWN"}) == unset


def test_a_missing_tool_is_named() -> None:
    """The reason tells which tool, and where it was looked for."""
    planned = plan(procedure(Risk.READONLY, "requires_kubectl", "requires_aws"), facts(Risk.READONLY, "aws"))
    assert (
        planned.refusal,
        planned.reason,
    ) == (Outcome.NOT_RUNNABLE, "kubectl not found on the PATH of staging")


def test_parts_come_from_tags_or_are_all() -> None:
    """`@needs_redis` starts Redis alone."""
    assert parts_needed(procedure(Risk.READONLY, "needs_redis"), ["redis", "api"]) == ("redis",)
    assert parts_needed(procedure(Risk.READONLY), ["redis", "api"]) == ("redis", "api")
