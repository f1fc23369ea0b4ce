"""What leads to a runbook: ids, former ids and alerts that lead to nobody, or to two."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runbook_steps.engine.checks.references import alert_problems, identity_problems
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.site.build.short_addresses import ShortLink, short_links
from runbook_steps.engine.sources.alerts_file import ALERTS, parse_alerts
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.page_file import parse_page
from tests.unit.sources.test_alerts_file import TEXT

HEAD = """\
---
kind: runbook
title: {title}
{more}owner: DevOps Lead
severity: HIGH
alerts: [{alerts}]
services: [redis]
symptoms: []
reviewed: ""
review_every: 90d
expected_minutes: 10
---

# {title}
"""


def page(title: str, more: str = "", alerts: str = "") -> str:
    """The head of a page; `more` are other lines of it."""
    return HEAD.format(title=title, more=more, alerts=alerts)


def project_of(pages: dict[str, str], alerts: str = "") -> Project:
    """A project of pages, path → text."""
    return Project(
        root=Path(),
        pages=tuple(parse_page(text, path) for path, text in pages.items()),
        alerts=parse_alerts(alerts, ALERTS) if alerts else {},
    )


def said(project: Project) -> list[str]:
    """What both checks say."""
    return [str(problem) for problem in (*identity_problems(project), *alert_problems(project))]


def test_an_id_is_the_name_of_the_page_when_none_is_given() -> None:
    """So two pages of one name in two domains must say which is which: both are named, with their lines."""
    pages = {"docs/database/daily-check.md": page("A"), "docs/health/daily-check.md": page("B")}

    assert ["docs/health/daily-check.md:1: id “daily-check” is taken by docs/database/daily-check.md:1"] == said(
        project_of(pages)
    )


def test_an_id_stands_for_one_page_also_after_it_was_given_up() -> None:
    """Whoever has it now keeps it; the page that had it is told."""
    pages = {
        "docs/a/one.md": page("A", "id: first\nformer_ids: [second, third]\n"),
        "docs/a/two.md": page("B", "id: second\nformer_ids: [third]\n"),
    }

    assert [
        "docs/a/one.md:5: id “second” is taken by docs/a/two.md:4",
        "docs/a/two.md:5: id “third” is taken by docs/a/one.md:5",
    ] == said(project_of(pages))


def test_the_short_addresses_of_a_runbook() -> None:
    """One for the id it has, one for each it had."""
    text = page("One", "former_ids: [nought]\n")
    front, problems = parse_page(text, "docs/a/one.md").front_matter()
    runbook = parse_feature("Feature: x\n", "features/a/one.feature")
    bound = replace(runbook, page_path="docs/a/one.md", front_matter=front)

    assert () == problems
    assert [ShortLink("one", "a/one", "One"), ShortLink("nought", "a/one", "One")] == list(short_links([bound]))


def test_alerts_and_pages_that_know_each_other_are_fine() -> None:
    """The ground that the next test stands on."""
    assert [] == said(project_of({"docs/a/cache-full.md": page("A", alerts="CacheFull")}, TEXT))


@pytest.mark.parametrize(
    ("alerts", "old", "new", "expected"),
    [
        (
            "CacheFull, CacheFul",
            "",
            "",
            "docs/a/cache-full.md:6: the alert CacheFul is not in {}; did you mean “CacheFull”?",
        ),
        ("", "", "", "docs/a/cache-full.md:6: CacheFull leads here ({}:3), but `alerts` lacks it"),
        (
            "CacheFull",
            "runbook: cache-full",
            "runbook: cache-ful",
            "{}:3: CacheFull leads to “cache-ful”, which is no runbook; did you mean “cache-full”?",
        ),
    ],
)
def test_an_alert_and_a_page_that_miss_each_other(alerts: str, old: str, new: str, expected: str) -> None:
    """One line, with the file and line to change."""
    pages = {"docs/a/cache-full.md": page("A", alerts=alerts)}

    assert [expected.format(ALERTS)] == said(project_of(pages, TEXT.replace(old, new)))
