"""The reference of commands names every command there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from runbook_steps.operations.cli import COMMANDS, app

PAGE = Path(__file__).parents[3] / "docs/reference/commands.md"


def every_command() -> set[str]:
    """As they are typed, without `beautycort`."""
    group: Any = typer.main.get_command(app)
    found = set()
    for name in COMMANDS:
        command = group.get_command(None, name)
        below = getattr(command, "commands", {})
        found |= {f"{name} {each}" for each in below} or {name}
    return found


def test_the_page_names_every_command() -> None:
    """What was added is there, what was removed is gone."""
    table = PAGE.read_text("utf-8").split("`runbooks` is for")[0]
    assert set(re.findall(r"^\| `([a-z-]+(?: [a-z-]+)?)` \|", table, re.MULTILINE)) == every_command()
