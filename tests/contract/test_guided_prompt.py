"""What a person can do at the prompt of a guided run, at a real terminal, on a live target that is a file."""

from __future__ import annotations

import getpass
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import read_journal
from tests.contract.ledger import KEYS, Ledger
from tests.contract.notes_pages import FEATURE, PAGE

WHO = getpass.getuser()
THROW = "One entry is thrown away"
CHANGE = "A change that may fail"
LONG = "A change whose undo takes long"
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Nothing is written yet."""
    return Ledger.make(tmp_path, FEATURE, PAGE, RUNBOOKS, tmp_path_factory.getbasetemp() / "compiled")


def test_a_value_of_an_answer_is_the_persons_to_decide(ledger: Ledger) -> None:
    """Shown with those beside it; another of the list is taken. A command that reads asks for no name."""
    with ledger.runs(THROW, "--allow", "destructive") as person:
        person.waits_for("only reads")
        person.answers(KEYS, "")
        person.waits_for("VICTIM = 7")
        person.waits_for('2  {"pid": 9, "who": "ben"}')
        person.answers("VICTIM: Enter takes 7; a number another of the list", "2")
        person.waits_for("▲ Ask who it is first: The entry of a customer is never thrown away.")
        person.waits_for("may lose data")
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["gone 9"]
    (record,) = read_journal(ledger.journal())
    assert record.steps[1].notes[0].startswith(f"VICTIM is “9”, as {WHO} decided at 20")
    assert person.seen.count("Type branch") == 1


def test_a_value_that_no_answer_has_is_given_by_the_person(ledger: Ledger) -> None:
    """Begun behind the step that prints it: what is before is left out, with its reason, and it is no proof."""
    with ledger.runs(THROW, "--allow", "destructive", "--from", "2") as person:
        person.waits_for("left out: the run begins later")
        person.waits_for("the answer has no entries[0].pid")
        person.answers("VICTIM: = and a value sets it; [q] stop:", "")
        person.answers("VICTIM: = and a value sets it; [q] stop:", "= 11")
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        assert person.ends() == 1, person.seen
    assert ledger.lines() == ["gone 11"]
    (record,) = read_journal(ledger.journal())
    assert record.outcome is Outcome.NOT_REACHED
    assert "the run began at step 2" in record.steps[0].notes[0]
    told = subprocess.run([RUNBOOKS, "journal"], cwd=ledger.root, capture_output=True, text=True, check=True).stdout
    assert f"skipped by {WHO} at 20" in told


def test_a_command_that_failed_is_tried_again(ledger: Ledger) -> None:
    """The person opens the way in between. Both tries stand in the journal; it is no proof."""
    with ledger.runs(CHANGE, "--allow", "mutating") as person:
        person.answers(KEYS, "")
        person.answers(KEYS, "r")
        person.waits_for("“change it” ended with exit code 1; expected 0")
        Path(f"{ledger.file}.open").touch()
        person.answers("[t] try again", "t")
        person.waits_for("exit code 0")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["tried", "tried", "finished"]
    (record,) = read_journal(ledger.journal())
    assert (record.outcome, record.steps[2].outcome) == (Outcome.ATTESTED, Outcome.ATTESTED)
    assert record.steps[2].notes[0].startswith(f"tried again by {WHO} at 20")
    assert not (ledger.root / "build/evidence/branch.json").exists()


def test_what_fails_is_undone_and_no_way_back_is_taken_away(ledger: Ledger) -> None:
    """Enter ends it as failed. The next step is the page's, but for what stands behind a point of no return."""
    with ledger.runs(CHANGE, "--allow", "mutating") as person:
        person.answers(KEYS, "")
        person.answers(KEYS, "r")
        person.answers("(Enter ends it as failed)", "")
        person.answers("Undo it now? [Y]es", "")
        assert person.ends() == 1, person.seen
    assert ledger.lines() == ["tried", "undone"]
    behind = person.seen[person.seen.index("Rollback, from the page") :]
    assert f'→ runbooks run notes --scenario "{CHANGE}"' in behind
    assert "(not now: “What was kept is discarded”)" in behind
    assert '--scenario "What was kept is discarded"' not in behind


def test_a_command_is_edited_once_noted_and_done_by_hand(ledger: Ledger) -> None:
    """The difference stands in the journal; what a person did by hand is attested. None of it is a proof."""
    with ledger.runs(CHANGE, "--allow", "mutating") as person:
        person.answers(KEYS, "n")
        person.answers("What is to be noted?", "the pager rang twice")
        person.answers(KEYS, "")
        person.answers(KEYS, "e")
        person.answers("a line with a single dot ends it.", 'echo edited >> "$LEDGER"')
        person.answers("  >", ".")
        person.answers("Run this? [y/N]:", "y")
        person.waits_for("exit code 0")
        person.answers(KEYS, "h")
        person.answers("What did you do?", "wrote it by hand")
        person.answers("Undo it now?", "n")  # the check behind it has nothing to look at
        assert person.ends() == 1, person.seen
    assert ledger.lines() == ["edited"]
    assert "undone" not in ledger.lines()
    (record,) = read_journal(ledger.journal())
    assert f"noted by {WHO} at 20" in record.steps[1].notes[0]
    assert '+echo edited >> "$LEDGER"' in record.steps[2].notes[0]
    assert "done by hand: wrote it by hand" in record.steps[3].notes[0]
    assert [step.outcome for step in record.steps[2:4]] == [Outcome.ATTESTED, Outcome.ATTESTED]


