"""What undoes a change is on disk before the change is made, and is carried out when the run is gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import JournalError, NotRunnableHere
from runbook_steps.engine.model import Command, Position, Result
from runbook_steps.engine.run.undo import Undo, left_behind, record_undo

COMMAND = Command("rm blocked", "bash", "unblock the address", Position("features/a.feature", 9), 30.0, undo=True)


def result(exit_code: int | None) -> Result:
    """What the command did; None: it ran out of time."""
    return Result(COMMAND, exit_code, "", "", 0.1, exit_code is None)


def orphaned(folder: Path) -> Undo:
    """An undo whose run is gone: its owner never lived."""
    undo = record_undo(folder, "Scenario", COMMAND, {"ADDRESS": "10.0.0.1"})
    document = json.loads(undo.file.read_text())
    undo.file.write_text(json.dumps(document | {"owner": "4194305-1.00"}))
    return undo


def test_an_undo_is_private_and_complete(tmp_path: Path) -> None:
    """Mode 0600: variables may be secret. The command is told byte for byte."""
    undo = record_undo(tmp_path / "undo", "Scenario", COMMAND, {})
    assert oct(undo.file.stat().st_mode & 0o777) == "0o600"
    assert json.loads(undo.file.read_text())["command"]["text"] == "rm blocked"


def test_a_living_run_keeps_its_undo(tmp_path: Path) -> None:
    """Only what a dead run left is for others."""
    record_undo(tmp_path, "Scenario", COMMAND, {})
    assert left_behind(tmp_path) == ()


def test_what_a_dead_run_left_is_carried_out_once(tmp_path: Path) -> None:
    """With its variables; afterwards it is gone."""
    orphaned(tmp_path)
    (left,) = left_behind(tmp_path)
    ran: list[tuple[str, Mapping[str, str]]] = []

    def run(command: Command, variables: Mapping[str, str]) -> Result:
        ran.append((command.text, variables))
        return result(0)

    assert left.carry_out(run).problem == ""
    assert ran == [("rm blocked", {"ADDRESS": "10.0.0.1"})]
    assert left_behind(tmp_path) == ()


@pytest.mark.parametrize(("code", "said"), [(3, "ended with exit code 3"), (None, "ran out of time")])
def test_an_undo_that_fails_is_kept(tmp_path: Path, code: int | None, said: str) -> None:
    """It says so, and the next start tries again."""
    orphaned(tmp_path)
    (left,) = left_behind(tmp_path)
    assert said in left.carry_out(lambda *_: result(code)).problem
    assert len(left_behind(tmp_path)) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": 1}', '{"schema": 2, "command": {}}', "\x00"])
def test_an_undo_that_cannot_be_read_is_not_passed_over(tmp_path: Path, text: str) -> None:
    """Something was changed and nobody knows what: the file is named."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(JournalError, match=r"x\.json: an undo that a killed run left cannot be read"):
        left_behind(tmp_path)


def test_no_room_for_the_undo_stops_the_change(tmp_path: Path) -> None:
    """The folder is a file: nothing may be changed."""
    (tmp_path / "undo").write_text("")
    with pytest.raises(JournalError, match="nothing was changed"):
        record_undo(tmp_path / "undo", "Scenario", COMMAND, {})


def test_why_an_undo_failed_is_remembered(tmp_path: Path) -> None:
    """A run that only reads does not try it once more; also what could not be run at all is kept."""
    orphaned(tmp_path)
    left_behind(tmp_path)[0].carry_out(lambda *_: result(3))
    (left,) = left_behind(tmp_path)
    assert left.problem == "could not be undone: ended with exit code 3"

    def cannot(*_: object) -> Result:
        raise NotRunnableHere("staging sets no GATE")

    assert "could not be run (staging sets no GATE)" in left.carry_out(cannot).problem
    (left,) = left_behind(tmp_path)
    assert (left.problem, oct(left.file.stat().st_mode & 0o777)) == ("could not be run: staging sets no GATE", "0o600")


def test_a_person_discards_an_undo_with_a_reason(tmp_path: Path) -> None:
    """It is due no more; who and why stands beside it, for nobody else to read."""
    orphaned(tmp_path)
    left_behind(tmp_path)[0].discard("operator", "the address was never blocked", "2026-11-29T02:00:00Z")
    assert left_behind(tmp_path) == ()
    log = tmp_path / "discarded.jsonl"
    (line,) = log.read_text().splitlines()
    assert (json.loads(line)["by"], json.loads(line)["reason"]) == ("operator", "the address was never blocked")
    assert oct(log.stat().st_mode & 0o777) == "0o600"


def test_undos_shows_what_is_due_and_asks_for_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown one, or one without a reason, is refused and stays."""
    (tmp_path / "features").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: x\n")
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    mark = orphaned(tmp_path / "build/undo/staging").file.stem.rpartition("-")[2]

    def undos(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["target", "undos", "staging", *arguments])

    assert f"{mark}  “unblock the address” of “Scenario”" in undos().stdout
    assert f"there is {mark}" in str(undos("--discard", "00000000", "--reason", "it was never blocked").exception)
    assert "at least ten characters" in str(undos("--discard", mark, "--reason", "ok").exception)
    assert f"{mark}  " in undos().stdout
    assert undos("--discard", mark, "--reason", "it was never blocked").exit_code == 0
    assert undos().stdout == "nothing is due on staging\n"


def test_an_undo_that_was_begun_says_so(tmp_path: Path) -> None:
    """Also when it was interrupted: whoever goes on with its run must know that the change may be gone."""

    def interrupted(*_: object) -> Result:
        raise KeyboardInterrupt

    orphaned(tmp_path)
    (left,) = left_behind(tmp_path)
    assert not left.begun
    with pytest.raises(KeyboardInterrupt):
        left.carry_out(interrupted)
    (again,) = left_behind(tmp_path)
    assert again.begun
    assert oct(again.file.stat().st_mode & 0o777) == "0o600"


def test_two_runs_that_kept_one_undo_carry_it_out_once(tmp_path: Path) -> None:
    """The one that goes on may be killed before it removes the other's file; two of one run are two."""
    for owner in ("4194305-1.00", "4194306-1.00"):
        undo = orphaned(tmp_path)
        undo.file.write_text(json.dumps(json.loads(undo.file.read_text()) | {"owner": owner}))
    (left,) = left_behind(tmp_path)
    left.carry_out(lambda *_: result(0))
    assert list(tmp_path.glob("*.json")) == []
    orphaned(tmp_path)
    orphaned(tmp_path)
    assert len(left_behind(tmp_path)) == 2


def test_half_an_undo_is_never_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill while it is written leaves none: it would keep everybody out, and nothing was changed."""

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        record_undo(tmp_path, "Scenario", COMMAND, {})
    assert left_behind(tmp_path) == ()


def test_an_undo_whose_begin_cannot_be_written_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it would be gone, and the run that goes on would take the change for done. It is kept."""

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    orphaned(tmp_path)
    (left,) = left_behind(tmp_path)
    monkeypatch.setattr("runbook_steps.engine.run.undo.write_atomically", no_room)

    def never(*_: object) -> Result:
        raise AssertionError("it was run")

    done = left.carry_out(never)
    assert "was not begun: that cannot be written down" in done.problem
    assert left.file.exists()
