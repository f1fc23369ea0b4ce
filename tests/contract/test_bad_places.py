"""Where a command is run can be as wrong as what it is given: no output, a full disk, no folder, a pipe for a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ENTRY_POINTS, HOUSE

PROGRAM = [sys.executable, "-c", "from runbook_steps.engine.cli.main import main; main()"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one feature."""
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "demo"\n{HOUSE}{ENTRY_POINTS}')
    (tmp_path / "features/a").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: demo\n")
    (tmp_path / "features/a/b.feature").write_text("Feature: F\n\n  @risk_readonly\n  Scenario: S\n    Then y\n")
    return tmp_path


@pytest.mark.parametrize(
    ("before", "after", "code", "says"),
    [
        ("", "> /dev/full", 1, "error: what is printed cannot be written: No space left on device"),
        ("", ">&-", 1, ""),
        ("", ">&- 2>&-", 1, ""),
        (
            "mkdir gone; cd gone; rmdir ../gone",
            "",
            2,
            "error: the folder that this is run in is gone; go to another one",
        ),
        ("mkdir -p build/evidence; mkfifo build/evidence/embedded.json", "", 1, "is a pipe, not a file"),
    ],
)
def test_a_bad_place_is_told_in_words(project: Path, before: str, after: str, code: int, says: str) -> None:
    """One line, the exit code, and no traceback."""
    done = subprocess.run(
        ["bash", "-c", f'{before or ":"}; "$@" {after}', "bash", *PROGRAM, "status"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
