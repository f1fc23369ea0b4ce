"""Journals of a run → evidence of a target, and the lines that tell what was filed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from runbook_steps.engine.errors import EvidenceError, JournalError
from runbook_steps.engine.model import Evidence, Outcome, Risk, Role, ScenarioRecord
from runbook_steps.engine.proof.evidence_file import load_evidence, merge, read_journal, write_evidence
from runbook_steps.engine.proof.past_runs import keep_run
from runbook_steps.engine.run.secrets_left import leaking_files, published_words, site_files
from runbook_steps.engine.settings import relative_path
from runbook_steps.engine.text.not_held import not_held
from runbook_steps.engine.text.redact import Redactor

__all__ = ["Filed", "file_empty_part", "file_evidence"]

Counts = Callable[[ScenarioRecord], bool]


@dataclass(frozen=True)
class Filed:
    """What came of it: not `good` when nothing was filed, a known secret stands in a file, or nobody could look."""

    lines: tuple[str, ...]
    good: bool = True


def file_evidence(
    path: Path,
    target: str,
    journals: Sequence[Path],
    root: Path,
    redactor: Redactor,
    *,
    counts: Counts = bool,
    live: bool = False,
    also: Sequence[Path] = (),
    guesses: frozenset[str] = frozenset(),
) -> Filed:
    """Merges the journals into the evidence file; never raises, because it runs at the end of a session.

    Only what `counts` becomes evidence: the journal tells of the rest, and the proof that there was stays. So it does
    when a change of a `live` target was not tried, because nobody gave leave.
    These files, the site as it was built last, and `also` are then searched for known secrets. Of `guesses`, which may
    be secrets and may be words, those are none of the site's that it is made of.
    """
    try:
        fresh = [record for journal in journals for record in read_journal(journal)]
        proofs = [record for record in fresh if counts(record)]
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            old = load_evidence(path) if path.exists() else None
            proofs = [each for each in proofs if not (live and _not_tried(each) and _proven(old, each))]
            if proofs or not fresh:
                write_evidence(path, merge(old, target, proofs))
                keep_run(path.parent, target, proofs)
    except (JournalError, EvidenceError, OSError) as error:
        return Filed((f"no evidence filed: {redactor(str(error))}",), good=False)
    lines = _summary(fresh, target, path, journals, lambda file: relative_path(file, root))
    site = leaking_files(site_files(root / "site"), redactor)
    if site and guesses:
        words = published_words(guesses, root, (each for each in path.parent.glob("*.json") if each != path))
        site = leaking_files(site, redactor.without_values(words))
    unlooked = _unlooked(fresh)
    lines += unlooked
    leaking = (*leaking_files((path, *journals), redactor), *site, *leaking_files(also, redactor))
    if leaking:
        names = ", ".join(str(file) for file in leaking)
        return Filed((*lines, f"A KNOWN SECRET STANDS IN {names}: delete it, and rotate the secret"), good=False)
    return Filed(lines, good=not unlooked)


def file_empty_part(path: Path, target: str) -> Filed:
    """A part of no scenario leaves a file as the others do: nobody takes it for one that is missing. Never raises."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                write_evidence(path, merge(None, target, ()))
    except (EvidenceError, OSError) as error:
        return Filed((f"no evidence filed: {error}",), good=False)
    return Filed((f"this part holds no scenario, and {path.name} stays as it was",))


def _not_tried(record: ScenarioRecord) -> bool:
    """A change that was refused, or not called for, before its first command: what was proven of it stays."""
    began = any(step.outcome is not Outcome.NOT_REACHED for step in record.steps if step.role is not Role.GIVEN)
    looked = record.outcome in {Outcome.NOT_RUNNABLE, Outcome.NOT_APPLICABLE}
    return record.risk is not Risk.READONLY and looked and not began


def _proven(old: Evidence | None, fresh: ScenarioRecord) -> bool:
    """Whether the evidence holds a run of the same text that was tried."""
    known = old.records.get(fresh.id) if old else None
    untried = {Outcome.NOT_RUNNABLE, Outcome.NOT_APPLICABLE}
    return known is not None and known.outcome not in untried and known.text_hash == fresh.text_hash


def _unlooked(fresh: Sequence[ScenarioRecord]) -> tuple[str, ...]:
    """What could not be looked at although it is there: who sees only that nothing failed takes it for good news."""
    found = [why for each in fresh if each.outcome is Outcome.NOT_RUNNABLE and (why := not_held(each.reason))]
    if not found:
        return ()
    several = f"{len(found)} scenario{'s' if len(found) > 1 else ''}"
    return (f"POSTGRESQL COULD NOT BE LOOKED AT by {several}, and a run that cannot look is not good: {found[0]}",)


def _summary(
    fresh: Sequence[ScenarioRecord],
    target: str,
    path: Path,
    journals: Sequence[Path],
    short: Callable[[Path], str],
) -> tuple[str, ...]:
    counts = Counter(record.outcome for record in fresh)
    words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome])
    commit = fresh[0].commit[:10] + (" + uncommitted changes" if fresh[0].dirty else "") if fresh else "-"
    return (
        f"{words} on {target}, commit {commit}",
        f"evidence  {short(path)}",
        *(f"journal   {short(journal)}" for journal in journals),
    )
