"""Changes to a live target through the command line: one at a time, undone when they do not go through."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import load_evidence
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.live_project import LiveProject, live_variables

FEATURE = '''\
@needs_postgres
Feature: Notes
  Changes a table, and waits until the test has seen enough.

  @risk_destructive
  Scenario: A note is written
    When I get ready to take the first note away:
      """bash
      python3 "$TOOL" "DELETE FROM drill_notes WHERE note = 'first'"
      """
    And I get ready to take the second note away:
      """bash
      python3 "$TOOL" "DELETE FROM drill_notes WHERE note = 'second'"; $SPOIL
      """
    And I write both notes (within 60 seconds):
      """bash
      python3 "$TOOL" "INSERT INTO drill_notes VALUES ('first'), ('second')"
      until [ -e "$GATE" ]; do sleep 0.05; done
      python3 "$TOOL" "INSERT INTO drill_notes VALUES ('late')"
      $SPOIL
      """
    Then it ends with exit code 0
'''
TOOL = """\
import os, sys
import psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute(sys.argv[1])
"""
YES = ("features/", "--allow", "destructive", "--confirm", "staging", "--now")


class Notes:
    """The project, its gate, and the notes that stand in the database."""

    def __init__(self, project: LiveProject, url: str) -> None:
        self.project = project
        self.gate = Path(project.variables["STAGING_GATE"])
        self._url = url

    def __call__(self) -> list[str]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            return [note for (note,) in connection.execute("SELECT note FROM drill_notes ORDER BY note")]

    def clear(self) -> None:
        """No notes, and the gate is shut."""
        self.gate.unlink(missing_ok=True)
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS drill_notes (note text)")
            connection.execute("TRUNCATE drill_notes")


@pytest.fixture(scope="module")
def project(whole: EmbeddedTarget, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notes]:
    """One scenario that changes something, on a live target."""
    root = tmp_path_factory.mktemp("notes")
    more = {"TOOL": str(root / "tool.py"), "GATE": str(root / "gate"), "SPOIL": ":"}
    variables = {**live_variables(whole), **{f"STAGING_{name}": value for name, value in more.items()}}
    files = {"features/notes.feature": FEATURE, "tool.py": TOOL}
    yield Notes(LiveProject.make(root, variables, files), whole.environment()["DATABASE_URL"])
    with psycopg.connect(whole.environment()["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS drill_notes")


@pytest.fixture
def notes(project: Notes) -> Iterator[Notes]:
    """Nothing is written yet."""
    project.clear()
    yield project
    project.project.end_all()


def test_the_second_run_is_refused_and_told_who_is_first(notes: Notes, eventually: Callable[..., None]) -> None:
    """Owner and since when, exit code 3, nothing changed; after the first has ended, it goes."""
    first = notes.project.start(*YES)
    eventually(lambda: notes() == ["first", "second"], 60.0)
    code, said = notes.project.run(*YES)
    assert (code, notes()) == (3, ["first", "second"]), said
    assert re.search(rf"another run changes this target: runbooks \S+-{first.pid}-\S+ \S+@\S+, since 20\d\d-", said)

    notes.gate.touch()
    said, _ = first.communicate(timeout=60)
    assert (first.returncode, notes()) == (0, ["first", "late", "second"]), said
    code, said = notes.project.run(*YES)
    assert code == 0, said


def test_the_next_start_undoes_what_a_killed_run_left(notes: Notes, eventually: Callable[..., None]) -> None:
    """The last first, before anything else, and it says so; also when it only reads. What goes on is ended first."""
    killed = notes.project.start(*YES)
    eventually(lambda: notes() == ["first", "second"], 60.0)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=30)
    assert notes() == ["first", "second"]

    code, said = notes.project.run("features/")
    notes.gate.touch()
    assert (code, notes()) == (0, []), said
    told = [line for line in said.splitlines() if line.startswith("a killed run left a change")]
    assert told == [
        f"a killed run left a change: “take the {which} note away” of “A note is written” was undone"
        for which in ("second", "first")
    ]
    assert list((notes.project.root / "build/undo/staging").iterdir()) == []
    assert "a killed run" not in notes.project.run("features/")[1]


def test_ctrl_c_undoes(notes: Notes, eventually: Callable[..., None]) -> None:
    """In the middle of the change; exit code 2, as pytest has it."""
    process = notes.project.start(*YES)
    eventually(lambda: notes() == ["first", "second"], 60.0)
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, notes()) == (2, []), said
    assert "“A note is written” did not go through; undone: “take the first note away”" in said


def test_failure_undoes_and_an_undo_that_fails_stops_no_other(notes: Notes) -> None:
    """What could not be undone is named and kept: the next start tries again."""
    notes.gate.touch()
    code, said = notes.project.run(*YES, STAGING_SPOIL="false")
    assert (code, notes()) == (1, ["late"]), said
    assert "undone: “take the first note away”" in said
    assert re.search(
        r"staging is not as it was: undo “take the second note away” ended with exit code 1; \S+ is kept", said
    )

    code, said = notes.project.run("features/", STAGING_SPOIL="false")
    assert code == 0, said  # who only reads is told, and not kept from it
    assert "“take the second note away” of “A note is written” could not be undone: ended with exit code 1" in said
    assert "`runbooks target undos staging` shows what is due" in said
    code, said = notes.project.run(*YES, STAGING_SPOIL="false")
    assert (code, "`runbooks target undos staging`" in said) == (3, True), said  # no change on top of it

    code, said = notes.project.run(*YES)
    assert "a killed run left a change: “take the second note away” of “A note is written” was undone" in said


def test_an_unhealthy_target_is_not_changed(notes: Notes, whole: EmbeddedTarget) -> None:
    """Refused before, with the part that is down named."""
    whole.control.stop("third_parties")
    try:
        code, said = notes.project.run(*YES)
    finally:
        whole.control.start("third_parties")
    assert (code, notes()) == (3, []), said
    assert re.search(r"staging is not in its steady state, nothing was changed: .*External Dependencies", said)


def test_a_target_that_is_unhealthy_afterwards_is_red(
    notes: Notes, whole: EmbeddedTarget, eventually: Callable[..., None]
) -> None:
    """Although the scenario itself passed."""
    process = notes.project.start(*YES)
    eventually(lambda: notes() == ["first", "second"], 60.0)
    whole.control.stop("third_parties")
    try:
        notes.gate.touch()
        said, _ = process.communicate(timeout=60)
    finally:
        whole.control.start("third_parties")
    assert (process.returncode, "1 passed on staging" in said) == (1, True), said
    assert re.search(r"staging is not in its steady state after the run: .*External Dependencies", said)


def test_no_database_no_lock_no_change(notes: Notes) -> None:
    """Refused, with the variable to set."""
    code, said = notes.project.run(*YES, STAGING_DATABASE_URL="")
    assert (code, "set STAGING_DATABASE_URL" in said) == (3, True), said


def test_a_proof_stays_when_nobody_gave_leave(notes: Notes) -> None:
    """A run that was not allowed to try tells nothing of the target."""
    notes.gate.touch()
    code, said = notes.project.run(*YES)
    assert code == 0, said
    file = notes.project.root / "build/evidence/staging.json"
    proven = [(each.outcome, each.started) for each in load_evidence(file).records.values()]
    assert proven[0][0] is Outcome.PASSED
    code, said = notes.project.run("features/")
    assert (code, "not runnable here" in said) == (0, True), said
    assert [(each.outcome, each.started) for each in load_evidence(file).records.values()] == proven
