"""Several procedures of a page, one behind the other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.contract.ledger import KEYS, Ledger
from tests.contract.test_guided_resumed_again import FEATURE, WITH, WITHOUT

RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Nothing is written yet."""
    return Ledger.make(tmp_path, FEATURE, "# Notes\n", RUNBOOKS, tmp_path_factory.getbasetemp() / "compiled")


def test_the_next_procedure_follows_when_all_went_through(ledger: Ledger) -> None:
    """With the same target, consent and role, and with a journal of its own."""
    said = ("--allow", "destructive", "--as", "CTO", "--then", "without an undo")
    with ledger.runs(WITH, *said) as person:
        for _ in range(3):
            person.answers(KEYS, "r")
        person.waits_for(f"Now “{WITHOUT}”")
        person.waits_for("You are   CTO")
        for _ in range(3):
            person.answers(KEYS, "r")
            person.answers("Type branch to run it", "branch")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["one", "two", "three"] * 2
    assert len(list((ledger.root / "build/journal").glob("*.jsonl"))) == 2


def test_what_was_not_begun_is_named_and_is_no_success(ledger: Ledger) -> None:
    """Stopped in the first: the second is not begun, and the exit code is that of the first."""
    with ledger.runs(WITH, "--allow", "destructive", "--then", WITHOUT) as person:
        person.answers(KEYS, "r")
        person.answers(KEYS, "q")
        person.answers("Undo it now?", "l")
        person.waits_for(f"Not begun: “{WITHOUT}”")
        assert person.ends() == 130, person.seen
    assert ledger.lines() == ["one"]


def test_a_name_that_is_none_is_told_before_anything_runs(ledger: Ledger) -> None:
    """Not when the first is over."""
    with ledger.runs(WITH, "--allow", "destructive", "--then", "no such thing") as person:
        assert person.ends() == 2, person.seen
    assert (ledger.lines(), "has no scenarios 'no such thing'" in person.seen) == ([], True)


def test_without_a_name_the_person_chooses(ledger: Ledger) -> None:
    """By number, from the page's procedures with their risk."""
    with ledger.runs("", "--allow", "mutating") as person:
        person.waits_for(f"1  {WITHOUT}  (destructive, no undo)")
        person.answers("Number, or [q]uit:", "2")
        person.waits_for(f"Notes: {WITH}")
        person.answers(KEYS, "q")
        assert person.ends() == 130, person.seen
