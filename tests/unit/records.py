"""What a run writes of a scenario, for tests that read it: each says only what it is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from runbook_steps.engine.model import Outcome, Procedure, Risk, Role, ScenarioRecord, StepRecord
from runbook_steps.engine.proof.rests_on import source_index
from runbook_steps.engine.settings import load_settings

__all__ = ["LOOKED", "proof_of", "scenario_record"]

LOOKED = StepRecord(Role.WHEN, "When", "I look:", 5, Outcome.PASSED)
"""A step that went through."""


def scenario_record(feature: str, scenario: str, *, row: str = "", **changes: Any) -> ScenarioRecord:
    """A scenario that passed on `embedded`, with these fields changed; `row` is that of its Examples."""
    passed = ScenarioRecord(
        id=f"{feature}::{scenario}{row}",
        feature=feature,
        scenario=scenario,
        risk=Risk.READONLY,
        outcome=Outcome.PASSED,
        started="2026-11-23T15:00:00.000Z",
        duration_s=1.0,
        commit="abc",
        dirty=False,
        target="embedded",
        emulated={},
        tools={},
        steps=(),
    )
    return replace(passed, **changes)


def proof_of(root: Path, procedure: Procedure, stem: str, **changes: Any) -> ScenarioRecord:
    """What a run of that scenario of the project leaves now, with these fields changed."""
    steps = tuple(
        StepRecord(
            step.role, step.keyword, step.text, step.position.line, Outcome.PASSED,
            command=step.command.text if step.command else None,
            media_type=step.command.media_type if step.command else None,
            exit_code=0 if step.command else None,
        )
        for step in procedure.steps
    )  # fmt: skip
    own = {"steps": steps, "text_hash": procedure.text_hash}
    sources = source_index(load_settings(root)).of(procedure, stem)
    feature = f"features/{stem}.feature"
    return scenario_record(feature, procedure.name, **{"risk": procedure.risk, "sources": sources, **own, **changes})
