"""What an audit found in 1.1, from `docs/data/audit/*.yml`: what each finding is now, and what would have been red."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.errors import PageError, Position, SourceError
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.project.reference import reference_link, reference_problem
from runbook_steps.engine.text.data_file import Entry, read_document
from runbook_steps.version_1.corrections import cell

__all__ = ["audit_problems", "audit_table", "load_audit", "parse_audit"]

AUDIT = "docs/data/audit"


@dataclass(frozen=True)
class Finding:
    """One finding. `area` is the name of its file, `kind` how bad it is; `found` and `now` may hold `code`.

    `red` are references to the scenarios or tests that would have been red, at least one when it is mended.
    `open` is the reason why it is not mended, empty when it is.
    """

    area: str
    id: str
    kind: str
    found: str
    now: str
    red: tuple[str, ...]
    open: str
    position: Position


def load_audit(root: Path) -> tuple[Finding, ...]:
    """The findings of every file, in the order of their names. Raises PageError for a broken one."""
    found: list[Finding] = []
    for file in sorted((root / AUDIT).glob("*.yml")):
        path = f"{AUDIT}/{file.name}"
        try:
            found += parse_audit(file.read_text("utf-8"), path)
        except UnicodeDecodeError as error:
            raise PageError(Position(path, 1), f"cannot be read: {error.reason}") from error
    return tuple(found)


def parse_audit(text: str, path: str) -> tuple[Finding, ...]:
    """The findings of one file. Raises PageError for one that is not as it should be."""
    return tuple(_finding(entry, Path(path).stem) for entry in read_document(text, path).entries("findings"))


def _finding(entry: Entry, area: str) -> Finding:
    return Finding(
        area=area,
        id=entry.text("id"),
        kind=entry.text("kind"),
        found=entry.text("found"),
        now=entry.text("now", default=""),
        red=entry.texts("red"),
        open=entry.text("open", default=""),
        position=entry.position,
    )


def audit_problems(
    project: Project, rows: Sequence[Finding], pending: frozenset[str] = frozenset()
) -> Iterator[SourceError]:
    """Every finding that is neither held by a scenario or test nor open with a reason, and what leads nowhere."""
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            yield PageError(row.position, f"{row.id} stands here twice")
        seen.add(row.id)
        if row.open and row.now:
            yield PageError(row.position, f"{row.id} is either mended (`now:`) or open (`open:`)")
        if not row.open and not (row.now and row.red):
            yield PageError(row.position, f"{row.id} needs `now:` and `red:`, or `open:` with the reason")
        for reference in row.red:
            if problem := reference_problem(project, reference, pending):
                yield PageError(row.position, problem)


def audit_table(project: Project, rows: Sequence[Finding], page: str) -> str:
    """Markdown: how many are mended, then every finding, area by area, the open ones with their reason."""
    mended = sum(not row.open for row in rows)
    lines = [f"{len(rows)} findings: {mended} mended, {len(rows) - mended} open."]
    for area in dict.fromkeys(row.area for row in rows):
        lines += ["", f"## {area.replace('-', ' ').capitalize()}", ""]
        lines += ["| | Found | Now | Would have been red |", "| --- | --- | --- | --- |"]
        lines += [
            f"| **{row.id}** {row.kind} | {cell(row.found)} | {_now(row)} | {_red(project, row, page)} |"
            for row in rows
            if row.area == area
        ]
    return "\n".join([*lines, ""])


def _now(row: Finding) -> str:
    return f"*Open:* {cell(row.open)}" if row.open else cell(row.now)


def _red(project: Project, row: Finding, page: str) -> str:
    return "<br>".join(reference_link(project, reference, page) for reference in row.red) or "–"
