"""The reference pages: made of data files that are refused when they are wrong."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import PageError
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.site.blocks.reference_tables import escalation_table, link_list, team_table, vendor_table
from runbook_steps.engine.site.navigation import navigation
from runbook_steps.engine.sources.page_file import parse_page
from runbook_steps.engine.sources.people_and_levels import (
    Contact,
    Link,
    Severity,
    Vendor,
    parse_links,
    parse_vendors,
    url_problem,
)
from runbook_steps.version_1.corrections import changes_table, correction_problems, mistakes_table, parse_corrections
from tests.house import HOUSE_ORDER

ROOT = Path(__file__).parents[4]
CORRECTIONS = """\
corrections:
  - area: Redis
    was: "`flushall` | always"
    effect: a hole
    shown: tried
    now: unlink
    caught_by: ["tests/unit/site/blocks/test_reference_tables.py::test_a_mistake_needs_something_that_catches_it"]
"""


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://supabase.com/support", ""),
        ("http://supabase.com", "is not https"),
        ("https://user:secret@supabase.com", "holds a user or a password"),
        ("https://localhost/x", "has no host name"),
        ("https://a.com/b c", "holds a blank"),
        ("https://a.com:x/", "Port could not be cast to integer value as 'x'"),
    ],
)
def test_an_external_address_is_well_formed_or_told(url: str, problem: str) -> None:
    """Without asking anyone."""
    assert problem == url_problem(url)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("links:\n  A:\n    group: g\n    url: ftp://a.com\n    use: u\n", "l.yml:2: A: the address is not https"),
        ("links:\n  A:\n    group: g\n    use: u\n", "l.yml:2: A needs `url:`, in words"),
        ("other: 1\n", "l.yml:1: needs a mapping `links:`"),
    ],
)
def test_a_broken_list_of_links_is_refused(text: str, said: str) -> None:
    """With file and line."""
    with pytest.raises(PageError, match=said):
        parse_links(text, "l.yml")


def test_a_vendor_is_read() -> None:
    """Name, contact, support, priority, what it serves."""
    text = "vendors:\n  X:\n    contact: a@x.com\n    support: https://x.com\n    priority: High\n    serves: sms\n"

    assert {"X": Vendor("X", "a@x.com", "https://x.com", "High", "sms")} == parse_vendors(text, "v.yml")


def test_a_number_that_is_filled_in_can_be_called() -> None:
    """A placeholder cannot."""
    people = {
        "CTO": Contact("CTO", "[Name]", "+962 77 XXX XXXX", "cto@x.com", "[Backup]"),
        "Lead": Contact("Lead", "N", "+962 77 123 4567", "lead@x.com", "B"),
    }
    table = team_table(people)

    assert "| **CTO** | \\[Name\\] | \\+962 77 XXX XXXX | [cto@x\\.com](mailto:cto@x.com) | \\[Backup\\] |" in table
    assert "[\\+962 77 123 4567](tel:+962771234567)" in table


def test_a_vendor_without_an_address_is_words() -> None:
    """The console is no mail address."""
    assert "| AWS Support Console |" in vendor_table(
        {"A": Vendor("A", "AWS Support Console", "https://a.com", "C", "s")}
    )


def test_links_are_shown_by_group() -> None:
    """And nothing for a group that has none."""
    links = {"A": Link("A", "Docs", "https://a.com/b/", "reading"), "B": Link("B", "Other", "https://b.com", "x")}

    assert "| **A** | [a\\.com/b](https://a.com/b/) | reading |" in link_list(links, "Docs")
    assert "b.com" not in link_list(links, "Docs")
    assert "" == link_list(links, "None")


def test_a_mistake_needs_something_that_catches_it() -> None:
    """A scenario or a test that exists."""
    rows = parse_corrections(CORRECTIONS, "c.yml")
    gone = parse_corrections(CORRECTIONS.replace("that_catches", "which_catches"), "c.yml")
    nothing = parse_corrections(CORRECTIONS.partition("    caught_by")[0], "c.yml")

    assert [] == list(correction_problems(Project(root=ROOT), rows))
    assert ["c.yml:2: there is no test"] == [str(p)[:25] for p in correction_problems(Project(root=ROOT), gone)]
    assert "needs `caught_by:`" in str(next(correction_problems(Project(root=ROOT), nothing)))


def test_a_mistake_is_a_row_and_its_code_is_code() -> None:
    """A bar does not split the table."""
    table = mistakes_table(Project(root=ROOT), parse_corrections(CORRECTIONS, "c.yml"), "docs/about/x.md")

    assert "## Redis" in table
    assert "| <code>flushall</code> \\| always | a hole | <code>tests/unit/site/blocks/test" in table


def test_what_nothing_holds_yet_was_shown_by_no_run() -> None:
    """A change log does not claim a run that never was."""
    later = CORRECTIONS.partition("    caught_by")[0] + '    caught_by: ["redis/later::It works"]\n'
    project, page = Project(root=ROOT), "docs/about/x.md"

    assert "| tried | unlink |" in changes_table(project, parse_corrections(CORRECTIONS, "c.yml"), page)
    assert "| *not run yet* | unlink |" in changes_table(project, parse_corrections(later, "c.yml"), page)


def test_pages_stand_in_the_order_they_are_followed() -> None:
    """The index, then the order of work, then by title."""
    names = ("rollback", "a-first", "production-deployment", "index", "pre-deployment-checks")
    pages = [parse_page(f"# {name}", f"docs/deployment/{name}.md") for name in names]

    expected = ["index", "pre-deployment-checks", "production-deployment", "rollback", "a-first"]
    assert {"Deployment": [f"deployment/{name}.md" for name in expected]} == navigation(pages, HOUSE_ORDER)[1]


def test_the_drill_of_the_escalation_follows_the_table() -> None:
    """Every severity, in the channel that the data file names."""
    project = load_project(ROOT)
    runbook = project.runbook("emergency/escalation")
    procedure = runbook.procedure("Tell the right people") if runbook else None

    told = {row[0]: row[1] for row in procedure.examples[1:]} if procedure else {}
    assert told == {name: severity.channel for name, severity in project.severities.items()}


def test_a_severity_says_whom_to_tell_and_how_often() -> None:
    """One row a level."""
    bad = Severity("BAD", "all", "Immediate", "CTO", ("CTO",), "#alerts", "every hour")

    assert "| **BAD** | `#alerts` | CTO | Immediate | every hour |" in escalation_table({"BAD": bad})
