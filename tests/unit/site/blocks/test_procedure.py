"""A procedure and its evidence on the page: in order, byte for byte, and nothing in it comes alive."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown import Markdown

from runbook_steps.engine.model import (
    Command,
    Evidence,
    FrontMatter,
    Outcome,
    Position,
    Procedure,
    Risk,
    Role,
    Runbook,
    ScenarioRecord,
    Step,
    StepRecord,
)
from runbook_steps.engine.site.blocks.procedure import procedure_block
from runbook_steps.engine.site.blocks.status import runbook_list, status_strip, symptom_list
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.people_and_levels import Contact, Severity
from runbook_steps.engine.text.html_text import inert, markdown_text
from runbook_steps.engine.text.terminal import printable
from tests.house import HOUSE_ORDER

PATH = "features/redis/full.feature"
FEATURE = '''\
Feature: Redis is full

  Background:
    Given the shop is open

  @risk_destructive @requires_jq
  Scenario: Memory is free
    Given Redis is full
    When I free memory (within 2 minutes):
      """bash
      redis-cli unlink "$KEY" | jq .
      """
    Then `used_memory` is low
    When a person looks at the chart
    Then it falls
'''
EXTENSIONS = ["tables", "attr_list", "toc", "pymdownx.superfences", "pymdownx.details", "admonition"]
HOSTILE = [
    "{{ 7*7 }} {% raw %}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m \x00",
    "```bash\nrm -rf /\n```",
    "~~~~~\n# no heading\n~~~~~",
    "a\n\n\n## no heading\n\n- no item\n   \nb\tc",
    "[link](javascript:alert(1)) <https://example.com> {: onclick=alert(1) }",
    "</code></pre></details></div><script>x</script>",
    "&lt;script&gt; &amp; &#96;",
    "\u202egnp.exe\u2028",
]


def runbook(feature: str = FEATURE) -> Runbook:
    """The runbook of a feature's text."""
    return parse_feature(feature, PATH)


def step_record(step: Step, outcome: Outcome = Outcome.PASSED, stdout: str = "OK\n") -> StepRecord:
    """What a run would have written of a step."""
    return StepRecord(
        role=step.role,
        keyword=step.keyword,
        text=step.text,
        line=step.position.line,
        outcome=outcome,
        duration_s=0.4,
        command=step.command.text if step.command else None,
        exit_code=0 if step.command else None,
        stdout=stdout if step.command else "",
    )


