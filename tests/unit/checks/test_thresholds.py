"""A number on a page that is not the one of the alert."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.checks.thresholds import threshold_drift
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.sources.alerts_file import ALERTS, parse_alerts
from runbook_steps.engine.sources.page_file import parse_page

ROOT = Path(__file__).parents[3]
TEXT = """\
alerts:
  - {alert: MemoryHigh, means: m, severity: HIGH, runbook: memory, called: [memory], above: 85, also: [95],
     unit: "%", source: s, rings_from: x}
  - {alert: RedisMemoryHigh, means: m, severity: HIGH, runbook: redis, called: [redis memory], above: 75,
     unit: "%", source: s, rings_from: x}
  - {alert: DiskFull, means: m, severity: HIGH, runbook: disk, called: [disk], at_least: 90, unit: "%",
     source: s, rings_from: x}
  - {alert: Late, means: m, severity: HIGH, runbook: late, called: [lag], above: 60, unit: s, source: s, rings_from: x}
"""


def said(line: str) -> list[str]:
    """What is told of a page with that line."""
    page = parse_page(f"# T\n\n## Diagnosis\n\n{line}\n", "docs/a/b.md")
    project = Project(root=ROOT, pages=(page,), alerts=parse_alerts(TEXT, ALERTS))
    return [str(problem) for problem in threshold_drift(project)]


@pytest.mark.parametrize(
    "line",
    [
        "memory above 85 %, disk above 90 %",
        "Roll back only with memory below 95 %.",
        "Redis memory above 75 %; it rings.",
        "a disk that is 90 % full or more",
        "memory above 70 MB, and nothing above 70 %.",
        "CPU above 50 %",
        "a lag above 10 seconds is another unit in this file",
        '{{ procedure("memory above 20 %") }}',
        "<!-- memory above 20 % -->",
        "```text\nmemory above 20 %\n```",
        '## Background\n\n??? note "x"\n    Once it was memory above 20 %.',
    ],
)
def test_what_agrees_or_speaks_of_something_else_is_not_told(line: str) -> None:
    """Limits of the data file, other readings, what ran, what is past."""
    assert [] == said(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- Memory above 80 %.", "says 80 %, MemoryHigh rings above 85 % (docs/data/alerts.yml:2)"),
        ("| x | redis memory over 70 % |", "says 70 %, RedisMemoryHigh rings above 75 % (docs/data/alerts.yml:4)"),
        (
            "The alert DiskFull rings: more than 95 %",
            "says 95 %, DiskFull rings at least 90 % (docs/data/alerts.yml:6)",
        ),
        ("a disk that is 80 % full or more", "says 80 %, DiskFull rings at least 90 % (docs/data/alerts.yml:6)"),
        ("lag below 30 s again", "says 30 s, Late rings above 60 s (docs/data/alerts.yml:8)"),
    ],
)
def test_another_number_is_told_with_file_and_line(line: str, expected: str) -> None:
    """And where the right one stands; the alert with the nearest words."""
    assert [f"docs/a/b.md:5: {expected}"] == said(line)


def test_the_pages_of_this_project_say_what_its_alerts_say() -> None:
    """Every one of them."""
    assert [] == [str(problem) for problem in threshold_drift(load_project(ROOT))]
