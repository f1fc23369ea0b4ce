"""A plan for the review of one runbook: what changed since the last one, what ran since, and what to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.errors import JournalError
from runbook_steps.engine.git import Repository
from runbook_steps.engine.model import Outcome, ScenarioRecord
from runbook_steps.engine.proof.evidence_file import SKIPPED, WENT_ON, guided_by, read_journal
from runbook_steps.engine.review.due import Review
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.sources.feedback_file import Remark
from runbook_steps.engine.sources.python_steps import Catalog
from runbook_steps.engine.text.html_text import markdown_text

__all__ = ["ReviewPlan", "as_issue", "as_text", "make_plan"]

SHOWN = 20
"""Commits and runs that are listed; the others are counted."""


@dataclass(frozen=True)
class Change:
    """One commit. `kinds` say what of the runbook it touched: page, feature, steps, faults, operations."""

    commit: str
    day: str
    subject: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class JournalRun:
    """What one journal tells of this runbook. `longest_s` is its longest scenario, in seconds.

    `guided_by` is the role of the person who was led through it; empty for a run without one. `notes` are what that
    person did otherwise than the page says: a step that was skipped, a situation that was not there.
    """

    journal: str
    day: str
    target: str
    outcomes: tuple[tuple[str, int], ...]
    longest_s: float
    guided_by: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReviewPlan:
    """Everything the reviewer needs. `since` says from when it is counted; `unreadable` journals told nothing.

    `feedback` is what nobody has dealt with, whenever it was said.
    """

    review: Review
    since: str
    files: tuple[str, ...]
    changes: tuple[Change, ...]
    drills: tuple[JournalRun, ...]
    incidents: tuple[JournalRun, ...]
    unreadable: int
    expected_minutes: int
    checklist: tuple[str, ...]
    feedback: tuple[Remark, ...] = ()


def make_plan(
    repository: Repository, catalog: Catalog, review: Review, settings: Settings, feedback: tuple[Remark, ...] = ()
) -> ReviewPlan:
    """The plan, from the repository and the journals. Raises ConfigurationError when git refuses."""
    page = f"docs/{review.stem}.md"
    reached = [path for path in catalog.reach(review.runbook) if (repository.root / path).is_file()]
    files = (page, review.runbook.feature_path, *reached)
    start = _last_review(repository, page, review)
    runs, unreadable = _runs(settings.journal_dir, review)
    front = review.runbook.front_matter
    incidents = tuple(run for run in runs if run.target not in settings.drills)
    changes = tuple(_changes(repository, files, start, _kinds(settings)))
    return ReviewPlan(
        review=review,
        since=f"the review of {review.reviewed}" if review.reviewed else "it was begun",
        files=files,
        changes=changes,
        drills=tuple(run for run in runs if run.target in settings.drills),
        incidents=incidents,
        unreadable=unreadable,
        expected_minutes=front.expected_minutes if front else 0,
        checklist=tuple(_checklist(review, changed=bool(changes), used=bool(incidents))),
        feedback=feedback,
    )


def _last_review(repository: Repository, page: str, review: Review) -> str:
    """The commit that wrote the date of the last review; empty when there is none."""
    if not review.reviewed:
        return ""
    found = repository.run("log", "--follow", "--format=%H", f"-Sreviewed: {review.reviewed}", "--", page).split()
    return found[-1] if found else ""


def _kinds(settings: Settings) -> tuple[tuple[str, str], ...]:
    """What a path is, by how it begins; of a package the last part of its name."""
    packages = (settings.steps, *settings.rests_on, settings.operations.package if settings.operations else "")
    own = tuple((name.rpartition(".")[2], f"{name.replace('.', '/')}/") for name in packages if name)
    return (("page", "docs/"), ("feature", "features/"), *own)


def _changes(
    repository: Repository, files: tuple[str, ...], start: str, known: tuple[tuple[str, str], ...]
) -> Iterator[Change]:
    """The commits that touched those files, the newest first; a page's former names are followed no further."""
    what = ["--name-only", "--date=short", "--format=%x00%h%x1f%ad%x1f%s", *([f"{start}..HEAD"] if start else [])]
    for entry in repository.run("log", *what, "--", *files).split("\0")[1:]:
        head, _, names = entry.partition("\n")
        commit, day, subject = head.split("\x1f")
        touched = names.split("\n")
        kinds = tuple(kind for kind, prefix in known if any(name.startswith(prefix) for name in touched))
        yield Change(commit, day, subject, kinds)


def _runs(journals: Path, review: Review) -> tuple[tuple[JournalRun, ...], int]:
    """The runs since the last review, the newest first, and how many journals could not be read."""
    runs, unreadable = [], 0
    for path in journals.glob("*.jsonl"):
        try:
            records = [record for record in read_journal(path) if record.feature == review.runbook.feature_path]
        except JournalError:
            unreadable += 1
            continue
        if records and records[0].started[:10] >= review.reviewed:
            counted = Counter(str(record.outcome) for record in records)
            ordered = tuple((str(word), counted[word]) for word in Outcome if counted[word])
            longest = max(record.duration_s for record in records)
            who = guided_by(path)
            notes = tuple(_notes(records)) if who else ()
            runs.append(JournalRun(path.name, records[0].started, records[0].target, ordered, longest, who, notes))
    return tuple(sorted(runs, key=lambda run: run.day, reverse=True)), unreadable


