"""A program that listens to a guided run: the journal's events on standard output, the person on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook_steps.engine.proof.journal_chain import broken_at
from tests.contract.ledger import KEYS, Ledger
from tests.contract.person import Person
from tests.contract.test_guided_resumed_again import FEATURE, WITH

RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Nothing is written yet."""
    return Ledger.make(tmp_path, FEATURE, "# Notes\n", RUNBOOKS, tmp_path_factory.getbasetemp() / "compiled")


def listening(ledger: Ledger, reader: str) -> Person:
    """A run whose standard output goes there; it ends as the run does."""
    said = f"{RUNBOOKS} run notes --target branch --allow mutating --scenario '{WITH}' --format json {reader}"
    environment = {**os.environ, "BRANCH_LEDGER": str(ledger.file)}
    return Person(["/bin/bash", "-c", f"{said}; exit ${{PIPESTATUS[0]}}"], environment, ledger.root)


def test_each_event_of_the_journal_is_a_line_in_its_order(ledger: Ledger, eventually: Callable[..., None]) -> None:
    """The same lines, whole, chained, and there as soon as the journal has them; the person sees none of them."""
    events = ledger.root / "events.jsonl"
    with listening(ledger, "> events.jsonl") as person:
        person.answers(KEYS, "n")
        person.answers("What is to be noted?", "a word")
        person.answers(KEYS, "r")
        person.waits_for(KEYS)
        eventually(lambda: events.read_text("utf-8") == ledger.journal().read_text("utf-8"))
        person.types("r")
        person.answers(KEYS, "q")
        person.answers("Undo it now?", "y")
        assert person.ends() == 130, person.seen
    lines = events.read_text("utf-8").splitlines()
    assert lines == ledger.journal().read_text("utf-8").splitlines()
    assert broken_at(lines) is None
    said = [json.loads(line) for line in lines]
    assert [each["at"] for each in said] == sorted(each["at"] for each in said)
    assert (said[0]["event"], "undone" in {each["event"] for each in said}) == ("run started", True)
    assert '{"event"' not in person.seen


@pytest.mark.parametrize("reader", ["| true", "| (trap '' TERM; exec sleep 1000)", "> /dev/full"])
def test_a_program_that_does_not_read_keeps_nobody(ledger: Ledger, reader: str) -> None:
    """Gone, asleep, or on a full disk: the run goes through and ends with its own code."""
    with listening(ledger, reader.replace("1000", "8")) as person:
        for _ in range(3):
            person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["one", "two", "three"]
    assert "sleep" in reader or "Not all events were read; the journal has them" in person.seen


def test_events_are_not_mixed_into_what_a_person_reads(ledger: Ledger) -> None:
    """Standard output that is the terminal is refused, with the way to say it."""
    with listening(ledger, "") as person:
        assert person.ends() == 2
    assert "send the events to a file or a program" in person.seen
