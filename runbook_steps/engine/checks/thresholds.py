"""Thresholds in the prose of pages, compared with those of the alerts: the number of the data file is the one. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.sources.alerts_file import ALERTS, Alert
from runbook_steps.engine.sources.page_file import Page

__all__ = ["threshold_drift"]

_PAST = "Background"
_CLAUSES = re.compile(r"[;|]|[.,?](?=\s)|(?<!rings):(?=\s)|<br>")
_COMPARED = r"(?:above|below|over|under|more than|less than|at least|at most)\s+(?P<after>\d+(?:\.\d+)?)\s*"
_OR_MORE = r"(?P<before>\d+(?:\.\d+)?)\s*"


def threshold_drift(project: Project) -> Iterator[PageError]:
    """Every number on a page that is compared with an alert's reading, and that is not one of its limits.

    A line counts when it names the alert, or its reading by a word of `called`, in one clause with the number. What
    Background tells of the past is left out.
    """
    for page in project.pages:
        skipped = set(_left_out(page))
        for number, line in enumerate(page.lines, 1):
            if number not in skipped and "{{" not in line:
                for clause in _CLAUSES.split(line):
                    yield from _different(clause, project.alerts.values(), Position(page.path, number))


def _left_out(page: Page) -> Iterator[int]:
    for fence in page.fences:
        yield from range(fence.position.line, fence.end + 1)
    for section in page.sections:
        if section.title == _PAST:
            yield from range(section.position.line, len(page.lines) + 1)


def _different(clause: str, alerts: Iterable[Alert], position: Position) -> Iterator[PageError]:
    wrong: list[tuple[int, str, Alert]] = []
    for alert in alerts:
        words = max((len(word) for word in (alert.name, *alert.called) if _says(clause, word)), default=0)
        said = _number(clause, alert.unit) if words else None
        if said is None:
            continue
        if float(said) in {alert.threshold, *alert.also}:
            return  # it is the limit of one of the readings that the clause may mean
        wrong.append((words, said, alert))
    if wrong:
        _, said, alert = max(wrong, key=lambda each: each[0])
        message = f"says {said} {alert.unit}, {alert.name} rings {alert.limit} ({ALERTS}:{alert.position.line})"
        yield PageError(position, message)


def _says(clause: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", clause, re.IGNORECASE) is not None


def _number(clause: str, unit: str) -> str | None:
    end = re.escape(unit) + (r"(?!\w)" if unit[-1:].isalnum() else "")
    found = re.search(_COMPARED + end, clause, re.IGNORECASE) or re.search(
        f"{_OR_MORE}{end}(?:\\s+full)?\\s+or (?:more|less)", clause, re.IGNORECASE
    )
    return next(filter(None, found.groups()), None) if found else None
