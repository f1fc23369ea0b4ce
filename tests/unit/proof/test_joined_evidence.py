"""Evidence of several machines becomes one: in any order and grouping, the newest of each, and no contradiction."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.model import Evidence, Outcome, ScenarioRecord
from runbook_steps.engine.proof.joined_evidence import joined, remarks, shortfall
from tests.unit.records import scenario_record

OLD, NEW = "2026-11-23T18:00:00.000Z", "2026-11-24T18:00:00.000Z"


def record(name: str, started: str, outcome: Outcome = Outcome.PASSED, run: str = "r") -> ScenarioRecord:
    """What happened to that scenario."""
    return scenario_record("f", name, outcome=outcome, started=started, target="here", run=run)


def evidence(written: str, *records: ScenarioRecord) -> Evidence:
    """A file with these records."""
    return Evidence("here", written, {each.id: each for each in records})


A = evidence(OLD, record("One", OLD), record("Two", OLD))
B = evidence(NEW, record("One", NEW, Outcome.FAILED), record("Three", OLD))
C = evidence(OLD, record("Two", NEW, run="s"), record("Three", OLD))


def test_the_newest_of_each_counts_in_whatever_order() -> None:
    """All orders, both groupings, and a part with itself."""
    whole = joined([A, B, C])
    assert {key: (each.started, each.outcome) for key, each in whole.records.items()} == {
        "f::One": (NEW, Outcome.FAILED),
        "f::Two": (NEW, Outcome.PASSED),
        "f::Three": (OLD, Outcome.PASSED),
    }
    assert {joined(order) == whole for order in permutations([A, B, C])} == {True}
    assert joined([joined([A, B]), C]) == joined([A, joined([B, C])]) == whole
    assert joined([A, A]) == joined([A])


def test_a_contradiction_is_refused() -> None:
    """One run tells of one scenario in one way."""
    edited = evidence(OLD, replace(record("One", OLD), outcome=Outcome.FAILED))
    with pytest.raises(EvidenceError, match="tell otherwise of f::One"):
        joined([A, edited])


def test_other_targets_and_nothing_are_refused() -> None:
    """What cannot be one file."""
    with pytest.raises(EvidenceError, match="of here and of there"):
        joined([A, replace(B, target="there")])
    with pytest.raises(EvidenceError, match="nothing to join"):
        joined([])


def test_a_part_that_holds_nothing_and_one_given_twice_are_told() -> None:
    """Under the names of their files; different parts are not."""
    empty = evidence(OLD)
    assert list(remarks({"a": A, "b": B, "c": empty})) == ["c holds no scenario"]
    assert list(remarks({"a": A, "b": B, "again": A})) == ["a and again hold the same: was one part given twice?"]
    assert list(remarks({"one": empty, "two": empty})) == ["one holds no scenario", "two holds no scenario"]


def test_a_part_that_is_missing_or_of_another_commit_is_told() -> None:
    """Also where an older run holds its scenarios: all of them ran on one commit."""
    ids = ["f::One", "f::Three", "f::Two"]
    assert shortfall(joined([A, B, C]), ids) == ""
    assert shortfall(joined([A]), ids) == "1 of 3 scenarios did not run on abc: f::Three"
    assert shortfall(evidence(OLD), ids) == "no scenario ran"
    newer = evidence(NEW, replace(record("One", NEW, run="s"), commit="def"))
    said = "2 of 3 scenarios did not run on def; 2 ran on abc: f::Three, f::Two"
    assert shortfall(joined([A, C, newer]), ids) == said
    assert shortfall(joined([A, B, C]), []) == ""
