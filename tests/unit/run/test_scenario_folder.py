"""The folders that scenarios work in."""

from __future__ import annotations

import os
from pathlib import Path

from runbook_steps.engine.run.scenario_folder import scenario_folder, sweep

DEAD = "20260101T000000Z-4194399-abc123"


def test_a_folder_is_private_and_goes_away(tmp_path: Path) -> None:
    """Nobody else reads it, and nothing of it is left."""
    with scenario_folder(tmp_path / "work", "r-1-x") as folder:
        (folder / "left.txt").write_text("x")
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "work").iterdir()) == []


def test_only_what_a_dead_run_left_is_swept(tmp_path: Path) -> None:
    """A living run keeps its folder."""
    alive = f"20260101T000000Z-{os.getpid()}-abc123"
    for name in (DEAD, alive):
        (tmp_path / name / "scenario-1").mkdir(parents=True)
    assert sweep(tmp_path) == (DEAD,)
    assert [alive] == [folder.name for folder in tmp_path.iterdir()]
