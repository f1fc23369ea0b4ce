"""What a feature declares of a step: a comment right above it, with what is meant and the sentence that says why.

    # harmless (no-op, emptied): the list is for the person who reads; nothing is changed by it.
    # good without (1): the block looks itself whether the limit is too low.
    When I raise the limit:

Pure. A sentence may go on in the comment lines below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runbook_steps.engine.errors import FeatureError, Position

__all__ = ["GOOD_WITHOUT", "HARMLESS", "declared_above"]

_MEANT = re.compile(r"#\s*(?P<word>harmless|good without)\b", re.IGNORECASE)
_FEWEST_WORDS = 4


@dataclass(frozen=True)
class Word:
    """A word that begins a declaration; `says` and `asks` are for who gets it wrong."""

    word: str
    says: str
    asks: str
    example: str


HARMLESS = Word(
    "harmless",
    "declares something harmless",
    "why is it harmless?",
    "write `# harmless (no-op): a sentence that says why.`",
)
GOOD_WITHOUT = Word(
    "good without",
    "declares that a block is good without another",
    "why is it good without that block?",
    "write `# good without (1): a sentence that says why.`",
)


@dataclass(frozen=True)
class Declared:
    """One declaration: what stands in its parentheses, and the sentence."""

    position: Position
    named: tuple[str, ...]
    why: str


def declared_above(
    comments: Iterable[Mapping[str, Any]], step_lines: Iterable[int], path: str, word: Word
) -> dict[int, tuple[Declared, ...]]:
    """Line of a step → what is declared right above it with that word.

    `comments` are those of the parsed document. Raises FeatureError for a declaration without a sentence, or above
    something that is no step.
    """
    lines = {int(comment["location"]["line"]): str(comment["text"]).strip() for comment in comments}
    steps = set(step_lines)
    found: dict[int, list[Declared]] = {}
    for line in sorted(lines):
        meant = _MEANT.match(lines[line])
        if meant is None or meant["word"].lower() != word.word:
            continue
        declared, end = _read(lines, line, path, word)
        step = end + 1
        while step in lines:  # another declaration stands between
            step += 1
        if step not in steps:
            raise FeatureError(Position(path, line), f"{word.says}, but stands above no step")
        found.setdefault(step, []).append(declared)
    return {step: tuple(each) for step, each in found.items()}


def _read(lines: Mapping[int, str], line: int, path: str, word: Word) -> tuple[Declared, int]:
    """The declaration, and the last line of it."""
    at = Position(path, line)
    shape = re.fullmatch(rf"#\s*{word.word}\s*\((?P<named>[^)]*)\)\s*:\s*(?P<why>.*)", lines[line])
    if shape is None:
        raise FeatureError(at, f"{word.says} in a way that is not understood: {word.example}")
    said, end = [shape["why"]], line
    while end + 1 in lines and not _MEANT.match(lines[end + 1]):
        end += 1
        said.append(lines[end].lstrip("#").strip())
    why = " ".join(" ".join(said).split())
    if len(why.split()) < _FEWEST_WORDS or not why.endswith("."):
        raise FeatureError(at, f"{word.asks} {word.example}")
    return Declared(at, tuple(each.strip() for each in shape["named"].split(",")), why), end