def record(procedure: Procedure, **changes: object) -> ScenarioRecord:
    """What a run would have written of a scenario."""
    base = ScenarioRecord(
        id=f"{PATH}::{procedure.name}",
        feature=PATH,
        scenario=procedure.name,
        risk=procedure.risk,
        outcome=Outcome.PASSED,
        started="2026-11-23T15:00:00.000Z",
        duration_s=12.3,
        commit="abc1234def",
        dirty=False,
        target="embedded",
        emulated={"aws": "moto"},
        tools={},
        steps=tuple(step_record(step) for step in procedure.steps),
        text_hash=procedure.text_hash,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def evidence(*records: ScenarioRecord, target: str = "embedded") -> tuple[Evidence, ...]:
    """One target's evidence."""
    return (Evidence(target, "2026-11-23T15:01:00Z", {each.id: each for each in records}),)


def block(feature: str = FEATURE, *records: ScenarioRecord) -> str:
    """The first procedure as it stands on the page, in HTML."""
    book = runbook(feature)
    return markdown(
        procedure_block(book.procedures[0], PATH, evidence(*records) if records else ()),
        extensions=EXTENSIONS,
    )


def text_of(page: str) -> str:
    """What a browser shows of HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def order(page: str, *parts: str) -> bool:
    """Whether the parts stand on the page in that order."""
    places = [page.index(part) for part in parts]
    return places == sorted(places)


def test_a_procedure_reads_in_the_order_a_person_works() -> None:
    """Risk, situation, warning, command, check, the next step, its check."""
    assert order(
        text_of(block()),
        "Memory is free",
        "Destructive",
        "Redis is full",
        "the shop is open".capitalize(),
        "These commands can lose data",
        "Free memory",
        'redis-cli unlink "$KEY" | jq .',
        "used_memory is low",
        "A person looks at the chart",
        "It falls",
    )


def test_the_heading_has_an_anchor() -> None:
    """Other pages and alerts link to a procedure."""
    assert '<h3 id="memory-is-free">Memory is free</h3>' in block()


def test_a_limit_and_a_needed_tool_are_told_before_the_command() -> None:
    """Nobody wonders whether two minutes are too long."""
    assert order(text_of(block()), "needs jq", "within 2 min", "redis-cli")


def test_a_read_only_procedure_warns_of_nothing() -> None:
    """A warning that always stands is never read."""
    assert "rb-warning" not in block(FEATURE.replace("risk_destructive", "risk_readonly"))


def test_a_manual_step_is_a_checkbox_that_no_machine_verified() -> None:
    """It is never shown as passed."""
    page = block()

    assert 1 == page.count('<input type="checkbox">')
    assert "not verified by machine" in page


def test_without_evidence_a_procedure_is_never_proven() -> None:
    """Nothing is claimed."""
    page = block()

    assert "never proven" in page
    assert "Recorded output" not in page


def test_recorded_output_stands_folded_right_below_its_command() -> None:
    """A person compares with what they see."""
    page = block(FEATURE, record(runbook().procedures[0]))

    assert "<details" in page
    assert not re.search(r"<details[^>]* open", page)
    assert order(
        text_of(page),
        "passed on embedded · 2026-11-23 15:00 (UTC) · 12 s",
        "redis-cli",
        "exit code 0",
        "OK",
    )


def test_a_failed_step_is_marked_with_its_error_and_the_rest_not_reached() -> None:
    """In words, not by colour alone."""
    procedure = runbook().procedures[0]
    steps = tuple(
        replace(step_record(step, Outcome.FAILED), error="“free memory” ended with exit code 1")
        if step.command
        else step_record(step, Outcome.NOT_REACHED if step.role is Role.THEN else Outcome.PASSED)
        for step in procedure.steps
    )

    page = text_of(block(FEATURE, record(procedure, outcome=Outcome.FAILED, steps=steps)))

    assert order(page, "✗ failed", "The last run failed here.", "ended with exit code 1", "not reached")


def test_a_proof_of_another_text_shows_no_output() -> None:
    """Output of a command that is no longer on the page would mislead."""
    stale = record(runbook().procedures[0], outcome=Outcome.STALE, reason="the scenario has changed")

    page = block(FEATURE, stale)

    assert "stale" in page
    assert "Recorded output" not in page


def test_output_of_a_command_that_was_edited_is_left_out() -> None:
    """Also when the run had failed and was not stale."""
    old = record(runbook().procedures[0], outcome=Outcome.FAILED)

    assert "Recorded output" not in block(FEATURE.replace("unlink", "del"), old)


def test_long_output_is_cut_in_the_middle() -> None:
    """The start and the end say most; the evidence holds the rest."""
    procedure = runbook().procedures[0]
    long = "".join(f"line {number}\n" for number in range(500))
    steps = tuple(step_record(step, stdout=long) for step in procedure.steps)

    page = text_of(block(FEATURE, record(procedure, steps=steps)))

    assert order(page, "line 0", "… 440 lines left out …", "line 499")
    assert "line 250" not in page


def test_an_outline_shows_its_examples() -> None:
    """The command is that of the first row, and angle brackets stay text."""
    feature = FEATURE.replace("Scenario:", "Scenario Outline:").replace('"$KEY"', "<key>")
    page = block(feature + "\n    Examples:\n      | key |\n      | a<b |\n")

    assert "unlink a<b" in text_of(page)
    assert "<key>" not in text_of(page)
    assert "<td>a&lt;b</td>" in page


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_output_stays_text(hostile: str) -> None:
    """A recorded output can neither run, nor be rendered, nor leave its place."""
    procedure = runbook().procedures[0]
    steps = tuple(step_record(step, stdout=hostile) for step in procedure.steps)
    calm = block(FEATURE, record(procedure))

    page = block(FEATURE, record(procedure, steps=steps))

    assert tags(calm) == tags(page)
    assert printable(hostile.rstrip("\n")) in text_of(page)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", page)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_step_names_and_commands_stay_text(hostile: str) -> None:
    """Whatever a feature holds."""
    command = Command(hostile, "bash", hostile, Position(PATH, 1), 30.0)
    steps = tuple(Step(role, "x", hostile, Position(PATH, 1), command if role is Role.WHEN else None) for role in Role)
    procedure = Procedure(hostile, hostile, Risk.READONLY, frozenset(), steps, Position(PATH, 1))

    page = markdown(procedure_block(procedure, PATH, ()), extensions=EXTENSIONS)

    assert not re.search(r"<(script|img|a|h2)\b|49", page)
    assert 1 == page.count("<h3")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_any_command_is_copied_and_shown_byte_for_byte(text: str) -> None:
    """What the copy button copies and what stands in the block is what ran."""
    command = Command(text, "bash", "go", Position(PATH, 1), 30.0)
    step = Step(Role.WHEN, "When", "I go:", Position(PATH, 1), command)
    procedure = Procedure("P", "", Risk.READONLY, frozenset(), (step,), Position(PATH, 1))

    page = markdown(procedure_block(procedure, PATH, ()), extensions=EXTENSIONS)

    copied = re.search(r'data-copy="([^"]*)"', page)
    assert copied is not None
    assert printable(text) == html.unescape(copied[1])


def test_the_text_of_a_highlighted_command_is_the_command() -> None:
    """Tabs, trailing blanks and blank lines included."""
    text = "a \\\n\t--b 'x`y~z'\n   \n\n  {c} # d"
    command = Command(text, "bash", "go", Position(PATH, 1), 30.0)
    step = Step(Role.WHEN, "When", "I go:", Position(PATH, 1), command)
    procedure = Procedure("P", "", Risk.READONLY, frozenset(), (step,), Position(PATH, 1))

    page = markdown(procedure_block(procedure, PATH, ()), extensions=EXTENSIONS)

    shown = re.search(r"<code>(.*?)</code></pre>", page, re.DOTALL)
    assert shown is not None
    assert text == text_of(shown[1])


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_inert_text_holds_nothing_that_starts_markup(text: str) -> None:
    """No tag, fence, macro or attribute list can begin in it."""
    assert not re.search(r"[<>`~{}\t\"']", inert(text))


@pytest.mark.parametrize("name", ["a | b", "*a* _b_ `c`", "[x](y) <b> & {: #z }", "# 1. a", "FATAL: x ^ = ~"])
def test_markdown_text_is_shown_as_it_is(name: str) -> None:
    """In a heading and in a table."""
    assert name == text_of(markdown(f"### {markdown_text(name)}", extensions=["attr_list", "tables"]))
    assert name in text_of(markdown(f"| a |\n| - |\n| {markdown_text(name)} |", extensions=["tables"]))


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
    return text_of(status_strip(BOOK, evidence(*records) if records else (), SEVERITIES, CONTACTS))


def test_the_strip_tells_proof_time_commit_and_what_is_emulated() -> None:
    """Times are those of the site's zone."""
    page = strip(record(BOOK.procedures[0]))

    assert "Proven on embedded · 2026-11-23 15:00 (UTC) · commit abc1234 · 12 sEmulated: aws" in page


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

    page = text_of(status_strip(book, evidence(record(book.procedures[0])), SEVERITIES, CONTACTS))

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

    whole = text_of(status_strip(book, evidence(*rows, gone), SEVERITIES, CONTACTS))
    part = text_of(status_strip(book, evidence(rows[0]), SEVERITIES, CONTACTS))

    assert "Proven on embedded" in whole
    assert "never proven for 1 of its examples" in part


def test_a_checklist_for_a_person_is_not_proven_by_a_machine() -> None:
    """Whatever the record says."""
    manual = "Feature: F\n  @risk_readonly @manual\n  Scenario: S\n    When a person looks\n    Then it fell\n"
    book = runbook(manual)

    page = text_of(status_strip(book, evidence(record(book.procedures[0])), SEVERITIES, CONTACTS))

    assert "Not proven on embedded" in page
    assert "is left to a person, not verified by machine" in page


def test_the_home_page_leads_from_symptom_to_page() -> None:
    """What a person reads on the screen is what the table says."""
    page = markdown(symptom_list([BOOK], (), HOUSE_ORDER), extensions=["tables"])

    assert "<td>OOM | no</td>" in page
    assert '<td><a href="redis/full.md">Redis is full</a></td>' in page
    assert "Never proven" in markdown(runbook_list([BOOK], ()), extensions=["tables"])


def markdown(text: str, extensions: list[str]) -> str:
    """HTML as the site builder makes it."""
    return str(Markdown(extensions=extensions).convert(text))


def tags(page: str) -> list[str]:
    """The tags of a page, in order."""
    return re.findall(r"</?\w+", page)


def test_a_counter_example_has_nothing_to_copy() -> None:
    """The command is there to read, and the block says that it is not to be run."""
    shown = block(FEATURE.replace("@risk_destructive", "@risk_destructive @counter_example"))
    assert "data-copy" not in shown
    assert "Not this." in shown
    assert "data-copy" in block()
