"""What this project's pyproject.toml tells the engine, for the small projects that tests make."""

from __future__ import annotations

import re
from pathlib import Path

from runbook_steps.engine.sources.order_file import ORDER, parse_order

__all__ = ["ENTRY_POINTS", "HOUSE", "HOUSE_ORDER"]

_ROOT = Path(__file__).parents[1]
_TEXT = (_ROOT / "pyproject.toml").read_text("utf-8")


def _table(head: str) -> str:
    found = re.search(rf"^\[{re.escape(head)}\]\n(?:(?!\[).*\n)*", _TEXT, re.MULTILINE)
    assert found, head
    return found[0]


HOUSE = _table("tool.runbooks")
"""The table `[tool.runbooks]`, with its head: steps, parts, time zone, steady state."""
ENTRY_POINTS = _table('project.entry-points."runbooks.targets"') + _table('project.entry-points."runbooks.commands"')
"""The targets and commands: a project that says so itself need not be installed anew."""
HOUSE_ORDER = parse_order((_ROOT / ORDER).read_text("utf-8"), ORDER)
