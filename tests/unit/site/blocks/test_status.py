"""The strip at the head of a page, and the lists: how proven, since when, and why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from runbook_steps.engine.model import (
    FrontMatter,
    Outcome,
    Procedure,
    ScenarioRecord,
)
from runbook_steps.engine.site.blocks.status import runbook_list, status_strip, symptom_list
from runbook_steps.engine.sources.people_and_levels import Contact, Severity
from tests.house import HOUSE_ORDER
from tests.unit.site.blocks.recorded import (
    FEATURE,
    PATH,
    evidence,
    markdown,
    record,
    runbook,
    step_record,
    text_of,
)

FRONT = FrontMatter(
    title="Redis is full",
    owner="DevOps Lead",
    severity="HIGH",
    alerts=("RedisMemoryHigh",),
    services=("redis",),
    reviewed="2025-07-16",
    review_every_days=90,
    expected_minutes=15,
    id="redis-full",
    symptoms=("OOM | no",),
)

BOOK = replace(runbook(), page_path="docs/redis/full.md", front_matter=FRONT)

SEVERITIES = {"HIGH": Severity("HIGH", "some", "15 minutes", "Engineering Lead", ("Engineering Lead",))}

CONTACTS = {"DevOps Lead": Contact("DevOps Lead", "[Name]", "-", "-", "-")}


def strip(*records: ScenarioRecord) -> str:
    """The strip's text."""
    return text_of(status_strip(BOOK, evidence(*records) if records else (), SEVERITIES, CONTACTS, ("aws",)))


def test_the_strip_tells_proof_time_commit_and_what_is_emulated() -> None:
    """Times are those of the site's zone."""
    page = strip(record(BOOK.procedures[0]))

    assert "Proven on embedded · 2026-11-23 15:00 (UTC) · commit abc1234 · 12 sEmulated: aws" in page


def test_the_strip_names_only_what_this_page_used() -> None:
    """A part that is started for it and a command that it calls, not what other pages used."""
    done = record(BOOK.procedures[0], emulated={"aws": "moto", "kubernetes": "ours", "systemctl": "ours", "ls": "ours"})
    called = BOOK.procedures[0].commands[0].text.split()[0]
    done = replace(done, emulated={**done.emulated, called: "ours"})

    assert f"Emulated: {', '.join(sorted(['aws', called]))}" in strip(done).replace("\n", " ")


def test_the_strip_tells_risk_time_owner_escalation_and_review() -> None:
    """The highest risk, and that a review is only a claim."""
    page = strip()

    for part in (
        "▲ Destructive",
        "about 15 min",
        "DevOps Lead",
        "HIGH, response: 15 minutes",
        "Engineering Lead",
        "2025-07-16, a person’s claim",
        "Never proven",
    ):
        assert part in page


def test_a_proof_of_uncommitted_work_says_so() -> None:
    """Nobody else can run what was not committed."""
    assert "commit abc1234 + uncommitted changes" in strip(record(BOOK.procedures[0], dirty=True))


def failed(procedure: Procedure) -> ScenarioRecord:
    """A run that failed at its last step."""
    *before, last = (step_record(step) for step in procedure.steps)
    steps = (*before, replace(last, outcome=Outcome.FAILED, error="it rose\nby much"))
    return record(procedure, outcome=Outcome.FAILED, steps=steps)


@pytest.mark.parametrize(
    ("make", "tone", "expected"),
    [
        (failed, "rb-bad", "“Memory is free” failed at “Then it falls”: it rose"),
        (
            lambda p: record(p, outcome=Outcome.TIMED_OUT, reason="2 min"),
            "rb-bad",
            "“Memory is free” timed out: 2 min",
        ),
        (lambda p: record(p, outcome=Outcome.INTERRUPTED), "rb-bad", "“Memory is free” interrupted"),
        (
            lambda p: record(p, outcome=Outcome.NOT_RUNNABLE, reason="jq not found"),
            "rb-partly",
            "“Memory is free” not runnable here: jq not found",
        ),
        (
            lambda p: record(p, outcome=Outcome.STALE, reason="changed"),
            "rb-partly",
            "“Memory is free” stale: changed",
        ),
    ],
)
def test_the_strip_says_why_it_is_not_proven(
    make: Callable[[Procedure], ScenarioRecord], tone: str, expected: str
) -> None:
    """Red for a failure, with scenario and step; amber for what could not be proven."""
    records = evidence(make(BOOK.procedures[0]))

    page = status_strip(BOOK, records, SEVERITIES, CONTACTS)

    assert f"rb-verdict {tone}" in page
    assert expected in text_of(page)
    assert "Proven on embedded" not in page


def test_a_page_is_as_proven_as_its_weakest_scenario() -> None:
    """One of two: partly, the oldest time, the missing one named."""
    second = (
        FEATURE
        + "\n  @risk_readonly\n  Scenario: Other\n    When I go:\n"
        + ('      """bash\n      true\n      """\n    Then it went\n')
    )
    book = replace(runbook(second), page_path="docs/redis/full.md", front_matter=FRONT)

    page = text_of(status_strip(book, evidence(record(book.procedures[0])), SEVERITIES, CONTACTS, ("aws",)))

    assert "Partly proven on embedded · 1 of 2 scenarios" in page
    assert "“Other” never proven" in page


def test_an_outline_is_proven_when_every_row_is() -> None:
    """A row that is gone does not count; a row that is missing does."""
    feature = (
        FEATURE.replace("Scenario:", "Scenario Outline:")
        + "    And <k> is read\n\n    Examples:\n      | k |\n      | a |\n      | b |\n"
    )
    book = replace(runbook(feature), front_matter=FRONT)
    rows = [record(book.procedures[0], id=f"{PATH}::Memory is free[{row}]") for row in "ab"]
    gone = replace(rows[0], id=f"{PATH}::Memory is free[z]", outcome=Outcome.STALE)

    whole = text_of(status_strip(book, evidence(*rows, gone), SEVERITIES, CONTACTS, ("aws",)))
    part = text_of(status_strip(book, evidence(rows[0]), SEVERITIES, CONTACTS, ("aws",)))

    assert "Proven on embedded" in whole
    assert "never proven for 1 of its examples" in part


def test_a_checklist_for_a_person_is_not_proven_by_a_machine() -> None:
    """Whatever the record says."""
    manual = "Feature: F\n  @risk_readonly @manual\n  Scenario: S\n    When a person looks\n    Then it fell\n"
    book = runbook(manual)

    page = text_of(status_strip(book, evidence(record(book.procedures[0])), SEVERITIES, CONTACTS, ("aws",)))

    assert "Not proven on embedded" in page
    assert "is left to a person, not verified by machine" in page


def test_the_home_page_leads_from_symptom_to_page() -> None:
    """What a person reads on the screen is what the table says."""
    page = markdown(symptom_list([BOOK], (), HOUSE_ORDER), extensions=["tables"])

    assert "<td>OOM | no</td>" in page
    assert '<td><a href="redis/full.md">Redis is full</a></td>' in page
    assert "Never proven" in markdown(runbook_list([BOOK], ()), extensions=["tables"])
