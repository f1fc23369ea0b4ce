"""What one pytest session is about: its settings, its journals, and the commit it proves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from runbook_steps.engine.settings import Settings, load_settings

__all__ = ["git_state", "journals_of", "settings_of"]


def git_state(root: Path) -> tuple[str, bool]:
    """The commit and whether the tree differs from it; (`unknown`, True) outside a git checkout."""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit, bool(_git(root, "status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return "unknown", True


def _git(root: Path, *arguments: str) -> str:
    # a checkout that another user owns is still the one that is proven; its hooks are not run
    trusted = ["-c", f"safe.directory={root}", "-c", "core.fsmonitor=false"]
    command = ["git", "-C", str(root), *trusted, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


def settings_of(config: pytest.Config) -> Settings:
    """The project's settings, with what pytest's options change. Raises ConfigurationError."""
    return load_settings(config.rootpath, **_overrides(config))


def journals_of(settings: Settings, run: str) -> list[Path]:
    """The journals of a run: one, or one per worker of pytest-xdist."""
    return sorted(settings.journal_dir.glob(f"{run}*.jsonl"))


def _overrides(config: pytest.Config) -> dict[str, Path]:
    options = {
        "evidence_dir": config.getoption("--evidence-dir"),
        "journal_dir": config.getoption("--journal-dir"),
    }
    return {name: Path(value).absolute() for name, value in options.items() if value}
