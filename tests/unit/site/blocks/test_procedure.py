"""A procedure and its evidence on the page: in order, byte for byte, and nothing in it comes alive."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_steps.engine.model import (
    Command,
    Outcome,
    Position,
    Procedure,
    Risk,
    Role,
    ScenarioRecord,
    Step,
)
from runbook_steps.engine.site.blocks.procedure import procedure_block
from runbook_steps.engine.text.html_text import inert, markdown_text
from runbook_steps.engine.text.terminal import printable
from tests.unit.site.blocks.recorded import (
    EXTENSIONS,
    FEATURE,
    PATH,
    evidence,
    markdown,
    record,
    runbook,
    step_record,
    text_of,
)

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


def block(feature: str = FEATURE, *records: ScenarioRecord) -> str:
    """The first procedure as it stands on the page, in HTML."""
    book = runbook(feature)
    return markdown(
        procedure_block(book.procedures[0], PATH, evidence(*records) if records else ()),
        extensions=EXTENSIONS,
    )


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


def tags(page: str) -> list[str]:
    """The tags of a page, in order."""
    return re.findall(r"</?\w+", page)


def test_a_counter_example_has_nothing_to_copy() -> None:
    """The command is there to read, and the block says that it is not to be run."""
    shown = block(FEATURE.replace("@risk_destructive", "@risk_destructive @counter_example"))
    assert "data-copy" not in shown
    assert "Not this." in shown
    assert "data-copy" in block()
