"""A command that a person edits for once: what is typed, what differs, and the plan that has it meanwhile."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.model import Command

__all__ = ["differing_lines", "new_text", "planned"]

_HEADS = 2  # lines that name the two texts


def new_text(screen: Screen) -> str:
    """Lines until one holds a single dot. Raises EOFError when the terminal is gone."""
    screen.say("  Type the command as it shall run this once; a line with a single dot ends it.", "dim")
    lines: list[str] = []
    while (line := screen.line("  >")) != ".":
        lines.append(line)
    return "\n".join(lines)


def differing_lines(before: str, after: str) -> list[str]:
    """The lines that went, with a minus, and those that came, with a plus. Pure."""
    found = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))
    return [line for number, line in enumerate(found) if not (number < _HEADS or line.startswith("@@ "))]


@contextmanager
def planned(proof: Any, number: int, command: Command) -> Iterator[None]:
    """While the block runs, the plan has this command for the step of that number."""
    kept = proof.planned
    proof.planned = replace(kept, commands={**kept.commands, number: command})
    try:
        yield
    finally:
        proof.planned = kept
