"""Shell text is read by a parser: what stands in quotes, comments and here-documents starts nothing."""

from __future__ import annotations

import pytest

from runbook_steps.engine.text.shell import Simple, functions_of, has_pipe, simple_commands


@pytest.mark.parametrize(
    ("text", "started"),
    [
        ("A=1 psql -c 'x; rm y' >out 2>&1 # and ls", ["psql"]),
        ("cat <<'E' | wc -l\nrm $(date)\nE", ["cat", "wc"]),
        ("psql <<E\nselect '$(date)'\nE", ["psql", "date"]),
        ("awk '{used=1; limit=2}' f | sort", ["awk", "sort"]),
        ("if ! curl -f x; then :; else ls && pwd; fi", ["curl", ":", "ls", "pwd"]),
        ("echo \\\n  one", ["echo"]),
        ("f() { ls; }; f", ["ls", "f"]),
    ],
)
def test_what_a_text_starts(text: str, started: list[str]) -> None:
    """Names in the order of the text."""
    assert [each.words[0] for each in simple_commands(text)] == started


def test_where_a_command_stands_is_told() -> None:
    """Within quotes, in a loop."""
    assert simple_commands('until ls "$(pwd)"; do x; done') == (
        Simple(("ls", '"$(pwd)"'), looped=True),
        Simple(("pwd",), quoted=True, looped=True),
        Simple(("x",), looped=True),
    )


@pytest.mark.parametrize(
    ("text", "piped"), [("a | b", True), ("x=$(a | b)", False), ("a || b", False), ("'a | b'", False)]
)
def test_a_pipe_in_a_value_is_no_answer(text: str, piped: bool) -> None:
    """Nor is one in quotes."""
    assert has_pipe(text) is piped


def test_functions_are_named() -> None:
    """In both spellings."""
    assert functions_of("f() { ls; }\nfunction g { pwd; }") == {"f", "g"}


@pytest.mark.parametrize(
    "text", ["(" * 20_000, "$(" * 20_000, "if", "'", "\x00 \udcff".encode("utf-8", "replace").decode()]
)
def test_what_is_no_shell_is_read_all_the_same(text: str) -> None:
    """However deep, and without an end."""
    assert isinstance(simple_commands(text), tuple)
