"""An undo whose way back is gone: not offered, not kept, and not tried by another run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.contract.ledger import KEYS, Ledger

FEATURE = '''\
Feature: Notes

  @risk_mutating
  Scenario: A change whose way back is thrown away
    When I get ready to take it back:
      """bash
      rm "$LEDGER.kept" && echo undone >> "$LEDGER"
      """
    And I change it:
      """bash
      touch "$LEDGER.kept"; echo changed >> "$LEDGER"
      """
    And I throw the way back away (the undo ends here):
      """bash
      test ! -e "$LEDGER.shut" && rm "$LEDGER.kept"
      """
    And I finish it:
      """bash
      echo finished >> "$LEDGER"; test -e "$LEDGER.open"
      """
    Then it ends with exit code 0
'''
THROWN = "A change whose way back is thrown away"
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Nothing is written yet."""
    return Ledger.make(tmp_path, FEATURE, "# Notes\n", RUNBOOKS, tmp_path_factory.getbasetemp() / "compiled")


@pytest.mark.parametrize("how", ["r", "h"])
def test_an_undo_whose_way_back_is_gone_is_not_offered(ledger: Ledger, how: str) -> None:
    """Neither by the run in which it went, nor by the one that goes on, nor by the next; the way there is said."""
    kept = Path(f"{ledger.file}.kept")
    with ledger.runs(THROWN, "--allow", "mutating") as person:
        person.answers(KEYS, "r")
        person.waits_for("behind it what is kept ready cannot be undone any more")
        person.answers(KEYS, how)
        if how == "h":
            kept.unlink()
            person.answers("What did you do?", "removed it in a file manager")
        person.answers(KEYS, "r")
        person.answers("[t] try again", "q")
        assert person.ends() == 130, person.seen
    assert "Undo it now?" not in person.seen
    assert ledger.undos() == []
    Path(f"{ledger.file}.open").touch()
    with ledger.runs("", "--allow", "mutating", "--resume", str(ledger.journal())) as person:
        person.waits_for("not kept ready: “throw the way back away” went through")
        if how == "h":
            person.answers("[d] it is done", "d")
            person.answers("What did you see?", "it is gone")
        person.answers("[d] it is done", "r")
        person.answers("Type branch to run it", "branch")
        person.ends()
    assert ledger.undos() == []
    assert ledger.lines() == ["changed", "finished", "finished"]


def test_an_undo_is_kept_while_the_end_of_its_way_back_failed(ledger: Ledger) -> None:
    """The person is told to look first; and then it is undone."""
    Path(f"{ledger.file}.shut").touch()
    with ledger.runs(THROWN, "--allow", "mutating") as person:
        person.answers(KEYS, "r")
        person.answers(KEYS, "r")
        person.answers("[t] try again", "q")
        person.waits_for("“throw the way back away” began: look whether the way back is still there.")
        person.answers("Undo it now?", "y")
        assert person.ends() == 130, person.seen
    assert ledger.lines() == ["changed", "undone"]
    assert ledger.undos() == []
