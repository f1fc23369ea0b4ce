"""What became of version 1.0: each of its headings → a page, each of its commands → where it runs now.

The document is `docs/data/runbooks-1.0.txt`, the mapping `docs/data/coverage.yml`, the page made of both
`docs/about/coverage.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.errors import PageError, Position, SourceError
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.project.reference import reference_link, reference_problem
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.text.data_file import Entry, read_document
from runbook_steps.engine.text.html_text import markdown_text

__all__ = [
    "COVERAGE_PAGE",
    "DOCUMENT",
    "Coverage",
    "coverage_page",
    "coverage_problems",
    "headings_of",
    "load_coverage",
    "parse_coverage",
]

DOCUMENT = "docs/data/runbooks-1.0.txt"
COVERAGE = "docs/data/coverage.yml"
COVERAGE_PAGE = "docs/about/coverage.md"
_HEADING = re.compile(r"^(?P<level>#{1,6}) (?P<title>.+?)\s*$")
_FENCE = re.compile(r"^\s*```")
_DECORATION = re.compile(r"^[^\w(]+")


@dataclass(frozen=True)
class Heading:
    """A heading of the document, without its pictogram; `commands` are the lines to run below it, in order.

    `remarks` are the comment lines of its code blocks, for rows that are about something a comment asks for.
    """

    title: str
    level: int
    line: int
    commands: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class CommandRow:
    """One command of the document (or several lines that are one), where it `runs` now, and `why` it changed."""

    was: str
    runs: tuple[str, ...]
    why: str
    position: Position

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of the document it stands for."""
        return tuple(line.strip() for line in self.was.splitlines() if line.strip())


@dataclass(frozen=True)
class HeadingRow:
    """What became of one heading. `pages` are stems of `docs/`."""

    heading: str
    pages: tuple[str, ...]
    scenarios: tuple[str, ...]
    commands: tuple[CommandRow, ...]
    position: Position


@dataclass(frozen=True)
class Coverage:
    """The document's headings, the rows about them, and the stems of pages that are `pending`: not written yet.

    A row may point to a pending page and to scenarios it will have.
    """

    headings: tuple[Heading, ...]
    rows: tuple[HeadingRow, ...]
    pending: frozenset[str] = frozenset()


