"""What a person sees when a step fails."""

from __future__ import annotations

from runbook_steps.engine.model import Command, Position, Result
from runbook_steps.engine.run.failure_story import failure_story

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


def test_no_escape_of_an_output_reaches_the_screen() -> None:
    """Nor a direction mark, nor half a letter: the story can be written and obeys nothing."""
    result = Result(COMMAND, 1, "\x1b[2Jcleared \u202egnp.exe", "\ud800\x9b31m", 0.25)
    story = failure_story("features/a.feature:5", "When", "", result, scenario="S", target="here")
    assert "    cleared ⟨U+202E⟩gnp.exe" in story.splitlines()
    assert "    ⟨U+D800⟩\N{REPLACEMENT CHARACTER}31m" in story.splitlines()