def test_a_question_mark_shows_what_the_last_proof_printed(ledger: Ledger) -> None:
    """Beside the risk of the command itself; the dry run says the same for each step."""
    with ledger.runs(THROW, "--allow", "destructive") as person:
        person.answers(KEYS, "")
        person.answers("VICTIM: Enter takes 7", "")
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        assert person.ends() == 0, person.seen
    with ledger.runs(THROW, "--allow", "destructive") as person:
        person.answers(KEYS, "?")
        person.waits_for("this command only reads; its procedure: destructive")
        person.waits_for("It printed on branch, 20")
        person.waits_for('│ {"entries": [{"pid": 7')
        person.answers(KEYS, "q")
        assert person.ends() == 130
    arguments = ["run", "notes", "--target", "branch", "--dry-run", "--format", "json", "--scenario", THROW]
    environment = {"PATH": "/usr/bin:/bin", "BRANCH_LEDGER": str(ledger.file)}
    shown = subprocess.run(
        [RUNBOOKS, *arguments], cwd=ledger.root, env=environment, capture_output=True, text=True, check=True
    )
    (row,) = json.loads(shown.stdout)
    assert [step.get("risk") for step in row["steps"]] == ["readonly", None, "destructive", None]
    assert row["warnings"] == ["Ask who it is first: The entry of a customer is never thrown away."]


def killed_after_a_failure(ledger: Ledger) -> None:
    """A run that stands at the question behind a change that failed, and is killed there."""
    with ledger.runs(CHANGE, "--allow", "mutating") as person:
        person.answers(KEYS, "")
        person.answers(KEYS, "r")
        person.waits_for("[t] try again")
        os.kill(person.process.pid, signal.SIGKILL)
        person.ends()


def test_a_run_that_undid_anothers_change_is_resumed_all_the_same(ledger: Ledger) -> None:
    """What a run before it had left is none of its own: nothing of it began, and it is offered again."""
    killed_after_a_failure(ledger)
    Path(f"{ledger.file}.open").touch()
    with ledger.runs(CHANGE, "--allow", "mutating") as person:
        person.waits_for("a killed run left a change: “take it back” of “A change that may fail” was undone")
        person.answers(KEYS, "q")
        assert person.ends() == 130, person.seen
    with ledger.runs("", "--allow", "mutating", "--resume", str(ledger.journal())) as person:
        for _ in range(3):
            person.waits_for("it never began")
            person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["tried", "undone", "tried", "finished"]


@pytest.mark.parametrize("end", ["kill", "ctrl-c", "term"])
def test_an_undo_that_was_stopped_is_finished_and_its_run_not_resumed(
    ledger: Ledger, end: str, eventually: Callable[..., None]
) -> None:
    """Half of it may be gone: nothing counts as done any more. The next start undoes it first, and begins anew."""
    with ledger.runs(LONG, "--allow", "mutating") as person:
        person.answers(KEYS, "r")
        person.answers(KEYS, "q")
        person.answers("Undo it now?", "y")
        eventually(lambda: ledger.lines() == ["changed", "undoing"], 60.0)
        if end == "ctrl-c":
            person.presses_ctrl_c()
        else:
            os.kill(person.process.pid, signal.SIGKILL if end == "kill" else signal.SIGTERM)
        assert person.ends() != 0
    stopped = ledger.journal()
    (record,) = read_journal(stopped)
    assert record.steps[1].command == 'echo changed >> "$LEDGER"'
    with ledger.runs("", "--allow", "mutating", "--resume", str(stopped)) as person:
        person.waits_for(f"the undo of “{LONG}” began, and did not end well; start it anew")
        assert person.ends() == 3, person.seen
    with ledger.runs(LONG, "--allow", "mutating") as person:
        eventually(lambda: ledger.lines() == ["changed", "undoing", "undoing"], 60.0)
        Path(f"{ledger.file}.open").touch()
        person.waits_for("a killed run left a change: “take it back”")
        person.answers(KEYS, "r")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["changed", "undoing", "undoing", "undone", "changed", "finished"]


def test_what_cannot_be_written_down_is_not_run(ledger: Ledger) -> None:
    """The journal's disk is full at the first change: nothing began, nothing is undone, and the run can go on later."""
    with ledger.runs(CHANGE, "--allow", "mutating") as person:
        person.answers(KEYS, "")
        person.waits_for("echo tried")
        person.waits_for(KEYS)
        hard = resource.prlimit(person.process.pid, resource.RLIMIT_FSIZE)[1]
        full = ledger.journal().stat().st_size
        resource.prlimit(person.process.pid, resource.RLIMIT_FSIZE, (full, hard))
        person.types("r")
        person.waits_for("cannot write the journal")
        assert person.ends() == 1, person.seen
    assert "Undo it now?" not in person.seen
    assert ledger.lines() == []
    assert ledger.undos() == []
    Path(f"{ledger.file}.open").touch()
    with ledger.runs("", "--allow", "mutating", "--resume", str(ledger.journal())) as person:
        person.waits_for("it never began")
        person.answers(KEYS, "r")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["tried", "finished"]


def test_what_began_two_runs_ago_is_still_known(ledger: Ledger) -> None:
    """The run that goes on is stopped at its question, and killed before any: neither makes it “never began”."""
    killed_after_a_failure(ledger)
    resume = ("--allow", "mutating", "--resume")
    with ledger.runs("", *resume, str(ledger.journal())) as person:
        person.answers("[l] look", "q")
        person.answers("Undo it now?", "l")
        assert person.ends() == 130, person.seen
    with ledger.runs("", *resume, str(ledger.journal())) as person:
        person.waits_for("It began before")
        os.kill(person.process.pid, signal.SIGKILL)
        person.ends()
    assert len(ledger.undos()) == 1
    Path(f"{ledger.file}.open").touch()
    with ledger.runs("", *resume, str(ledger.journal())) as person:
        person.waits_for("It began before")
        person.answers("[l] look", "d")
        person.answers("What did you see?", "it is there")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["tried", "finished"]
    assert ledger.undos() == []
