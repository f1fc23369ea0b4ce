"""Code that a page shows by indenting it: found as Markdown has it, inside lists, notes and tabs too. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["indented_code"]

_OPENS = re.compile(r"(?P<indent> *)(?:!!!|\?\?\?\+?|===[!+]?)[ \t]+\S")
"""A note, a folded note or a tab of Material: what is indented below it is its text, not code."""
_STEP = 4
_INDENTED = re.compile(r"^[ >*+\-\d.)]* {4}", re.MULTILINE)
"""Without such a line there is no indented code, in no list and no quote: told at a hundredth of a reader's cost."""


def indented_code(lines: Sequence[str], start: int = 0) -> Iterator[int]:
    """The line, counted from 1, at which each indented code block begins, from the line `start` on."""
    text = "\n".join(_unwrapped([line.expandtabs(_STEP) for line in lines[start:]]))
    if not _INDENTED.search(text):
        return  # most pages end here
    for token in _reader().parse(text):
        if token.type == "code_block" and token.map:
            yield start + token.map[0] + 1


@functools.cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - 20 ms that most builds have no use for

    return MarkdownIt("commonmark")


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """The lines, those in a note or a tab moved to its left edge; none is added, none goes."""
    made = list(lines)
    for number, line in enumerate(made):  # an inner one is met after the outer one has moved it
        if found := _OPENS.match(line):
            inside = len(found["indent"]) + _STEP
            for below in range(number + 1, len(made)):
                if made[below].strip() and not made[below].startswith(" " * inside):
                    break
                made[below] = made[below][:inside][:-_STEP] + made[below][inside:]
            made[number] = ""  # a break: what stands before it goes on no further
    return made
