"""Nothing of version 1.0 is lost: each way to lose something is told, with its name."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runbook_steps.engine.errors import PageError
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_file import parse_page
from runbook_steps.version_1.coverage import (
    Coverage,
    coverage_page,
    coverage_problems,
    headings_of,
    load_coverage,
    parse_coverage,
)

ROOT = Path(__file__).parents[3]
MAIL = re.compile(r"[\w.]+@[\w.]+")
DOCUMENT = """\
# Runbooks

## 🗄️ Database

#### Back up
1. **First**
   ```bash
   # Make a backup

   backup now | tee log
   verify
   ```
"""
ROWS = """\
headings:
  - heading: Runbooks
    pages: [database/backup]
  - heading: Database
    pages: [database/backup]
  - heading: Back up
    pages: [database/backup]
    commands:
      - was: backup now | tee log
        runs: ["database/backup::It is made"]
      - was: verify
        why: the backup verifies itself
"""
FEATURE = '''\
Feature: Backup
  @risk_mutating
  Scenario: It is made
    When I make it:
      """bash
      backup
      """
    Then it is there
'''


def project() -> Project:
    """One runbook."""
    return Project(
        root=ROOT,
        runbooks=(parse_feature(FEATURE, "features/database/backup.feature"),),
        pages=(parse_page("# Backup", "docs/database/backup.md"),),
    )


def coverage(rows: str = ROWS, document: str = DOCUMENT) -> Coverage:
    """The document and what is said about it."""
    return Coverage(headings_of(document), *parse_coverage(rows, "c.yml"))


def problems(rows: str, document: str = DOCUMENT) -> list[str]:
    """What the check says."""
    return [str(problem) for problem in coverage_problems(project(), coverage(rows, document))]


def test_headings_of_all_levels_are_read_with_their_commands() -> None:
    """Pictograms, comments and blank lines are left out; a comment is not a heading."""
    headings = headings_of(DOCUMENT)

    assert [("Runbooks", 1), ("Database", 2), ("Back up", 4)] == [(h.title, h.level) for h in headings]
    assert ("backup now | tee log", "verify") == headings[2].commands
    assert ("# Make a backup",) == headings[2].remarks


def test_what_is_covered_is_not_told() -> None:
    """Every heading and every command has a row."""
    assert [] == problems(ROWS)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("heading: Database", "heading: Databases", "the heading “Database” has no row"),
        ("heading: Database", "heading: Databases", "no heading “Databases”; did you mean “Database”?"),
        ("was: verify", "was: verify all", "the command “verify” of “Back up” has no row"),
        ("was: verify", "was: verify all", "c.yml:11: “Back up” holds no line “verify all”"),
        ("::It is made", "::It was made", "no scenario “It was made” in features/database/backup.feature; did you"),
        ("database/backup::It", "database/restore::It", "there is no feature features/database/restore.feature"),
        ("pages: [database/backup]\n  - heading: Data", "pages: [x]\n  - heading: Data", "there is no page docs/x.md"),
        ("why: the backup verifies itself", 'why: ""', "“verify” needs `runs:`, or `why:`"),
        ("heading: Database", "heading: Runbooks", "“Runbooks” has two rows"),
    ],
)
def test_what_is_lost_is_told(old: str, new: str, expected: str) -> None:
    """By heading, command, page and scenario."""
    assert old in ROWS
    assert any(expected in said for said in problems(ROWS.replace(old, new)))


def test_a_page_that_is_pending_may_be_named_and_is_told_on_the_page() -> None:
    """Until it is written; then its scenarios must be there."""
    later = ROWS.replace("database/backup::It is made", "database/later::It is made")
    pending = f"pending: [database/later]\n{later}"

    assert "there is no feature features/database/later.feature" in problems(later)[0]
    assert [] == problems(pending)
    assert "**Not written yet:** `database/later`." in coverage_page(project(), coverage(pending))


def test_a_row_that_is_no_row_is_told_with_its_line() -> None:
    """A broken file is refused whole."""
    with pytest.raises(PageError, match=r"c.yml:2: needs `heading:`, in words"):
        parse_coverage("headings:\n  - pages: []\n", "c.yml")


def test_the_page_links_scenarios_and_keeps_commands_inert() -> None:
    """A link a scenario; a bar in a command does not split the table."""
    page = coverage_page(project(), coverage())

    assert "[It is made](../database/backup.md#it-is-made)" in page
    assert "| <code>backup now \\| tee log</code> | [It is made]" in page
    assert "### Back up" in page
    assert "| <code>verify</code> | nowhere | the backup verifies itself |" in page


def test_the_document_of_version_1_is_whole() -> None:
    """73 headings and 117 lines to run, as it was published."""
    headings = load_coverage(ROOT).headings

    assert (73, 117) == (len(headings), sum(len(heading.commands) for heading in headings))


def test_every_address_of_version_1_is_still_there() -> None:
    """Contacts, vendors and links come from the data files; an API's own address is in a command."""
    found = load_project(ROOT)
    kept = {link.url for link in found.links.values()}
    kept |= {word for v in found.vendors.values() for word in (v.contact, v.support)}
    kept |= {contact.email for contact in found.contacts.values()}
    words = (ROOT / "docs/data/runbooks-1.0.txt").read_text("utf-8").replace("|", " ").split()

    told = {word for word in words if word.startswith("https://")} | {word for word in words if MAIL.fullmatch(word)}
    in_commands = ("https://api.", "https://staging-api.")
    assert set() == {word for word in told if not word.startswith(in_commands)} - kept
