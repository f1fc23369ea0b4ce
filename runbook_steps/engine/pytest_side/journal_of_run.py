"""The journal of a run: opened, with a first line that tells what is the same for all its scenarios."""

from __future__ import annotations

import platform
from typing import Any

import pytest

from runbook_steps.engine.git import git_state
from runbook_steps.engine.proof.evidence_file import Journal
from runbook_steps.engine.run.guide import Guidance
from runbook_steps.engine.run.recorder import Recorder, RunFacts
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.engine.text.redact import Redactor

__all__ = ["open_recorder"]


def open_recorder(
    settings: Settings, target: Target, redactor: Redactor, *, run: str, worker: str, guide: Guidance | None
) -> Recorder:
    """A recorder with a journal of its own; `worker` is that of pytest-xdist, or empty. Raises JournalError."""
    name = f"{run}-{worker}" if worker else run
    journal = Journal(settings.journal_dir / f"{name}.jsonl", redactor, guide.told if guide else None)
    facts = _facts(settings, target, run)
    guided: dict[str, Any] = {"guided": dict(guide.facts)} if guide else {}
    journal.write(
        "run started",
        run=facts.run,
        commit=facts.commit,
        dirty=facts.dirty,
        target=facts.target,
        emulated=dict(facts.emulated),
        tools=dict(facts.tools),
        **guided,
    )
    return Recorder(journal, facts)


def _facts(settings: Settings, target: Target, run: str) -> RunFacts:
    commit, dirty = git_state(settings.root)
    own = {"python": platform.python_version(), "pytest": pytest.__version__}
    return RunFacts(
        run=run,
        commit=commit,
        dirty=dirty,
        target=target.name,
        emulated=target.facts.emulated,
        tools={**own, **target.versions()},
    )
