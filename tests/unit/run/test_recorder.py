"""What a scenario is called when a person took part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.model import Outcome, Position, Procedure, Risk, Role, Step
from runbook_steps.engine.proof.evidence_file import Journal, guided_by, read_journal
from runbook_steps.engine.run.recorder import Recorder, RunFacts
from runbook_steps.engine.text.redact import Redactor

STEPS = tuple(Step(Role.WHEN, "When", f"step {line}", Position("features/a.feature", line)) for line in (4, 5))
PROCEDURE = Procedure("P", "", Risk.MUTATING, frozenset(), STEPS, Position("features/a.feature", 3))


@pytest.mark.parametrize(
    ("second", "said", "reason"),
    [
        (Outcome.PASSED, Outcome.PASSED, ""),
        (Outcome.ATTESTED, Outcome.ATTESTED, "attested: “step 5”"),
        (Outcome.NOT_REACHED, Outcome.NOT_REACHED, "not reached: “step 5”"),
        (Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE, "not applicable now: “step 5”"),
        (Outcome.FAILED, Outcome.FAILED, "failed: “step 5”"),
    ],
)
def test_what_went_through_is_only_passed_when_every_step_was(
    tmp_path: Path, second: Outcome, said: Outcome, reason: str
) -> None:
    """A step that was closed with a word of its own keeps it, whatever the loop says behind it."""
    journal = Journal(tmp_path / "j.jsonl", Redactor())
    journal.write("run started", run="r", guided={"by": "DevOps Lead"})
    recorder = Recorder(journal, RunFacts("r", "c", dirty=False, target="staging", emulated={}))
    recorder.scenario_started("features/a.feature", PROCEDURE, {})
    for number, outcome in enumerate((Outcome.PASSED, second)):
        recorder.step_started(number)
        recorder.step_finished(outcome)
        recorder.step_finished(Outcome.PASSED)
    recorder.scenario_finished(Outcome.PASSED)
    journal.close()
    (record,) = read_journal(tmp_path / "j.jsonl")
    assert (record.outcome, record.reason, record.steps[1].outcome) == (said, reason, second)
    assert guided_by(tmp_path / "j.jsonl") == "DevOps Lead"


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ((Outcome.NOT_RUNNABLE, Outcome.NOT_RUNNABLE), Outcome.NOT_RUNNABLE),
        ((Outcome.PASSED, Outcome.NOT_RUNNABLE), Outcome.PASSED),
    ],
)
def test_what_checks_nothing_that_can_be_seen_has_not_passed(
    tmp_path: Path, checks: tuple[Outcome, ...], said: Outcome
) -> None:
    """One check that looked is enough; which looked at nothing is known."""
    steps = tuple(Step(Role.THEN, "Then", f"check {line}", Position("features/a.feature", line)) for line in (6, 7))
    journal = Journal(tmp_path / "j.jsonl", Redactor())
    recorder = Recorder(journal, RunFacts("r", "c", dirty=False, target="staging", emulated={}))
    recorder.scenario_started("features/a.feature", replace(PROCEDURE, steps=(STEPS[0], *steps)), {})
    recorder.step_started(0)
    recorder.step_finished(Outcome.PASSED)
    for number, outcome in enumerate(checks, start=1):
        recorder.step_started(number)
        recorder.step_finished(outcome)
    assert len(recorder.unseen) == checks.count(Outcome.NOT_RUNNABLE)
    record = recorder.scenario_finished(Outcome.PASSED)
    journal.close()
    assert record is not None
    assert record.outcome is said
