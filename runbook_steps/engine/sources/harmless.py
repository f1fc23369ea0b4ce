"""What a feature declares harmless: a comment right above a step, with the ways to break it and the sentence why.

    # harmless (no-op, emptied): the list is for the person who reads; nothing is changed by it.
    When I list the sessions:

Pure. A sentence may go on in the comment lines below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import FeatureError, Position
from runbook_steps.engine.sources.page_head import suggestion

__all__ = ["Harmless", "declared_harmless"]

Harmless = tuple[tuple[Break, str], ...]
_SHAPE = re.compile(r"#\s*harmless\s*\((?P<ways>[^)]*)\)\s*:\s*(?P<why>.*)")
_MEANT = re.compile(r"#\s*harmless\b", re.IGNORECASE)
_FEWEST_WORDS = 4
_EXAMPLE = "write `# harmless (no-op): a sentence that says why.`"


def declared_harmless(
    comments: Iterable[Mapping[str, Any]], step_lines: Iterable[int], path: str
) -> dict[int, Harmless]:
    """Line of a step → what is declared right above it.

    `comments` are those of the parsed document. Raises FeatureError for a declaration without a sentence, with a way
    that is not known, or above something that is no step.
    """
    lines = {int(comment["location"]["line"]): str(comment["text"]).strip() for comment in comments}
    steps = set(step_lines)
    found: dict[int, list[tuple[Break, str]]] = {}
    for line in sorted(lines):
        if not _MEANT.match(lines[line]):
            continue
        ways, why, end = _read(lines, line, path)
        step = end + 1
        while step in lines:  # another declaration stands between
            step += 1
        if step not in steps:
            raise FeatureError(Position(path, line), "declares something harmless, but stands above no step")
        found.setdefault(step, []).extend((way, why) for way in ways)
    return {step: tuple(declared) for step, declared in found.items()}


def _read(lines: Mapping[int, str], line: int, path: str) -> tuple[tuple[Break, ...], str, int]:
    """The ways, the sentence, and the last line of it."""
    at = Position(path, line)
    shape = _SHAPE.fullmatch(lines[line])
    if shape is None:
        raise FeatureError(at, f"declares something harmless in a way that is not understood: {_EXAMPLE}")
    said, end = [shape["why"]], line
    while end + 1 in lines and not _MEANT.match(lines[end + 1]):
        end += 1
        said.append(lines[end].lstrip("#").strip())
    why = " ".join(" ".join(said).split())
    if len(why.split()) < _FEWEST_WORDS or not why.endswith("."):
        raise FeatureError(at, f"why is it harmless? {_EXAMPLE}")
    return tuple(_way(word.strip(), at) for word in shape["ways"].split(",")), why, end


def _way(word: str, at: Position) -> Break:
    try:
        return Break(word)
    except ValueError:
        known = [str(way) for way in Break]
        hint = suggestion(word, known) or f"; known: {', '.join(known)}"
        raise FeatureError(at, f"{word!r} is no way to break a step{hint}") from None
