"""The findings of the audit: each is held by something, or open with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.project.project import load_project
from runbook_steps.version_1.audit import audit_problems, audit_table, load_audit, parse_audit

ROOT = Path(__file__).parents[3]
MENDED = """\
findings:
  - id: H1
    kind: would harm
    found: "`rm -rf /`"
    now: gone
    red: [tests/unit/version_1/test_audit.py::test_every_finding_here_is_held_or_open]
"""


def test_every_finding_here_is_held_or_open() -> None:
    """What would have been red is there, under that name."""
    project = load_project(ROOT)
    rows = load_audit(ROOT)
    assert [str(problem) for problem in audit_problems(project, rows)] == []
    assert {row.id for row in rows} >= {f"H{number}" for number in range(1, 22)}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("::test_every_finding_here_is_held_or_open", "::test_nothing", "there is no test"),
        ("    now: gone\n", "", "H1 needs `now:` and `red:`, or `open:`"),
        ("    now: gone\n", "    now: gone\n    open: later\n", "H1 is either mended"),
    ],
)
def test_a_finding_that_nothing_holds_is_told(old: str, new: str, said: str) -> None:
    """With the finding's own name."""
    rows = parse_audit(MENDED.replace(old, new), "docs/data/audit/x.yml")
    (problem,) = audit_problems(load_project(ROOT), rows)
    assert said in str(problem)


def test_the_page_counts_and_shows_every_finding() -> None:
    """Code as code, an open one with its reason."""
    rows = parse_audit(MENDED + "  - {id: H2, kind: wrong, found: b, open: not yet}\n", "docs/data/audit/two-words.yml")
    table = audit_table(load_project(ROOT), rows, "docs/about/audit-findings.md")
    assert table.startswith("2 findings: 1 mended, 1 open.")
    assert "## Two words" in table
    assert "*Open:* not yet" in table
    assert "<code>rm \\-rf /</code>" in table
