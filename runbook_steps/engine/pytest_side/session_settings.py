"""What one pytest session is about: its settings, its journals, and the commit it proves."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.run.guide import Guidance
from runbook_steps.engine.settings import Settings, load_settings
from runbook_steps.engine.targets.protocol import Target

__all__ = ["BORROWED", "GUIDANCE", "PROOF", "journals_of", "settings_of"]

PROOF = "runbooks-proof"
"""The name that the running proof is registered under, with pytest's plugins."""
BORROWED = pytest.StashKey[Target]()
"""Where pytest's configuration holds a target that was there before the session, and stays; not there in a drill."""
GUIDANCE = pytest.StashKey[Guidance]()
"""Where pytest's configuration holds who guides a person; not there in a drill."""


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
