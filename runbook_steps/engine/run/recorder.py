"""Follows one scenario after another and writes what happens to the journal, in the words of `Outcome`.

The state lives here so that a failure, a skip, a timeout and a Ctrl-C are told apart by what was seen,
and not guessed afterwards from a test report.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runbook_steps.engine.model import Outcome, Procedure, Result, Role, ScenarioRecord, Step, StepRecord
from runbook_steps.engine.proof.evidence_file import Journal, now

__all__ = ["COMMAND_BEGAN", "Recorder", "RunFacts"]

_NO_PROOF = (
    Outcome.FAILED,
    Outcome.TIMED_OUT,
    Outcome.INTERRUPTED,
    Outcome.NOT_REACHED,
    Outcome.NOT_APPLICABLE,
    Outcome.ATTESTED,
)  # the worst first
_LEFT_OPEN = frozenset(_NO_PROOF) - {Outcome.ATTESTED}
COMMAND_BEGAN = "command began"
"""The event of a guided run's journal that tells what ran from what was only shown; `step` is its number."""
KEPT_OUTPUT = 20_000  # characters of each stream that the journal keeps: first and last half


@dataclass(frozen=True)
class RunFacts:
    """What is the same for every scenario of a run."""

    run: str
    commit: str
    dirty: bool
    target: str
    emulated: Mapping[str, str]
    tools: Mapping[str, str] = field(default_factory=dict)


