"""The disk of the journal fills, or its folder becomes read-only, between two changes of a guided run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.ledger import KEYS, Ledger

FEATURE = '''\
Feature: Notes

  @risk_mutating
  Scenario: Two changes
    When I get ready to take the first back:
      """bash
      echo undo-1 >> "$LEDGER"
      """
    And I change it:
      """bash
      echo one >> "$LEDGER"
      """
    And I get ready to take the second back:
      """bash
      echo undo-2 >> "$LEDGER"
      """
    And I change it again:
      """bash
      printf '%05000d' 7; echo two >> "$LEDGER"
      """
    Then it ends with exit code 0
'''
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))


@pytest.fixture
def ledger(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Nothing is written yet."""
    return Ledger.make(tmp_path, FEATURE, "# Notes\n", RUNBOOKS, tmp_path_factory.getbasetemp() / "compiled")


@pytest.fixture
def small_disk(ledger: Ledger) -> Iterator[Path]:
    """Journal, undos and evidence on a disk of their own."""
    build = ledger.root / "build"
    build.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", build], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no disk may be mounted here")
    yield build
    subprocess.run(["umount", "--lazy", build], check=True)


@contextlib.contextmanager
def read_only(folders: list[Path]) -> Iterator[None]:
    """For everybody, root too."""
    root = os.geteuid() == 0
    close, open_again = (["chattr", "+i"], ["chattr", "-i"]) if root else (["chmod", "a-w"], ["chmod", "u+w"])
    if root and shutil.which("chattr") is None:
        pytest.skip("nothing keeps root from writing here")
    if subprocess.run([*close, *folders], check=False, capture_output=True).returncode:
        pytest.skip("nothing keeps root from writing on this disk")
    try:
        yield
    finally:
        subprocess.run([*open_again, *folders], check=True)


def fill(disk: Path) -> Path:
    """Until nothing has room on it; what did it."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)
    return filler


@pytest.mark.parametrize("undo", ["y", "l"])
def test_what_a_full_disk_kept_from_being_written_is_neither_done_nor_undone(
    ledger: Ledger, small_disk: Path, undo: str
) -> None:
    """The second change began and could not be told: it is looked at, the first is not repeated, no undo is lost."""
    with ledger.runs("Two changes", "--allow", "mutating") as person:
        person.answers(KEYS, "r")
        person.waits_for("echo two")
        person.waits_for(KEYS)
        filler = fill(small_disk)
        person.types("r")
        person.waits_for("cannot write the journal")
        person.answers("Undo it now?", undo)
        assert person.ends() == 1, person.seen
    assert "No report: No space left on device" in person.seen
    assert person.seen.count("was not begun: that cannot be written down (No space left on device)") == 2 * (
        undo == "y"
    )
    assert (ledger.lines(), len(ledger.undos())) == (["one", "two"], 2)
    filler.unlink()
    with ledger.runs("", "--allow", "mutating", "--resume", str(ledger.journal())) as person:
        person.waits_for("ran before (passed, exit code 0): not repeated")
        person.waits_for("It began before, and did not end well")
        person.answers("[d] it is done", "d")
        person.answers("What did you see?", "two")
        person.waits_for("? not proven: “change it again” was not run, so there is no exit code")
        person.answers("Undo it now?", "n")
        assert person.ends() == 1, person.seen
    assert "- it ends with exit code 0: not applicable" in ledger.journal().with_suffix(".md").read_text("utf-8")
    assert ledger.undos() == []
    assert ledger.lines() == ["one", "two"]


def test_a_folder_that_becomes_read_only_after_all_was_asked_is_told_in_words(ledger: Ledger) -> None:
    """All is done and written; that an undo stays due is said with its file, and the exit code is not 0."""
    with ledger.runs("Two changes", "--allow", "mutating") as person:
        person.answers(KEYS, "r")
        person.waits_for("echo two")
        person.waits_for(KEYS)
        build = ledger.root / "build"
        with read_only([build / "journal", build / "undo/branch"]):
            person.types("r")
            person.waits_for("is not due any more, and ")
            person.waits_for("cannot be removed: ")
            assert person.ends() == 1, person.seen
    assert "Traceback" not in person.seen
    assert "Errno" not in person.seen
    assert len(ledger.undos()) == 2
    with ledger.runs("", "--allow", "mutating", "--resume", str(ledger.journal())) as person:
        assert person.ends() == 0, person.seen
    assert (ledger.lines(), ledger.undos()) == (["one", "two"], [])


def test_no_change_is_made_whose_undo_has_no_room(ledger: Ledger) -> None:
    """The folder of the undos becomes read-only behind the first change: the second is not even offered."""
    with ledger.runs("Two changes", "--allow", "mutating") as person:
        person.waits_for(KEYS)
        with read_only([ledger.root / "build/undo/branch"]):
            person.types("r")
            person.waits_for("nothing was changed")
            person.answers("Undo it now?", "l")
            assert person.ends() == 1, person.seen
    assert ledger.lines() == ["one"]
    with ledger.runs("", "--allow", "mutating", "--resume", str(ledger.journal())) as person:
        person.waits_for("ran before (passed, exit code 0): not repeated")
        person.answers(KEYS, "r")
        assert person.ends() == 0, person.seen
    assert (ledger.lines(), ledger.undos()) == (["one", "two"], [])
