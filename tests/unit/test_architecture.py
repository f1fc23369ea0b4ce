"""docs/architecture.md is true: its files and names exist, and its drawing is that of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rooms import with_drawing

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
ROWS = re.findall(r"^\| [^|]+\? \| `([^`]+)` \| `(\w+)` \|$", PAGE, re.MULTILINE)


def test_there_are_twenty_questions() -> None:
    """Each with one file and one name."""
    assert len(ROWS) >= 20


@pytest.mark.parametrize(("file", "name"), ROWS)
def test_what_is_decided_there_is_there(file: str, name: str) -> None:
    """The file defines the name: a class, a function or a value."""
    text = (ROOT / file).read_text("utf-8")
    assert re.search(rf"^(?:(?:async )?def {name}\(|class {name}\b|{name}(?:: [^=]+)? = )", text, re.MULTILINE), text[
        :200
    ]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(runbook_steps/[\w/.]+)`", PAGE))))
def test_every_path_exists(path: str) -> None:
    """Files and folders."""
    assert (ROOT / path).exists()


def test_the_drawing_is_that_of_the_code() -> None:
    """Made anew it is the same; without a room it would be another one."""
    assert with_drawing(PAGE) == PAGE
    assert with_drawing(PAGE.replace("`guided`", "`gone`")) == PAGE
