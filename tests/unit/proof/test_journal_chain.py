"""A journal's lines hang together: what was edited, removed, added or moved is told, with its line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from runbook_steps.engine.cli.main import app
from runbook_steps.engine.errors import JournalError
from runbook_steps.engine.proof.evidence_file import Journal
from runbook_steps.engine.proof.journal_chain import broken_at
from runbook_steps.engine.text.redact import Redactor


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Four events."""
    path = tmp_path / "j.jsonl"
    written = Journal(path, Redactor(frozenset()))
    for name in ("run started", "scenario started", "step finished", "scenario finished"):
        written.write(name, said="a\u2028b")
    written.close()
    return path


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("written", [0, 9, None])
def test_a_write_that_is_cut_leaves_a_whole_line_or_none(
    journal: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, written: int | None
) -> None:
    """By a full disk or a Ctrl-C, before, in the middle of and behind a line: what comes later can still be read."""
    path, write = journal.with_name("cut.jsonl"), os.write
    cut = Journal(path, Redactor(frozenset()))
    cut.write("run started")

    def fails(descriptor: int, data: bytes) -> int:
        write(descriptor, data[:written])
        raise error

    monkeypatch.setattr(os, "write", fails)
    with pytest.raises((JournalError, KeyboardInterrupt)):
        cut.write("step started")
    monkeypatch.undo()
    cut.write("run ended")
    cut.close()
    lines = path.read_text().splitlines()
    assert broken_at(lines) is None
    expected = ["run started", *(["step started"] if written is None else []), "run ended"]
    assert [json.loads(line)["event"] for line in lines] == expected


def test_a_journal_is_whole_as_it_was_written(journal: Path) -> None:
    """Every line hangs on those before it."""
    said = CliRunner().invoke(app, ["journal", "verify", str(journal)])

    assert (said.exit_code, said.stdout) == (0, f"{journal}: whole, 4 lines hang together\n")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(lambda lines: [lines[0].replace("started", "stopped"), *lines[1:]], 1, id="the first edited"),
        pytest.param(lambda lines: [*lines[:2], lines[2].replace("a", "b"), lines[3]], 3, id="one edited"),
        pytest.param(lambda lines: [lines[0], *lines[2:]], 2, id="one removed"),
        pytest.param(lambda lines: lines[1:], 1, id="the first removed"),
        pytest.param(lambda lines: [lines[0], lines[2], lines[1], lines[3]], 2, id="two swapped"),
        pytest.param(lambda lines: [*lines[:2], lines[1], *lines[2:]], 3, id="one doubled"),
        pytest.param(lambda lines: [*lines, '{"event":"step finished"}'], 5, id="one added"),
    ],
)
def test_what_was_changed_breaks_the_chain_there(
    journal: Path, change: Callable[[list[str]], list[str]], line: int
) -> None:
    """At the first line that does not fit."""
    lines = change(journal.read_text("utf-8").split("\n")[:-1])
    journal.write_text("\n".join(lines) + "\n", "utf-8")
    said = CliRunner().invoke(app, ["journal", "verify", str(journal)])

    assert broken_at(lines) == line
    assert (said.exit_code, f"{journal}:{line}: " in said.stderr) == (1, True)
