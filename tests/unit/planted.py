"""A copy of this project's pages and features, to plant a mistake in."""

from __future__ import annotations

import shutil
from pathlib import Path

from runbook_steps.engine.project.project import Project, load_project

__all__ = ["copied", "planted"]

ROOT = Path(__file__).parents[2]


def copied(folder: Path) -> Path:
    """The copy, in that folder."""
    for name in ("docs", "features"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def planted(copy: Path, file: str, old: str, new: str) -> Project:
    """The copy after that change, which must change something."""
    path = copy / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return load_project(copy)
