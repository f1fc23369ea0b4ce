"""Feedback is a file that people may edit too: what is wrong has its line, and no text is more than a text."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_steps.engine.errors import ConfigurationError, PageError
from runbook_steps.engine.model import FrontMatter
from runbook_steps.engine.sources.feedback_file import (
    FEEDBACK,
    LONGEST,
    Remark,
    Resolution,
    added,
    feedback_text,
    open_on,
    parse_feedback,
    resolved,
)

DAY = dt.date(2026, 11, 24)
ONE = Remark(1, "2026-11-24", "DevOps Lead", "slow", "step 3 needs sudo")
TWO = Remark(2, "2026-11-25", "CTO", "down", "no", Resolution("2026-11-26", "CTO", "abc1234"))
TEXT = """\
# What people said of runbooks. `runbooks feedback add` and `runbooks feedback resolve` write this file.
feedback:
  - id: 1
    date: "2026-11-24"
    by: "DevOps Lead"
    runbook: "slow"
    text: "step 3 needs sudo"
  - id: 2
    date: "2026-11-25"
    by: "CTO"
    runbook: "down"
    text: "no"
    resolved: {date: "2026-11-26", by: "CTO", commit: "abc1234"}
"""


def test_what_is_written_is_read_again() -> None:
    """The line of each remark comes with it."""
    assert TEXT == feedback_text([ONE, TWO])
    assert {1: (ONE.text, None, 3), 2: (TWO.text, TWO.resolved, 8)} == {
        number: (each.text, each.resolved, each.line) for number, each in parse_feedback(TEXT, FEEDBACK).items()
    }
    assert {} == parse_feedback(feedback_text([]), FEEDBACK)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("feedback:", "feedback: [", ":3: not YAML: expected the node content, but found '-'"),
        ("feedback:", "remarks:", ":1: unknown key `remarks`; known: feedback"),
        ("feedback:\n", "feedback:\n  - x\n", ":1: `feedback` must be a list of mappings"),
        ("id: 1", "id: one", ":3: needs `id:`, a number from 1"),
        ("id: 1", "id: 0", ":3: needs `id:`, a number from 1"),
        ("id: 2", "id: 1", ":8: the number 1 is taken, by line 3; give it another one"),
        ('"2026-11-24"', "2026-13-45", ":3: needs `date:`, like 2026-11-24"),
        ('"2026-11-24"', "yesterday", ":3: needs `date:`, like 2026-11-24"),
        ('    by: "CTO"\n', "", ":8: needs `by:`, in words"),
        ('runbook: "slow"', "page: slow", ":3: unknown key `page`; known: by, date, id, resolved, runbook, text"),
        ('"abc1234"', "1234567", ":13: needs `commit:`, in words"),
        ("{date:", "[date:", ":13: not YAML: expected ',' or ']', but got '}'"),
        ('{date: "2026-11-26", by: "CTO", commit: "abc1234"}', "yes", ":8: `resolved` must be a mapping"),
        ("step 3", "step \x00", ":7: not YAML: special characters are not allowed"),
        ("  - id: 2", "<<<<<<< HEAD\n  - id: 2", ":9: not YAML: could not find expected ':'"),
    ],
)
def test_a_broken_file_is_one_line_with_its_place(old: str, new: str, said: str) -> None:
    """What is wrong, and where."""
    with pytest.raises(PageError) as caught:
        parse_feedback(TEXT.replace(old, new, 1), FEEDBACK)
    assert f"{FEEDBACK}{said}" == str(caught.value)


def test_a_date_without_quotes_is_one_too() -> None:
    """A person may write it so."""
    assert "2026-11-24" == parse_feedback(TEXT.replace('"2026-11-24"', "2026-11-24"), FEEDBACK)[1].date


@given(st.text(max_size=200))
def test_any_text_stays_one_line_of_text(text: str) -> None:
    """What a terminal would obey is gone, and YAML takes nothing in it for its own."""
    try:
        made = added({}, "slow", "CTO", text, DAY)
    except ConfigurationError:
        return
    read = parse_feedback(feedback_text([made]), FEEDBACK)[1]
    assert (made.text, "slow") == (read.text, read.runbook)
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in read.text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('x"\n  - id: 9\n    text: "y', 'x" - id: 9 text: "y'),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07bell\x07", "red bell␇"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("half \ud800", "half ⟨U+D800⟩"),
    ],
)
def test_hostile_texts_are_made_harmless(text: str, kept: str) -> None:
    """When they are added, and when somebody wrote them into the file."""
    assert kept == added({}, "slow", "CTO", text, DAY).text


def test_a_remark_gets_the_next_number() -> None:
    """Also when one in between is gone."""
    assert 8 == added({7: ONE}, "slow", "CTO", "x", DAY).number


@pytest.mark.parametrize("text", ["", " \n ", "\x1b[31m", "x" * (LONGEST + 1)])
def test_a_text_that_says_nothing_or_too_much_is_refused(text: str) -> None:
    """In one line."""
    with pytest.raises(ConfigurationError, match=r"say what is wrong"):
        added({}, "slow", "CTO", text, DAY)


def test_open_is_what_nobody_has_resolved_on_this_id_or_a_former_one() -> None:
    """A move changes no id; a new id keeps the old one."""
    front = FrontMatter("Slow", "CTO", "HIGH", (), (), "", 90, 5, "slower", former_ids=("slow",))
    other = Remark(3, "2026-11-24", "CTO", "slower", "x")

    assert (ONE, other) == open_on([ONE, TWO, other], front)
    assert (other,) == open_on([resolved(ONE, "CTO", "abc", DAY), other], front)
    assert () == open_on([ONE], None)
