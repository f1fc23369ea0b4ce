"""What the sources of a project's pages say themselves: a word of theirs is nobody's secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["said_by_the_pages", "source_files"]

_SOURCES = ("docs", "features")


def source_files(root: Path) -> Iterator[Path]:
    """Every file that the pages are made of."""
    yield from (path for folder in _SOURCES for path in (root / folder).rglob("*") if path.is_file())


def said_by_the_pages(words: Iterable[str], root: Path) -> frozenset[str]:
    """Those that stand there as whole words, in their own spelling. A file that cannot be read says none."""
    left, found = set(words), set[str]()
    for file in source_files(root) if left else ():
        try:
            text = file.read_text("utf-8", errors="replace")
        except OSError:
            continue
        said = {word for word in left if word in text and _whole(word, text)}
        left, found = left - said, found | said
    return frozenset(found)


def _whole(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
