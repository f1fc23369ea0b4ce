"""What version 1.0 got wrong, from `docs/data/corrections.yml`: shown on two pages, every row with what catches it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.errors import PageError, Position, SourceError
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.project.reference import reference_link, reference_problem
from runbook_steps.engine.text.data_file import Entry, read_document
from runbook_steps.engine.text.html_text import markdown_text

__all__ = ["cell", "changes_table", "correction_problems", "load_corrections", "mistakes_table", "parse_corrections"]

CORRECTIONS = "docs/data/corrections.yml"


@dataclass(frozen=True)
class Correction:
    """One mistake. `area` is a domain; `was`, `effect`, `shown`, `now` may hold `code`.

    `caught_by` are references to scenarios or tests, at least one.
    """

    area: str
    was: str
    effect: str
    shown: str
    now: str
    caught_by: tuple[str, ...]
    position: Position


def load_corrections(root: Path) -> tuple[Correction, ...]:
    """The rows on disk; none when there is no file. Raises PageError for a broken one."""
    path = root / CORRECTIONS
    try:
        return parse_corrections(path.read_text("utf-8"), CORRECTIONS) if path.is_file() else ()
    except UnicodeDecodeError as error:
        raise PageError(Position(CORRECTIONS, 1), f"cannot be read: {error.reason}") from error


def parse_corrections(text: str, path: str) -> tuple[Correction, ...]:
    """The rows, in the order of the file. Raises PageError for one that is not as it should be."""
    return tuple(_correction(entry) for entry in read_document(text, path).entries("corrections"))


def _correction(entry: Entry) -> Correction:
    return Correction(
        area=entry.text("area"),
        was=entry.text("was"),
        effect=entry.text("effect"),
        shown=entry.text("shown"),
        now=entry.text("now"),
        caught_by=entry.texts("caught_by"),
        position=entry.position,
    )


def correction_problems(
    project: Project, rows: Sequence[Correction], pending: frozenset[str] = frozenset()
) -> Iterator[SourceError]:
    """Every row that nothing catches, and every reference that leads nowhere, those to `pending` pages left out."""
    for row in rows:
        if not row.caught_by:
            yield PageError(row.position, f"“{row.was}” needs `caught_by:`, a scenario or a test")
        for reference in row.caught_by:
            if problem := reference_problem(project, reference, pending):
                yield PageError(row.position, problem)


def mistakes_table(project: Project, rows: Sequence[Correction], page: str) -> str:
    """Markdown: what 1.0 said, what an engineer got, and what would have caught it, area by area."""
    cells = [(row.area, (cell(row.was), cell(row.effect), _caught(project, row, page))) for row in rows]
    return _by_area("##", ("Version 1.0 said", "What you got", "Caught by"), cells)


def changes_table(project: Project, rows: Sequence[Correction], page: str) -> str:
    """Markdown: what was wrong, how a run showed it, what replaced it, area by area."""
    cells = [
        (row.area, (cell(row.was), _shown(project, row), cell(row.now), _pages(project, row, page))) for row in rows
    ]
    return _by_area("###", ("Was wrong", "A run showed", "Replaced by", "On"), cells)


def _by_area(level: str, head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A heading and a table for each area, in the order of the rows."""
    lines: list[str] = []
    for area in dict.fromkeys(area for area, _ in rows):
        lines += ["", f"{level} {area}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
        lines += [f"| {' | '.join(cells)} |" for each, cells in rows if each == area]
    return "\n".join([*lines, ""])


def _shown(project: Project, row: Correction) -> str:
    """How a run showed it; what no scenario or test holds yet was shown by nothing."""
    if any(not reference_problem(project, reference) for reference in row.caught_by):
        return cell(row.shown)
    return "*not run yet*"


def _caught(project: Project, row: Correction, page: str) -> str:
    return "<br>".join(reference_link(project, reference, page) for reference in row.caught_by)


def _pages(project: Project, row: Correction, page: str) -> str:
    stems = (reference.partition("::")[0] for reference in row.caught_by if not reference.startswith("tests/"))
    return "<br>".join(reference_link(project, stem, page) for stem in dict.fromkeys(stems)) or "–"


def cell(text: str) -> str:
    """Text of a data file for a cell of a table: escaped, with `code` as code."""
    parts = " ".join(text.split()).split("`")
    return "".join(_code(part) if i % 2 else _prose(part) for i, part in enumerate(parts))


def _code(text: str) -> str:
    return f"<code>{markdown_text(text)}</code>"


def _prose(text: str) -> str:
    """Escaped, with the blanks at its ends kept: they part it from the code beside it."""
    return f"{' ' * text.startswith(' ')}{markdown_text(text)}{' ' * (text.endswith(' ') and text != ' ')}"