def load_coverage(root: Path) -> Coverage:
    """What there is on disk. Raises PageError for a file that cannot be read."""
    texts = []
    for path in (DOCUMENT, COVERAGE):
        try:
            texts.append((root / path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = error.reason if isinstance(error, UnicodeDecodeError) else error.strerror
            raise PageError(Position(path, 1), f"cannot be read: {reason}") from error
    return Coverage(headings_of(texts[0]), *parse_coverage(texts[1], COVERAGE))


def headings_of(text: str) -> tuple[Heading, ...]:
    """The headings of a Markdown document, of all levels, with the lines of their code blocks."""
    found: list[tuple[str, int, int, list[str], list[str]]] = []
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced and found and line.strip():
            _, _, _, commands, remarks = found[-1]
            (remarks if line.strip().startswith(("#", "--")) else commands).append(line.strip())
        elif not fenced and (heading := _HEADING.match(line)):
            title = _DECORATION.sub("", heading["title"])
            found.append((title, len(heading["level"]), number, [], []))
    return tuple(
        Heading(title, level, line, tuple(commands), tuple(remarks)) for title, level, line, commands, remarks in found
    )


def parse_coverage(text: str, path: str) -> tuple[tuple[HeadingRow, ...], frozenset[str]]:
    """The rows of the mapping, and the pending pages. Raises PageError for a row that is not as it should be."""
    document = read_document(text, path)
    return tuple(_heading_row(entry) for entry in document.entries("headings")), frozenset(document.texts("pending"))


def _heading_row(entry: Entry) -> HeadingRow:
    return HeadingRow(
        heading=entry.text("heading"),
        pages=entry.texts("pages"),
        scenarios=entry.texts("scenarios"),
        commands=tuple(
            CommandRow(row.text("was"), row.texts("runs"), row.text("why", default=""), row.position)
            for row in entry.entries("commands")
        ),
        position=entry.position,
    )


# ── the check ────────────────────────────────────────────────────────────────────────────────────


def coverage_problems(project: Project, coverage: Coverage) -> Iterator[SourceError]:
    """Every heading or command of the document without a row, and every row that leads nowhere."""
    headings, rows = coverage.headings, coverage.rows
    by_title: dict[str, HeadingRow] = {}
    titles = [heading.title for heading in headings]
    for row in rows:
        if row.heading not in titles:
            hint = suggestion(row.heading, titles)
            yield PageError(row.position, f"the document has no heading “{row.heading}”{hint}")
        elif row.heading in by_title:
            yield PageError(row.position, f"“{row.heading}” has two rows")
        by_title.setdefault(row.heading, row)
    for heading in headings:
        at = Position(DOCUMENT, heading.line)
        if heading.title not in by_title:
            yield PageError(at, f"the heading “{heading.title}” has no row in {COVERAGE}")
            continue
        yield from _commands(heading, by_title[heading.title])
    for row in rows:
        yield from _references(project, row, coverage.pending)


def _commands(heading: Heading, row: HeadingRow) -> Iterator[PageError]:
    covered = [line for command in row.commands for line in command.lines]
    for line in heading.commands:
        if line not in covered:
            at = Position(DOCUMENT, heading.line)
            yield PageError(at, f"the command “{line}” of “{heading.title}” has no row in {COVERAGE}")
    known = {*heading.commands, *heading.remarks}
    for command in row.commands:
        for line in command.lines:
            if line not in known:
                yield PageError(command.position, f"“{heading.title}” holds no line “{line}”")


def _references(project: Project, row: HeadingRow, pending: frozenset[str]) -> Iterator[PageError]:
    if not row.pages:
        yield PageError(row.position, f"“{row.heading}” needs `pages:`, where it is told now")
    for reference in (*row.pages, *row.scenarios):
        if problem := reference_problem(project, reference, pending):
            yield PageError(row.position, f"“{row.heading}”: {problem}")
    for command in row.commands:
        if not command.runs and not command.why:
            yield PageError(command.position, f"“{command.lines[0]}” needs `runs:`, or `why:` nothing runs it any more")
        for reference in command.runs:
            if "::" not in reference:
                yield PageError(
                    command.position, f"“{command.lines[0]}”: `runs` names scenarios, {reference} is a page"
                )
            elif problem := reference_problem(project, reference, pending):
                yield PageError(command.position, f"“{command.lines[0]}”: {problem}")


# ── the page ─────────────────────────────────────────────────────────────────────────────────────

_HEAD = """\
---
kind: page
title: What became of version 1.0
render_macros: false
---

<!-- Made by `runbooks coverage --write` from docs/data/coverage.yml: change that, not this. -->

# What became of version 1.0

Every heading of version 1.0, and every command it held, with the page and the scenario that took its place.
The commands on the left are **obsolete**: they are here to be found, not to be run. Follow the links.

"""


def coverage_page(project: Project, coverage: Coverage) -> str:
    """The Markdown of the page: what is pending, a table of headings, then one of commands."""
    by_title = {row.heading: row for row in coverage.rows}
    pairs = [(heading, by_title[heading.title]) for heading in coverage.headings if heading.title in by_title]
    commands = [(heading, command) for heading, row in pairs for command in row.commands]
    missing = ", ".join(f"`{stem}`" for stem in sorted(coverage.pending) if project.page(stem) is None)
    lines = [f"**Not written yet:** {missing}.", ""] if missing else []
    lines += [
        "## Headings",
        "",
        f"{len(pairs)} headings.",
        "",
        "| Version 1.0 | Page | Scenarios |",
        "| --- | --- | --- |",
    ]
    for heading, row in pairs:
        name = f"{'– ' * max(0, heading.level - 2)}{markdown_text(heading.title)}"
        lines.append(f"| {name} | {_links(project, row.pages)} | {_links(project, _scenarios(row)) or '–'} |")
    lines += ["", "## Commands", "", f"{len(commands)} commands and asked-for actions.", ""]
    section = ""
    for heading, command in commands:
        if heading.title != section:
            section = heading.title
            lines += ["", f"### {markdown_text(section)}", ""]
            lines += ["| Obsolete | Runs now in | Why it changed |", "| --- | --- | --- |"]
        was = "<br>".join(f"<code>{markdown_text(line)}</code>" for line in command.lines)
        runs = _links(project, command.runs) or "nowhere"
        lines.append(f"| {was} | {runs} | {markdown_text(command.why) or '–'} |")
    return _HEAD + "\n".join(lines) + "\n"


def _links(project: Project, references: Sequence[str]) -> str:
    return "<br>".join(reference_link(project, reference, COVERAGE_PAGE) for reference in references)


def _scenarios(row: HeadingRow) -> tuple[str, ...]:
    """Those the row names, then those its commands run in, each once."""
    named = (*row.scenarios, *(reference for command in row.commands for reference in command.runs))
    return tuple(dict.fromkeys(reference for reference in named if not reference.startswith("tests/")))
