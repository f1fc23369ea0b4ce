"""Whether an alert rang: only what was watched, in a scenario that passed, the newest."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from dataclasses import replace

import pytest

from runbook_steps.engine.model import Evidence, Outcome, Role, ScenarioRecord, StepRecord
from runbook_steps.engine.proof.ringing import ringing_of
from tests.unit.records import scenario_record


def step(text: str, *notes: str, outcome: Outcome = Outcome.PASSED) -> StepRecord:
    """A step with what it noted."""
    return StepRecord(Role.GIVEN, "Given", text, 3, outcome, notes=notes)


RINGS = step("the alert CacheFull rings", "rang 2.0 s after the fault")
SILENT = step("the alert CacheFull falls silent again", "silent 0.9 s after the repair")
RECORD = scenario_record("features/a.feature", "A", started="2026-11-29T01:00:00Z", steps=(RINGS, SILENT))


def evidence(*records: ScenarioRecord) -> tuple[Evidence, ...]:
    """On one target."""
    return (Evidence("embedded", "", {f"{number}": record for number, record in enumerate(records)}),)


def test_the_newest_reading_is_told_with_target_and_day() -> None:
    """Both times, and where."""
    older = replace(RECORD, started="2026-11-01T01:00:00Z", steps=(step("the alert CacheFull rings", "rang 9.0 s"),))

    found = ringing_of("CacheFull", evidence(RECORD, older))

    assert found is not None
    assert "rang 2.0 s after the fault, silent 0.9 s after the repair (embedded, 2026-11-29)" == found.words


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(replace(RECORD, outcome=Outcome.FAILED), id="the scenario failed"),
        pytest.param(replace(RECORD, steps=(replace(RINGS, outcome=Outcome.NOT_RUNNABLE),)), id="nobody watched"),
        pytest.param(replace(RECORD, steps=(replace(RINGS, notes=("not watched: none here",)),)), id="a note only"),
        pytest.param(replace(RECORD, steps=(step("the alert CacheEmpty rings", "rang 1.0 s"),)), id="another alert"),
        pytest.param(replace(RECORD, steps=(SILENT,)), id="it never rang"),
    ],
)
def test_what_was_not_seen_to_ring_is_never_proven(record: ScenarioRecord) -> None:
    """Silence is no proof."""
    assert ringing_of("CacheFull", evidence(record)) is None


def test_one_that_saw_it_fall_silent_is_told_before_a_newer_one_that_did_not() -> None:
    """A page that only looks makes it ring too; what a page repaired says more."""
    newer = replace(RECORD, started="2026-11-30T01:00:00Z", steps=(RINGS,))

    found = ringing_of("CacheFull", evidence(RECORD, newer))

    assert found is not None
    assert "silent 0.9 s after the repair" == found.silent
