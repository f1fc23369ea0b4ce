"""Each check of a change can be made by hand: the page says with what, and what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.by_hand import CHECKS, by_hand_problems, load_looks, page_looks
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.text.shell import simple_commands
from tests.unit.planted import copied, planted

ROOT = Path(__file__).parents[2]
CHANGES = {"rm", "mv", "kill", "sed", "tee", "install", "truncate", "renice", "touch", "cp", "chmod"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Pages and features of this project, to plant a mistake in."""
    return copied(tmp_path)


def said_of(copy: Path, file: str, old: str, new: str) -> list[str]:
    """What is said about the copy after that change."""
    return [str(problem) for problem in by_hand_problems(planted(copy, file, old, new))]


def test_every_change_of_this_project_can_be_checked_by_hand() -> None:
    """And every page shows how."""
    assert [str(problem) for problem in by_hand_problems(load_project(ROOT))] == []


def test_a_check_that_nobody_can_make_is_told(copy: Path) -> None:
    """At its procedure; an exit code is seen by whoever runs the command."""
    checks = "Then that process is gone\n    And the API is serving"
    said = said_of(copy, "features/infrastructure/memory.feature", checks, "Then all is well")
    assert [each for each in said if "nobody can see by hand" in each and "memory.feature" in each]


def test_a_page_that_hides_them_is_told(copy: Path) -> None:
    """With the macro to write."""
    (said,) = said_of(copy, "docs/infrastructure/memory.md", "{{ by_hand() }}", "")
    assert said.startswith("docs/infrastructure/memory.md")


def test_a_look_that_no_check_needs_is_told(copy: Path) -> None:
    """The list does not outlive what it lists."""
    (said,) = said_of(copy, CHECKS, "checks:\n", "checks:\n  - {says: nothing like it, look: here, expect: that}\n")
    assert said.endswith("no check says “nothing like it”")


def test_a_look_only_reads() -> None:
    """It is run when all is well, by somebody who is tired."""
    for look in load_looks(ROOT):
        for text in look.look.split("`")[1::2]:
            assert not {each.words[0] for each in simple_commands(text)} & CHANGES, text


def test_a_row_names_check_command_and_expectation() -> None:
    """A bar within a command stays a bar."""
    shown = page_looks(load_project(ROOT), "docs/application/redis-out-of-memory.md")
    assert "| Redis accepts writes again; Redis uses less than 75 % of its memory | `redis-cli -e " in shown
    assert "grep -E '^(used_memory|maxmemory):'` | `used_memory:` below" in shown
