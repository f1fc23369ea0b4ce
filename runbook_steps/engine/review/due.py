"""Which runbooks are due for a person's review, and why; what a signature writes. Pure.

A review is a person's claim, a proof is a machine's: no signature stands on a proof that is red, stale or missing.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.model import Evidence, Outcome, Procedure, Runbook, ScenarioRecord
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.proof.standing import FAILURES, failing_step, is_proof, left_to_person, records_of, verdict
from runbook_steps.engine.sources.page_file import parse_page
from runbook_steps.engine.text.html_text import markdown_text

__all__ = ["CHANGE_LOG", "ProofState", "Review", "calendar", "logged", "proof_of", "proven_words", "reviews", "signed"]

CHANGE_LOG = "docs/about/change-log.md"
_OCTETS = 75
"""The longest line of a calendar file, RFC 5545 section 3.1."""
_HEADING = "## Reviews"
_TABLE = "| Reviewed | Runbook | By | Proof |\n| --- | --- | --- | --- |\n"


class ProofState(StrEnum):
    """How a proof stands, the worst first."""

    RED = "red"
    STALE = "stale"
    MISSING = "missing"
    GREEN = "green"


@dataclass(frozen=True)
class Doubt:
    """Why a proof is not green: what kind of doubt it is, and about what."""

    kind: ProofState
    what: str


@dataclass(frozen=True)
class Review:
    """How the review of a runbook stands. `due` is the day its last review runs out, None before the first one.

    `reasons` say why something is to be done now, empty when nothing is.
    """

    runbook: Runbook
    stem: str
    id: str
    title: str
    owner: str
    severity: str
    reviewed: str
    due: dt.date | None
    proof: ProofState
    doubts: tuple[Doubt, ...]
    reasons: tuple[str, ...]


def reviews(project: Project, today: dt.date) -> tuple[Review, ...]:
    """Every runbook with a good head, those due first, the oldest first among them."""
    found = [_review(runbook, project.evidence, today) for runbook in project.runbooks if runbook.front_matter]
    return tuple(sorted(found, key=lambda r: (not r.reasons, r.due or dt.date.min, r.stem)))


def _review(runbook: Runbook, evidence: Iterable[Evidence], today: dt.date) -> Review:
    front = runbook.front_matter
    assert front is not None  # noqa: S101 - the caller looked
    due = dt.date.fromisoformat(front.reviewed) + dt.timedelta(front.review_every_days) if front.reviewed else None
    doubts = proof_of(runbook, tuple(evidence))
    reasons = []
    if due is None:
        reasons.append("never reviewed")
    elif due <= today:
        reasons.append(f"reviewed {front.reviewed}, to be reviewed every {front.review_every_days} days")
    if doubts:
        more = f" (and {len(doubts) - 1} more)" if len(doubts) > 1 else ""
        reasons.append(f"proof {doubts[0].kind}: {doubts[0].what}{more}")
    return Review(
        runbook=runbook,
        stem=runbook.stem,
        id=front.id,
        title=front.title,
        owner=front.owner,
        severity=front.severity,
        reviewed=front.reviewed,
        due=due,
        proof=doubts[0].kind if doubts else ProofState.GREEN,
        doubts=doubts,
        reasons=tuple(reasons),
    )


# ── the proof ────────────────────────────────────────────────────────────────────────────────────


def proof_of(runbook: Runbook, evidence: tuple[Evidence, ...]) -> tuple[Doubt, ...]:
    """What stands against the proof, the worst first; nothing when it is green.

    A scenario is proven when one target proved all of it and no target failed it. What only a person can do
    needs no proof. The evidence is as of today: what ran out is stale in it.
    """
    if not runbook.procedures:
        return (Doubt(ProofState.MISSING, "it has no scenario"),)
    doubts = [doubt for each in runbook.procedures if (doubt := _doubt(each, runbook.feature_path, evidence))]
    return tuple(sorted(doubts, key=lambda doubt: list(ProofState).index(doubt.kind)))


def _doubt(procedure: Procedure, feature: str, evidence: tuple[Evidence, ...]) -> Doubt | None:
    if left_to_person(procedure):
        return None
    verdicts = [verdict(procedure, feature, each) for each in evidence]
    weak = [record for each in verdicts for record in each.records if not is_proof(record)]
    failed = next((record for record in weak if record.outcome in FAILURES), None)
    if failed is not None:
        return Doubt(ProofState.RED, _failure(failed))
    if any(each.proven for each in verdicts):
        return None
    stale = next((record for record in weak if record.outcome is Outcome.STALE), None)
    if stale is not None:
        return Doubt(ProofState.STALE, f"“{procedure.name}”: {stale.reason or 'it changed since it was proven'}")
    said = f"{weak[0].outcome}" + (f": {weak[0].reason}" if weak[0].reason else "") if weak else Outcome.NEVER_PROVEN
    return Doubt(ProofState.MISSING, f"“{procedure.name}” {said}")


def proven_words(runbook: Runbook, evidence: Iterable[Evidence]) -> str:
    """When, where and at which commit a proof that is green was made: of its oldest part."""
    found = [
        record
        for each in evidence
        for procedure in runbook.procedures
        for record in records_of(procedure, runbook.feature_path, each)
        if is_proof(record)
    ]
    if not found:
        return "left to a person"
    oldest = min(found, key=lambda record: record.started)
    return f"{oldest.started[:10]} on {oldest.target}, commit {oldest.commit[:10]}"


def _failure(record: ScenarioRecord) -> str:
    step = failing_step(record)
    why = (step.error if step and step.error else record.reason).strip().splitlines()
    where = f"“{record.scenario}” {record.outcome} on {record.target}"
    return f"{where}: {why[0]}" if why else where


# ── the signature ────────────────────────────────────────────────────────────────────────────────


def signed(text: str, path: str, day: dt.date) -> str:
    """The page with its date of review. Raises PageError when it has no place for it."""
    head = parse_page(text, path).head
    number = head.lines.get("reviewed")
    lines = text.split("\n")
    if number is None or not lines[number - 1].startswith("reviewed:"):
        raise PageError(Position(path, 1), "has no line `reviewed:` of its own in its front matter; write one")
    lines[number - 1] = f"reviewed: {day.isoformat()}" + "\r" * lines[number - 1].endswith("\r")
    return "\n".join(lines)


def logged(text: str, review: Review, day: dt.date, role: str, proof: str) -> str:
    """The change log with one more line, the newest first; its table begins with the first review."""
    link = posixpath.relpath(f"docs/{review.stem}.md", posixpath.dirname(CHANGE_LOG))
    row = f"| {day.isoformat()} | [{markdown_text(review.title)}]({link}) | {markdown_text(role)} | {proof} |\n"
    start = re.search(rf"^{re.escape(_HEADING)}\n\n{re.escape(_TABLE)}", text, re.MULTILINE)
    if start:
        return text[: start.end()] + row + text[start.end() :]
    return f"{text.rstrip()}\n\n{_HEADING}\n\n{_TABLE}{row}"


# ── the calendar ─────────────────────────────────────────────────────────────────────────────────


def calendar(found: Iterable[Review], now: dt.datetime, host: str) -> str:
    """A calendar file (RFC 5545): an all-day event for each runbook on the day its review is due.

    Before the first review that is the day of `now` (UTC). `host` is that of the site: events of two sites never meet.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//runbooks//Runbook reviews//EN", "METHOD:PUBLISH"]
    for review in sorted(found, key=lambda r: (r.due or now.date(), r.stem)):
        day = review.due or now.date()
        since = f"Last reviewed {review.reviewed}." if review.reviewed else "Never reviewed."
        about = f"{since} Owner: {review.owner}. Proof: {review.proof}.\nrunbooks review plan {review.id}"
        lines += [
            "BEGIN:VEVENT",
            f"UID:review-{review.id}@{host}",
            f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
            f"DTEND;VALUE=DATE:{day + dt.timedelta(1):%Y%m%d}",
            f"SUMMARY:{_escaped(f'Review the runbook {review.title}')}",
            f"DESCRIPTION:{_escaped(about)}",
            f"CATEGORIES:{_escaped(review.owner)}",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _escaped(text: str) -> str:
    return re.sub(r"([\\;,])", r"\\\1", text).replace("\n", "\\n")


def _folded(line: str) -> str:
    """At most 75 octets a line; what follows begins with a blank, and no character is cut."""
    parts, size = [""], 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _OCTETS:
            parts.append(" ")
            size = 1
        parts[-1] += character
        size += octets
    return "\r\n".join(parts)
