"""The reference of commands names every command there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from runbook_steps.engine.settings import load_settings
from runbook_steps.operations.cli import COMMANDS, app

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/commands.md"


def every_command() -> dict[str, str]:
    """What each says of itself, as they are typed, without `beautycort`."""
    group: Any = typer.main.get_command(app)
    found: dict[str, str] = {}
    for name in COMMANDS:
        command = group.get_command(None, name)
        below = getattr(command, "commands", {})
        found |= {f"{name} {each}": said.help for each, said in below.items()} or {name: command.help}
    return found


def test_the_page_names_every_command() -> None:
    """What was added is there, what was removed is gone."""
    table = PAGE.read_text("utf-8").split("`runbooks` is for")[0]
    assert set(re.findall(r"^\| `([a-z-]+(?: [a-z-]+)?)` \|", table, re.MULTILINE)) == set(every_command())


def test_what_only_reads_is_known_to_the_guided_run() -> None:
    """Whoever reads that a command only reads is not asked for it; what books a test visit is no such command."""
    says_so = {f"beautycort {name}" for name, said in every_command().items() if "Only reads." in said}
    without_smoke = {"beautycort rollback-manager assess --no-smoke"}
    assert set(load_settings(ROOT).reads) == says_so | without_smoke
