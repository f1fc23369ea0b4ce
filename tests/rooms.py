"""Draws the rooms of the engine into docs/architecture.md, from the import contract: `make rooms`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

__all__ = ["drawing", "with_drawing"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/architecture.md"
_PLACE = re.compile(r"(<!-- rooms: [^>]*-->\n).*?(<!-- /rooms -->)", re.DOTALL)


def drawing(settings: str) -> str:
    """A floor a line, from the top, each with what its rooms are for: the first line of their docstrings."""
    contracts = tomllib.loads(settings)["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    lines = ["", "| Floor | Room | What lives there |", "| --- | --- | --- |"]
    for number, floor in enumerate(reversed(layers)):
        for room in floor.split(" : "):
            lines.insert(3, f"| {number} | `{room}` | {_purpose(room)} |")
    return "\n".join([*lines, "", ""])


def _purpose(room: str) -> str:
    folder = ROOT / "runbook_steps/engine" / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = file.read_text("utf-8").removeprefix('"""').partition("\n")[0].partition('"""')[0]
    return text.replace("|", "\\|")


def with_drawing(page: str) -> str:
    """The page with the rooms as they are now."""
    made = drawing((ROOT / "pyproject.toml").read_text("utf-8"))
    return _PLACE.sub(lambda found: found[1] + made + found[2], page)


if __name__ == "__main__":
    PAGE.write_text(with_drawing(PAGE.read_text("utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
