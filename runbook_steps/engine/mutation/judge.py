"""What a variant's run says: noticed for the right reason, not noticed, or that the target was no longer fit. Pure."""

from __future__ import annotations

from runbook_steps.engine.model import Outcome, ScenarioRecord
from runbook_steps.engine.mutation.variants import Variant
from runbook_steps.engine.proof.worth import Tried

__all__ = ["judged", "told_without_running"]

_RED = frozenset({Outcome.FAILED, Outcome.TIMED_OUT})
_LONGEST = 100  # characters of a line


def judged(variant: Variant, record: ScenarioRecord | None, *, hung_s: float | None = None) -> Tried | None:
    """What became of it; None when a step before the broken one turned red: then the target was no longer fit.

    Only a step of the scenario, the broken one or one behind it, counts as noticing: not what clears away, not a
    scenario that could not be run, not one that hung.
    """
    if hung_s is not None:
        return _tried(variant, noticed=False, told=f"hung: it had not ended after {hung_s:.0f} s")
    if record is None:
        return None
    if record.outcome is Outcome.PASSED:
        return _tried(variant, noticed=False, told="stayed green")
    red = next((number for number, step in enumerate(record.steps) if step.outcome in _RED), None)
    if red is None:
        said = " ".join(record.reason.split())
        return _tried(variant, noticed=False, told=f"no step turned red ({record.outcome}): {said}"[:_LONGEST])
    if red < variant.step:
        return None
    step = record.steps[red]
    return _tried(variant, noticed=True, told=f"{step.keyword} {step.text}"[:_LONGEST])


def told_without_running(variant: Variant, *, checked: bool) -> Tried:
    """A Then whose checks are turned round: where one was evaluated in the run that went through, it would be red."""
    told = "its own check" if checked else "stayed green: it evaluates no check"
    return _tried(variant, noticed=checked, told=told)


def _tried(variant: Variant, *, noticed: bool, told: str) -> Tried:
    return Tried(variant.way, variant.step, variant.line, variant.change, noticed, told)
