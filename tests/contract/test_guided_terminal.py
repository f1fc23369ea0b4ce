"""Guided runs at terminals that are not as expected: pasted into, put aside, without UTF-8, or not there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.ledger import KEYS, Ledger
from tests.contract.person import Person
from tests.contract.test_guided_resumed_again import FEATURE, WITH, WITHOUT

RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Nothing is written yet."""
    return Ledger.make(tmp_path, FEATURE, "# Notes\n", RUNBOOKS, tmp_path_factory.getbasetemp() / "compiled")


@pytest.mark.parametrize("pasted", ["r\rbranch\rr\rbranch\r", "r\r" * 5000], ids=["answers", "long"])
def test_lines_that_are_pasted_answer_no_question(ledger: Ledger, pasted: str) -> None:
    """Neither the one that they were pasted at nor those behind it; what is typed afterwards counts."""
    with ledger.runs(WITHOUT, "--allow", "destructive") as person:
        person.waits_for(KEYS)
        person.pastes(pasted)
        person.waits_for("several lines came at once, and none of them counts")
        assert ledger.lines() == []
        person.answers(KEYS, "r")
        person.answers("Type branch to run it", "branch")
        person.answers(KEYS, "q")
        assert person.ends() == 130, person.seen
    assert ledger.lines() == ["one"]


def test_a_log_that_is_pasted_as_a_note_is_one_note(ledger: Ledger) -> None:
    """All of its lines, in the journal and in the report."""
    with ledger.runs(WITH, "--allow", "mutating") as person:
        person.answers(KEYS, "n")
        person.waits_for("What is to be noted?")
        person.pastes("02:14 first line\rq\r\r02:15 last line\r")
        for _ in range(3):
            person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    for written in (ledger.journal(), ledger.journal().with_suffix(".md")):
        assert "02:14 first line / q / 02:15 last line" in written.read_text("utf-8")


def test_a_run_that_is_put_aside_is_taken_up_again(ledger: Ledger) -> None:
    """Ctrl-Z at a question and `fg`: it still waits for that answer, and what was typed to the shell was none."""
    environment = {**os.environ, "BRANCH_LEDGER": str(ledger.file), "PS1": "shell> "}
    said = f"{RUNBOOKS} run notes --target branch --allow mutating --scenario '{WITH}'"
    with Person(["/bin/bash", "--norc", "-i"], environment, ledger.root) as person:
        person.answers("shell>", said)
        person.answers(KEYS, "r")
        person.waits_for(KEYS)
        person.presses("\x1a")
        person.waits_for("Stopped")
        person.answers("shell>", "echo r")
        person.answers("shell>", "fg")
        person.waits_for("run notes --target branch")
        assert ledger.lines() == ["one"]
        person.types("r")
        person.answers(KEYS, "r")
        person.waits_for("passed")
        person.answers("shell>", "exit")
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["one", "two", "three"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_utf_8_is_led_through_too(ledger: Ledger, encoding: str) -> None:
    """Good and bad stay apart, and what the terminal has no letter for is no error."""
    with ledger.runs(WITH, "--allow", "mutating", PYTHONIOENCODING=encoding) as person:
        for _ in range(3):
            person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert "  ok\n" in person.seen
    assert '"Changes with an undo" passed' in person.seen


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "</dev/null", "| true"])
def test_without_a_terminal_it_is_refused_in_one_line(ledger: Ledger, closed: str) -> None:
    """Also when the shell has closed input or output."""
    said = f"'{RUNBOOKS}' run notes --target branch --scenario '{WITH}' {closed}; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "BRANCH_LEDGER": str(ledger.file)}
    done = subprocess.run(
        ["/bin/bash", "-c", said], cwd=ledger.root, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "error: a guided run needs a person at a terminal; `--dry-run` shows what would run\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_program_is_given_utf_8_whatever_the_locale(ledger: Ledger, encoding: str) -> None:
    """JSON in another encoding would be none."""
    feature = ledger.root / "features/notes.feature"
    feature.write_text(feature.read_text("utf-8").replace(WITH, "Changes “mit Rückweg” ✓"), "utf-8")
    environment = {**os.environ, "BRANCH_LEDGER": str(ledger.file), "PYTHONIOENCODING": encoding}
    said = [RUNBOOKS, "run", "notes", "--target", "branch", "--dry-run", "--format", "json"]
    done = subprocess.run(said, cwd=ledger.root, env=environment, capture_output=True, check=True)
    assert "Changes “mit Rückweg” ✓" in done.stdout.decode("utf-8")
