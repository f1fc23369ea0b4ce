"""Whether a proof still counts: it is of what ran, and it runs out. Pure, but for the reading of the sources."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.model import Evidence, Outcome, Procedure, Runbook, ScenarioRecord, Step, StepRecord
from runbook_steps.engine.proof.rests_on import changed_sources

__all__ = ["as_of", "stale_problems"]

_AHEAD = dt.timedelta(days=1)  # the day is another one in another time zone
Sources = Callable[[Procedure, str], Mapping[str, str]]


def as_of(today: dt.date, evidence: Evidence, runbooks: Iterable[Runbook], sources: Sources) -> Evidence:
    """The evidence with every proof that does not count any more turned *stale*, with the reason.

    Stale is what changed since: the scenario, or what `sources` tells that it rests on; what does not tell what it is
    of; and what was proven longer ago than the page's `review_every`, or in a time that is still to come.
    """
    procedures = {
        (runbook.feature_path, procedure.name): (runbook, procedure)
        for runbook in runbooks
        for procedure in runbook.procedures
    }

    def now(record: ScenarioRecord) -> ScenarioRecord:
        found = procedures.get((record.feature, record.scenario))
        if record.outcome is not Outcome.PASSED or found is None:
            return record
        reason = _changed(record, *found, sources) or _ran_out(record, found[0], today)
        return replace(record, outcome=Outcome.STALE, reason=reason) if reason else record

    return replace(evidence, records={key: now(record) for key, record in evidence.records.items()})


def _changed(record: ScenarioRecord, runbook: Runbook, procedure: Procedure, sources: Sources) -> str:
    if not record.text_hash or not record.sources:
        return "it does not tell what it is a proof of: which text, and what that rests on"
    if record.text_hash != procedure.text_hash:
        return "the scenario has changed since it was proven"
    if not _are_of(record.steps, procedure.steps):
        return "its steps are not those of the scenario that it says it proved"
    # rows of an outline may be matched by other steps each: a proof rests on those of its own row
    ran = next((each for each in procedure.runs if each.id_in(record.feature) == record.id), procedure)
    changed = changed_sources(record.sources, sources(ran, runbook.stem))
    return f"changed since it was proven: {changed}" if changed else ""


def _are_of(recorded: Sequence[StepRecord], steps: Sequence[Step]) -> bool:
    """By what no redaction changes; a step may have run a command that the feature does not hold, and none the less."""
    return [each.role for each in recorded] == [each.role for each in steps] and all(
        ran.command is not None for ran, step in zip(recorded, steps, strict=True) if step.command is not None
    )


def _ran_out(record: ScenarioRecord, runbook: Runbook, today: dt.date) -> str:
    try:
        proven = dt.date.fromisoformat(record.started[:10])
    except ValueError:
        return ""  # the loader refuses what is no time; a record without one tells nothing of its age
    if proven > today + _AHEAD:
        return f"proven {proven}, which is still to come: a clock was wrong, or the file was edited"
    if runbook.front_matter is None or not runbook.front_matter.review_every_days:
        return ""
    days = runbook.front_matter.review_every_days
    return f"proven {proven}, longer ago than {days} days (review_every)" if (today - proven).days > days else ""


def stale_problems(runbooks: Iterable[Runbook], evidence: Iterable[Evidence]) -> Iterator[FeatureError]:
    """For a project that takes a stale proof for a mistake (`stale_fails`): each of them, at its scenario."""
    positions = {(r.feature_path, p.name): p.position for r in runbooks for p in r.procedures}
    for each in evidence:
        for record in each.records.values():
            position = positions.get((record.feature, record.scenario))
            if record.outcome is Outcome.STALE and position is not None:
                yield FeatureError(
                    position, f"“{record.scenario}” is stale on {each.target}: {record.reason}; run it again"
                )
