"""What a person changed of a command stands in the journal, line by line."""

from __future__ import annotations

import pytest

from runbook_steps.engine.guided.edited import differing_lines


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\nb\nc", "a\nx\nc", ["-b", "+x"]),
        ("a", "a", []),
        ("--- a", "-- a", ["---- a", "+-- a"]),
        ("a", "a\n@@ b", ["+@@ b"]),
        ("", "a", ["+a"]),
    ],
)
def test_what_went_and_what_came(before: str, after: str, expected: list[str]) -> None:
    """Also of lines that look like the head of a difference."""
    assert differing_lines(before, after) == expected