class Recorder:
    """Records scenarios, one at a time, into a journal."""

    def __init__(self, journal: Journal, facts: RunFacts) -> None:
        self.journal = journal
        self.facts = facts
        self._record: ScenarioRecord | None = None
        self._steps: list[StepRecord] = []
        self._open: int | None = None
        self._scenario_began = 0.0
        self._step_began = 0.0
        self._closed = False
        self.commands_begun = 0
        self.last_result: Result | None = None
        self.last_record: ScenarioRecord | None = None

    def scenario_started(self, feature: str, procedure: Procedure, sources: Mapping[str, str]) -> None:
        """Opens the record of a scenario, every step `not reached` yet."""
        self._steps = [_not_reached(step) for step in procedure.steps]
        self._open, self.last_result = None, None
        self._scenario_began = time.monotonic()
        self._record = ScenarioRecord(
            id=procedure.id_in(feature),
            feature=feature,
            scenario=procedure.name,
            risk=procedure.risk,
            outcome=Outcome.INTERRUPTED,
            started=now(),
            duration_s=0.0,
            commit=self.facts.commit,
            dirty=self.facts.dirty,
            target=self.facts.target,
            emulated=dict(self.facts.emulated),
            tools=dict(self.facts.tools),
            steps=tuple(self._steps),
            text_hash=procedure.text_hash,
            sources=dict(sources),
            run=self.facts.run,
        )
        self.journal.write("scenario started", record=self._record)

    def step_started(self, number: int) -> None:
        """Marks that step of the scenario, counted from 0, as begun."""
        self._open, self._closed = number, False
        self._step_began = time.monotonic()
        self.journal.write("step started", id=self._id, number=number)

    @property
    def is_open(self) -> bool:
        """Whether a scenario is being recorded."""
        return self._record is not None

    @property
    def not_seen(self) -> str:
        """Why the step that is open, or was last, proved nothing although nothing failed; empty where it did."""
        step = self._steps[self._open] if self._open is not None else None
        if step is None or step.outcome is not Outcome.NOT_RUNNABLE:
            return ""
        return "; ".join(step.notes) or str(step.outcome)

    @property
    def current_step(self) -> int | None:
        """The number of the step that is open, or was last; None before the first."""
        return self._open

    def command_begins(self) -> None:
        """Writes that the step's command runs from now on: one that was only shown or asked for may run later."""
        self.event(COMMAND_BEGAN, step=self._open)
        self.commands_begun += 1

    def command_finished(self, result: Result) -> None:
        """Keeps what the step's command did."""
        self.last_result = result
        self._change(
            command=result.command.text,
            media_type=result.command.media_type,
            exit_code=result.exit_code,
            stdout=_shortened(result.stdout),
            stderr=_shortened(result.stderr),
        )

    def undo_finished(self, result: Result) -> None:
        """Writes what an undo did: it belongs to no step, and none of them is told by it."""
        printed = {"stdout": _shortened(result.stdout), "stderr": _shortened(result.stderr)}
        self.event("undo ran", purpose=result.command.purpose, exit_code=result.exit_code, **printed)

    def note(self, text: str) -> None:
        """Adds a remark to the step: what was broken, what was seen."""
        if self._open is not None:
            self._change(notes=(*self._steps[self._open].notes, text))

    def manual_step(self) -> None:
        """The step that is open needs a person: no machine verified it."""
        self._change(notes=("needs a person; not verified by machine",))
        self.step_finished(Outcome.NOT_RUNNABLE)

    def event(self, name: str, **values: Any) -> None:
        """Writes an event of its own kind: a fault arranged or cleared, an undo."""
        self.journal.write(name, scenario=self._id, **values)

    def step_finished(self, outcome: Outcome, error: str = "") -> None:
        """Closes the step that is open; nothing to do when none is."""
        if self._open is None or self._closed:
            return
        self._closed = True
        self._change(outcome=outcome, error=error, duration_s=time.monotonic() - self._step_began)
        self.journal.write("step finished", id=self._id, number=self._open, step=self._steps[self._open])

    def scenario_finished(self, outcome: Outcome, reason: str = "") -> ScenarioRecord | None:
        """Closes the scenario and returns its record as the journal holds it."""
        if self._record is None:
            return None
        self.step_finished(outcome, reason)
        outcome, reason = _as_a_whole(outcome, reason, self._steps)
        record = replace(
            self._record,
            outcome=outcome,
            reason=reason,
            duration_s=time.monotonic() - self._scenario_began,
            steps=tuple(self._steps),
        )
        self.journal.write("scenario finished", record=record)
        self._record, self._open = None, None
        self.last_record = record
        return record

    @property
    def left_open(self) -> tuple[str, ...]:
        """The steps of the scenario that were skipped, or did not end well, in words."""
        return tuple(step.text.removesuffix(":") for step in self._steps if step.outcome in _LEFT_OPEN)

    def _change(self, **values: Any) -> None:
        if self._open is not None:
            self._steps[self._open] = replace(self._steps[self._open], **values)

    @property
    def unseen(self) -> tuple[str, ...]:
        """The steps so far of which nothing could be seen on this target."""
        return tuple(f"“{step.text}”" for step in self._steps if step.outcome is Outcome.NOT_RUNNABLE)

    @property
    def _id(self) -> str | None:
        return self._record.id if self._record else None


def _as_a_whole(outcome: Outcome, reason: str, steps: list[StepRecord]) -> tuple[Outcome, str]:
    """What went through is no proof where a person skipped a step, went on without the situation, or attested one."""
    if outcome is not Outcome.PASSED:
        return outcome, reason
    checks = {step.outcome for step in steps if step.role is Role.THEN}
    if checks == {Outcome.NOT_RUNNABLE}:
        return Outcome.NOT_RUNNABLE, "nothing of what it checks can be seen here"
    for left in _NO_PROOF:
        named = [f"“{step.text.removesuffix(':')}”" for step in steps if step.outcome is left]
        if named:
            return left, f"{left}: {', '.join(named)}"
    return outcome, reason


def _not_reached(step: Step) -> StepRecord:
    return StepRecord(
        role=step.role,
        keyword=step.keyword,
        text=step.text,
        line=step.position.line,
        outcome=Outcome.NOT_REACHED,
        command=step.command.text if step.command else None,
        media_type=step.command.media_type if step.command else None,
    )


def _shortened(text: str) -> str:
    if len(text) <= KEPT_OUTPUT:
        return text
    half = KEPT_OUTPUT // 2
    return f"{text[:half]}\n… {len(text) - KEPT_OUTPUT} characters left out …\n{text[-half:]}"
