"""What no run could have written: a file that says it was edited, or made up. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from runbook_steps.engine.model import Evidence, Outcome, ScenarioRecord

__all__ = ["contradiction"]

_GOOD = frozenset({Outcome.PASSED, Outcome.NOT_RUNNABLE})  # a step that only a person can see is not runnable
_SLACK_S = 1.0


def contradiction(evidence: Evidence) -> str:
    """The first thing that does not fit, in words; empty when everything does."""
    for record in evidence.records.values():
        for said in _in(record, evidence.target):
            return f"{record.id}: {said}"
    return ""


def _in(record: ScenarioRecord, target: str) -> Iterator[str]:
    if record.target != target:
        yield f"it ran on {record.target}, and this is the evidence of {target}"
    if record.id.partition("[")[0] != f"{record.feature}::{record.scenario}":
        yield "its id is not that of its feature and scenario"
    if (moment := _moment(record.started)) is None:
        yield f"it started at {record.started!r}, which is no time"
    if moment is not None and moment.tzinfo is None:
        yield f"it started at {record.started!r}, which names no time zone"
    if moment is not None and moment.utcoffset():
        yield f"it started at {record.started!r}, which is not in UTC"
    if record.outcome is Outcome.PASSED:
        yield from _passed(record)


def _passed(record: ScenarioRecord) -> Iterator[str]:
    if not record.steps:
        yield "it passed without a step"
    for number, step in enumerate(record.steps, 1):
        if step.outcome not in _GOOD:
            yield f"it passed, and its step {number} is “{step.outcome}”"
        if step.error:
            yield f"it passed, and its step {number} tells of an error"
    if sum(step.duration_s for step in record.steps) > record.duration_s + _SLACK_S:
        yield "its steps took longer than it did"
    if record.reason:
        yield "it passed, and says why it did not"  # not what it says: who edits a file can put anything there


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
