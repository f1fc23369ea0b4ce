"""Is it proven? A scenario and a runbook on a target: one verdict from many records. Pure; all readers ask here.

A verdict never says more than its weakest record: its time is that of the oldest proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from runbook_steps.engine.model import Evidence, Outcome, Procedure, Runbook, ScenarioRecord, StepRecord

__all__ = [
    "FAILURES",
    "Standing",
    "Tone",
    "Verdict",
    "failing_step",
    "is_proof",
    "left_to_person",
    "outcome_of",
    "records_of",
    "shown_record",
    "standings",
    "verdict",
]

FAILURES = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.INTERRUPTED})


class Tone(StrEnum):
    """How to take a verdict; the words beside it say the same without colour."""

    GOOD = "good"
    BAD = "bad"
    PARTLY = "partly"
    NONE = "none"


@dataclass(frozen=True)
class Standing:
    """The verdict on one target. `started` is the oldest proof's (ISO 8601, UTC), `duration_s` the sum.

    `reasons` say why it is not a plain *proven*, the most important first.
    """

    target: str
    tone: Tone
    headline: str
    proven: int
    total: int
    started: str = ""
    duration_s: float = 0.0
    commits: tuple[str, ...] = ()
    dirty: bool = False
    emulated: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """How one scenario stands on one target. `missing` are rows of an outline that no record tells of.

    `left_to_person`: only a person can do it, and no machine ever proves it.
    """

    records: tuple[ScenarioRecord, ...]
    missing: int
    left_to_person: bool

    @property
    def weakest(self) -> ScenarioRecord | None:
        """The record that decides: one that failed first, then the oldest that is no proof, then the oldest."""
        return min(self.records, key=lambda record: (_rank(record), record.started), default=None)

    @property
    def outcome(self) -> Outcome:
        """That of the weakest record; *never proven* when nothing worse is known and a row has none."""
        weakest = self.weakest
        return Outcome.NEVER_PROVEN if self.missing > 0 and is_proof(weakest) else outcome_of(weakest)

    @property
    def proven(self) -> bool:
        """Whether every row of it passed."""
        return self.missing <= 0 and not self.left_to_person and is_proof(self.weakest)


def is_proof(record: ScenarioRecord | None) -> bool:
    """Whether it says of its row that it is proven: it passed, and nothing changed since."""
    return outcome_of(record) is Outcome.PASSED


def outcome_of(record: ScenarioRecord | None) -> Outcome:
    """What is known of a row; *never proven* without a record."""
    return record.outcome if record else Outcome.NEVER_PROVEN


def verdict(procedure: Procedure, feature: str, evidence: Evidence) -> Verdict:
    """How the scenario of that feature stands on the target of that evidence."""
    records = records_of(procedure, feature, evidence)
    return Verdict(records, len(procedure.runs) - len(records), left_to_person(procedure))


def _rank(record: ScenarioRecord) -> int:
    return 0 if record.outcome in FAILURES else 2 if is_proof(record) else 1


def records_of(procedure: Procedure, feature: str, evidence: Evidence) -> tuple[ScenarioRecord, ...]:
    """The records of a scenario: one, or one per row of an outline; those of rows that are gone left out."""
    found = evidence.by_scenario.get(f"{feature}::{procedure.name}", ())
    current = [record for record in found if record.outcome is not Outcome.STALE]
    return tuple(current if len(current) >= len(procedure.runs) else found)


def shown_record(procedure: Procedure, feature: str, evidence: Iterable[Evidence]) -> ScenarioRecord | None:
    """The record to show beside the procedure: one that failed before one that passed, then the newest."""
    found = [record for each in evidence for record in records_of(procedure, feature, each)]
    return max(found, key=lambda r: (r.outcome in FAILURES, r.started), default=None)


def failing_step(record: ScenarioRecord) -> StepRecord | None:
    """The step at which a scenario failed, or None."""
    return next((step for step in record.steps if step.outcome in FAILURES), None)


def standings(runbook: Runbook, evidence: Sequence[Evidence]) -> tuple[Standing, ...]:
    """The verdict for every target that knows the runbook; *never proven* when none does."""
    known = [each for each in evidence if any(_verdicts(runbook, each))]
    if known:
        return tuple(_standing(runbook, each) for each in known)
    total = len(runbook.procedures)
    reason = "no run has followed this page yet" if total else "this page has no scenario yet"
    return (Standing("", Tone.NONE, "Never proven", 0, total, reasons=(reason,)),)


def _verdicts(runbook: Runbook, evidence: Evidence) -> list[tuple[Procedure, Verdict]]:
    found = [(procedure, verdict(procedure, runbook.feature_path, evidence)) for procedure in runbook.procedures]
    return found if any(each.records for _, each in found) else []


def _standing(runbook: Runbook, evidence: Evidence) -> Standing:
    found = _verdicts(runbook, evidence)
    records = [record for _, each in found for record in each.records]
    whole = [procedure for procedure, each in found if each.proven]
    failed = [record for record in records if record.outcome in FAILURES]
    reasons = [_failure(record) for record in failed]
    reasons += [text for procedure, each in found if (text := _gap(procedure, each))]
    stale = any(record.outcome is Outcome.STALE for record in records)
    tone, word = _word(len(whole), len(found), failed, stale=stale)
    if evidence.claimed:
        reasons.insert(0, f"claimed, not proven: {evidence.claimed}")
        tone, word = (
            (tone, f"Claimed: {word.lower()}") if tone is Tone.BAD else (Tone.PARTLY, f"Claimed: {word.lower()}")
        )
    return Standing(
        target=evidence.target,
        tone=tone,
        headline=f"{word} on {evidence.target}",
        proven=len(whole),
        total=len(found),
        started=min(record.started for record in records),
        duration_s=sum(record.duration_s for record in records),
        commits=tuple(sorted({record.commit for record in records})),
        dirty=any(record.dirty for record in records),
        emulated={part: by for record in records for part, by in record.emulated.items()},
        reasons=tuple(reasons),
    )


def _word(proven: int, total: int, failed: list[ScenarioRecord], *, stale: bool) -> tuple[Tone, str]:
    if failed:
        return Tone.BAD, "Failed"
    if proven == total:
        return Tone.GOOD, "Proven"
    if stale:
        return Tone.PARTLY, "Stale"
    return (Tone.PARTLY, "Partly proven") if proven else (Tone.PARTLY, "Not proven")


def left_to_person(procedure: Procedure) -> bool:
    """Whether only a person can do it: it holds no command, and no machine ever proves it."""
    return not procedure.commands and any(step.manual for step in procedure.steps)


def _failure(record: ScenarioRecord) -> str:
    step = failing_step(record)
    where = f" at “{step.keyword} {step.text.removesuffix(':')}”" if step else ""
    why = (step.error if step and step.error else record.reason).strip().splitlines()
    return f"“{record.scenario}” {record.outcome}{where}" + (f": {why[0]}" if why else "")


def _gap(procedure: Procedure, known: Verdict) -> str:
    """Why a scenario that did not fail is not proven either; empty when it is."""
    if not known.records:
        return f"“{procedure.name}” {Outcome.NEVER_PROVEN}"
    if known.missing > 0:
        return f"“{procedure.name}” {Outcome.NEVER_PROVEN} for {known.missing} of its examples"
    open_ = next((each for each in known.records if not is_proof(each) and each.outcome not in FAILURES), None)
    if open_ is None:
        left = known.left_to_person and known.outcome not in FAILURES
        return f"“{procedure.name}” is left to a person, not verified by machine" if left else ""
    return f"“{procedure.name}” {open_.outcome}" + (f": {open_.reason}" if open_.reason else "")
