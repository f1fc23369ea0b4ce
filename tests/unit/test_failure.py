"""What a person sees when a step fails."""

from __future__ import annotations

import pytest

from runbook_steps.engine.model import Command, Position, Result
from runbook_steps.engine.run.failure_story import failure_story
from runbook_steps.engine.text.terminal import plain

COMMAND = Command("echo 1\nfalse", "bash", "do it", Position("features/a.feature", 6), 30.0)


def test_the_story_fits_a_screen_and_names_everything() -> None:
    """Line, command, exit code, the last lines and the expectation are there."""
    result = Result(COMMAND, 1, "\n".join(f"line {n}" for n in range(100)), "oh no\n", 0.25)
    story = failure_story("features/a.feature:5", "When I do it:", "expected 0", result, scenario="S", target="here")
    assert [
        "features/a.feature:5: When I do it:",
        "  scenario: S",
        "  target:   here",
        "  command:  (bash, features/a.feature:6) — exit code 1 after 0.2 s",
        "    echo 1",
        "    false",
        "  stdout, last 12 of 100 lines:",
        *(f"    line {n}" for n in range(88, 100)),
        "  stderr:",
        "    oh no",
        "",
        "  expected 0",
    ] == story.splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("a\x00b\x08c\x9bd", "abcd"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
    ],
)
def test_terminal_escapes_do_nothing(text: str, expected: str) -> None:
    """Output is shown, never obeyed."""
    assert expected == plain(text)
