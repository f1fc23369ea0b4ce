"""pytest's report of a scenario that did not go through → one readable, redacted screen, and what is recorded of it."""

from __future__ import annotations

import pytest

from runbook_steps.engine.model import Outcome, Procedure
from runbook_steps.engine.pytest_side.outcome import outcome_in_pytest
from runbook_steps.engine.run.failure_story import failure_story
from runbook_steps.engine.run.outcome_of_error import message_of
from runbook_steps.engine.run.recorder import Recorder
from runbook_steps.engine.text.redact import Redactor

__all__ = ["tell_failure"]


def tell_failure(
    report: pytest.TestReport,
    item: pytest.Item,
    error: BaseException,
    procedure: Procedure,
    *,
    recorder: Recorder,
    target: str,
    redact: Redactor,
) -> tuple[Outcome, str] | None:
    """Makes the report readable; gives the outcome and its reason, None for a skip that told its own before."""
    outcome, message = outcome_in_pytest(error), message_of(error)
    if outcome in {Outcome.NOT_APPLICABLE, Outcome.NOT_RUNNABLE}:
        if isinstance(error, pytest.skip.Exception):
            return None
        report.outcome = "skipped"
        report.longrepr = (str(item.path), procedure.position.line, redact(f"{outcome}: {message}"))
        return outcome, message
    if report.when == "teardown":
        message = f"the scenario left something behind: {message}"
    where, step = _where(procedure, recorder.current_step)
    story = failure_story(where, step, message, recorder.last_result, scenario=procedure.name, target=target)
    report.longrepr = redact(story)
    return outcome, redact(message)


def _where(procedure: Procedure, number: int | None) -> tuple[str, str]:
    """Position and words of the step that runs, or ran last; of the scenario before the first."""
    if number is None:
        return str(procedure.position), f"Scenario: {procedure.name}"
    step = procedure.steps[number]
    return str(step.position), f"{step.keyword} {step.text}"
