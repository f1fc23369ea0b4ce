"""An indented code block is found wherever Markdown makes one, and nowhere else."""

from __future__ import annotations

import pytest

from runbook_steps.engine.sources.indented_code import indented_code
from runbook_steps.engine.sources.page_file import parse_page


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Do this:\n\n    rm -rf /\n    ls\n\nthen", [3]),
        ("Do this:\n\n\trm -rf /\n", [3]),
        ("a\n\n    one\n\n    same\n\nb\n\n    two\n", [3, 9]),
        ("- item\n\n        rm -rf /\n", [3]),
        ("1. item\n\n    its text\n\n        rm -rf /\n", [5]),
        ('!!! note "N"\n\n    text\n\n        rm -rf /\n', [5]),
        ('??? note "N"\n        rm -rf /\n', [2]),
        ('=== "bash"\n\n    - item\n\n            rm -rf /\n', [5]),
        ('???+ tip "N"\n\n    !!! note "M"\n\n        text\n\n            rm -rf /\n', [7]),
        ("> quoted\n>\n>     rm -rf /\n", [3]),
        ("text\n    goes on\n", []),
        ("- item\n\n    its second paragraph\n", []),
        ("- item\n    - inner\n        - third\n\n            its text\n", []),
        ('!!! note "N"\n    text\n\n    more\n\nafter\n', []),
        ('=== "A"\n\n    ```text\n    kept\n\n        by its fence\n    ```\n', []),
        ("```text\n\n    kept\n```\n", []),
        ("Title\n=====\n\n   three blanks\n", []),
    ],
)
def test_code_is_found_by_the_rules_of_markdown(text: str, lines: list[int]) -> None:
    """In lists, quotes, notes and tabs; a text that goes on, and what a fence holds, are none."""
    assert list(indented_code(text.split("\n"))) == lines


def test_a_page_tells_the_line_in_its_file() -> None:
    """Behind the head, and not in a comment."""
    text = "---\ntitle: T\n---\n\n# T\n\n<!--\n\n    no\n\n-->\n\n    rm -rf /\n"
    assert [str(position) for position in parse_page(text, "docs/a/b.md").indented] == ["docs/a/b.md:13"]