def _notes(records: list[ScenarioRecord]) -> Iterator[str]:
    """What the person did otherwise, step by step; what the engine noted of itself is no feedback."""
    for record in records:
        for step in record.steps:
            for note in step.notes:
                if note.startswith((SKIPPED, WENT_ON)):
                    yield " ".join(f"“{step.keyword} {step.text.removesuffix(':')}” {note}".split())


def _checklist(review: Review, *, changed: bool, used: bool) -> Iterator[str]:
    for doubt in review.doubts:
        yield f"The proof is green again, now it is {doubt.kind}: {doubt.what}"
    if changed:
        yield "The page says what the changes above did"
    if used:
        yield "What the runs on live targets showed stands on the page"
    yield "“Use this when” has the words people see today; alerts and thresholds are those of the monitoring"
    yield f"Owner ({review.owner}) and severity ({review.severity}) are right, and those to call know that they are"
    yield "Those on call have every access and variable of “Before you start”"
    yield "The expected time is what it takes"
    yield "The way back and its point of no return still hold"


# ── for people ───────────────────────────────────────────────────────────────────────────────────


def as_text(plan: ReviewPlan) -> str:
    """For a terminal."""
    return "\n".join(_lines(plan, markdown=False))


def as_issue(plan: ReviewPlan) -> str:
    """Markdown: the body of an issue in the tracker."""
    return "\n".join(_lines(plan, markdown=True))


def _lines(plan: ReviewPlan, *, markdown: bool) -> Iterator[str]:
    review = plan.review
    inert = markdown_text if markdown else str

    def heading(text: str) -> str:
        return f"\n### {text}\n" if markdown else f"\n{text}"

    bullet = "- " if markdown else "  "
    due = f"due {review.due}" if review.due else "never reviewed"
    name = f"**{inert(review.title)}** (`{review.stem}`)" if markdown else f"{review.title} ({review.stem})"
    yield f"Review of {name}: owner {review.owner}, severity {review.severity}, {due}, proof {review.proof}."
    if review.reasons:
        yield heading("Why now")
        yield from (bullet + inert(reason) for reason in review.reasons)
    yield heading(f"Changed since {plan.since}")
    changes = [f"{each.day} {each.commit} {inert(each.subject)} ({', '.join(each.kinds)})" for each in plan.changes]
    yield from _some(bullet, changes, "nothing")
    yield heading("Drills since then")
    yield from _some(bullet, [_told(run) for run in plan.drills], "none in the journals of this machine")
    yield heading("Incidents and checks on live targets since then")
    yield from _some(bullet, [_told(run) for run in plan.incidents], "none in the journals of this machine")
    if plan.unreadable:
        yield f"{bullet}journals that cannot be read: {plan.unreadable}"
    box = "- [ ] " if markdown else "  [ ] "
    told = [f"{run.day[:10]} on {run.target}: {note}" for run in plan.incidents + plan.drills for note in run.notes]
    yield heading("What people did otherwise in guided runs")
    yield from _some(bullet, [inert(each) for each in told], "nothing in the journals of this machine")
    yield heading("Feedback that is not resolved")
    yield from (box + inert(f"{each.number} ({each.date}, {each.by}): {each.text}") for each in plan.feedback)
    yield bullet + (_how_to_resolve(plan, "`" if markdown else "") or "none")
    yield heading(f"Checklist (expected time: {plan.expected_minutes} minutes)")
    yield from (box + inert(item) for item in plan.checklist)
    command = f'runbooks review sign {review.id} --by "{review.owner}"'
    yield f"{box}Signed: `{command}`" if markdown else f"{box}Signed: {command}"


def _how_to_resolve(plan: ReviewPlan, quote: str) -> str:
    if not plan.feedback:
        return ""
    command = f'runbooks feedback resolve {plan.feedback[0].number} --by "{plan.review.owner}"'
    return f"each, when it is dealt with: {quote}{command}{quote}"


def _some(bullet: str, items: list[str], none: str) -> Iterator[str]:
    yield from (bullet + item for item in items[:SHOWN] or [none])
    if len(items) > SHOWN:
        yield f"{bullet}and {len(items) - SHOWN} more"


def _told(run: JournalRun) -> str:
    outcomes = ", ".join(f"{count} {word}" for word, count in run.outcomes)
    who = f", guided run of {run.guided_by}" if run.guided_by else ""
    day = run.day[:16].replace("T", " ")
    return f"{day} on {run.target}{who}: {outcomes}, longest {run.longest_s:.0f} s ({run.journal})"
