"""A run that is resumed from the wrong journal, from two terminals, or at a terminal that changes its size."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
from pathlib import Path

import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.engine.guided.past import held
from tests.contract.ledger import KEYS, Ledger

CHANGES = "".join(
    f'    {keyword} I change it, {number}:\n      """bash\n      echo {number} >> "$LEDGER"\n      """\n'
    for keyword, number in (("When", "one"), ("And", "two"), ("And", "three"))
)
KEPT = '    When I get ready to take all back:\n      """bash\n      echo undone >> "$LEDGER"\n      """\n'
FEATURE = f"""\
Feature: Notes

  @risk_destructive
  Scenario: Changes without an undo
{CHANGES}    Then it ends with exit code 0

  @risk_mutating
  Scenario: Changes with an undo
{KEPT}{CHANGES.replace("When", "And")}    Then it ends with exit code 0
"""
WITHOUT, WITH = "Changes without an undo", "Changes with an undo"
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Nothing is written yet."""
    return Ledger.make(tmp_path, FEATURE, "# Notes\n", RUNBOOKS, tmp_path_factory.getbasetemp() / "compiled")


def one_more(ledger: Ledger, scenario: str, *arguments: str) -> Path:
    """Makes one change, and is killed at the question for the next; the journal."""
    with ledger.runs(scenario, "--allow", "destructive", *arguments) as person:
        person.answers(KEYS, "r")
        if "Type branch" in person.seen or "destructive" in person.seen:
            person.answers("Type branch to run it", "branch")
        person.waits_for(KEYS)
        os.kill(person.process.pid, signal.SIGKILL)
        person.ends()
    return ledger.journal()


@pytest.mark.parametrize("scenario", [WITHOUT, WITH])
def test_a_journal_that_another_run_went_on_with_is_not_resumed(ledger: Ledger, scenario: str) -> None:
    """It knows nothing of what was done since: its “it never began” would make a change twice."""
    first = one_more(ledger, scenario)
    second = one_more(ledger, "", "--resume", str(first))
    assert ledger.lines() == ["one", "two"]
    with ledger.runs("", "--allow", "destructive", "--resume", str(first)) as person:
        person.waits_for(f"{second.name} went on with it")
        assert person.ends() == 3, person.seen
    one_more_is_the_last(ledger, second)


def one_more_is_the_last(ledger: Ledger, journal: Path) -> None:
    """The last change, and the end."""
    with ledger.runs("", "--allow", "destructive", "--resume", str(journal)) as person:
        person.answers(KEYS, "r")
        if "destructive" in person.seen:
            person.answers("Type branch to run it", "branch")
        assert person.ends() == 0, person.seen
    assert (ledger.lines(), ledger.undos()) == (["one", "two", "three"], [])


def test_a_run_that_stopped_before_its_first_step_is_not_in_the_way(ledger: Ledger) -> None:
    """It went on with nothing, so that the older journal is still the one to resume."""
    first = one_more(ledger, WITH)
    second = one_more(ledger, "", "--resume", str(first))
    lines = second.read_text("utf-8").splitlines(keepends=True)
    second.write_text(lines[0])
    Path(f"{ledger.file}").write_text("one\n")
    for undo in ledger.undos():
        undo.write_text(undo.read_text().replace(second.name.split("-")[1], first.name.split("-")[1]))
    with ledger.runs("", "--allow", "destructive", "--resume", str(first)) as person:
        person.waits_for("it never began")
        person.answers(KEYS, "q")
        person.answers("Undo it now?", "y")
        assert person.ends() == 130, person.seen


@pytest.mark.parametrize("scenario", [WITHOUT, WITH])
def test_two_terminals_do_not_go_on_with_one_run(ledger: Ledger, scenario: str) -> None:
    """The second is told where it runs, whichever of the two journals it names; the first goes on undisturbed."""
    first = one_more(ledger, scenario)
    with ledger.runs("", "--allow", "destructive", "--resume", str(first)) as person:
        person.waits_for(KEYS)
        second = ledger.journal()
        for journal, said in ((first, f"{second.name} went on with it"), (second, "still runs it; go on there")):
            with ledger.runs("", "--allow", "destructive", "--resume", str(journal)) as other:
                other.waits_for(said)
                assert other.ends() == 3, other.seen
        for _ in range(2):
            person.types("r")
            if scenario == WITHOUT:
                person.answers("Type branch to run it", "branch")
            if _ == 0:
                person.waits_for(KEYS)
        assert person.ends() == 0, person.seen
    assert (ledger.lines(), ledger.undos()) == (["one", "two", "three"], [])


def test_two_terminals_that_resume_at_once_are_one(ledger: Ledger) -> None:
    """The first has not come to a step yet, so that no journal tells of it; the second is refused all the same."""
    first = one_more(ledger, WITH)
    with held(first), ledger.runs("", "--allow", "destructive", "--resume", str(first)) as other:
        other.waits_for("another terminal resumes it just now")
        assert other.ends() == 3, other.seen
    second = one_more(ledger, "", "--resume", str(first))
    one_more_is_the_last(ledger, second)


def test_a_journal_that_cannot_be_held_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks says nothing of another terminal; a journal that is not there is read, and told."""

    def no_locks(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(RefusedError, match="cannot be held"), held(tmp_path / "a.jsonl"):
        pass
    with held(tmp_path / "missing.jsonl"):
        pass


def test_a_terminal_that_changes_its_size_changes_nothing(ledger: Ledger) -> None:
    """At a question, and while a command runs."""
    with ledger.runs(WITH, "--allow", "mutating") as person:
        for _ in range(3):
            person.waits_for(KEYS)
            os.kill(person.process.pid, signal.SIGWINCH)
            person.types("r")
            os.kill(person.process.pid, signal.SIGWINCH)
        assert person.ends() == 0, person.seen
    assert ledger.lines() == ["one", "two", "three"]


def test_a_target_that_is_another_system_since_is_asked_for(ledger: Ledger) -> None:
    """Its name is the same, its address is not: what was done was done elsewhere, and an undo would be done here."""
    first = one_more(ledger, WITH)
    elsewhere = {"BRANCH_LEDGER": str(ledger.root / "elsewhere")}
    for answer in ("", "n"):
        with ledger.runs("", "--allow", "mutating", "--resume", str(first), **elsewhere) as other:
            other.waits_for("say another place: LEDGER")
            other.answers("Is it the same system all the same? [y/N]", answer)
            assert other.ends() == 3, other.seen
    assert not (ledger.root / "elsewhere").exists()
    with ledger.runs("", "--allow", "mutating", "--resume", str(first), **elsewhere) as person:
        person.answers("Is it the same system all the same? [y/N]", "y")
        for _ in range(2):
            person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert (ledger.root / "elsewhere").read_text("utf-8").split() == ["two", "three"]
