"""What a run writes of a scenario, for tests that read it: each says only what it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runbook_steps.engine.model import Outcome, Risk, Role, ScenarioRecord, StepRecord

__all__ = ["LOOKED", "scenario_record"]

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
