"""The lines of a journal hang together: each ends with the hash of itself and of all before it. Pure.

Who edits, removes, adds or moves a line breaks the chain from there on. It is no signature: whoever can write the file
can make a new chain over it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

__all__ = ["START", "broken_at", "linked"]

START = "0" * 64
"""What the first line hangs on."""
_LINK = re.compile(r',"chain":"([0-9a-f]{64})"\}$')


def linked(line: str, before: str) -> tuple[str, str]:
    """The line, one JSON object, with its link at the end, and the link; `before` is that of the line before it."""
    link = hashlib.sha256(f"{before}\n{line}".encode()).hexdigest()
    return f'{line[:-1]},"chain":"{link}"}}', link


def broken_at(lines: Iterable[str]) -> int | None:
    """The number of the first line, from 1, that does not hang on those before it; None when all do.

    A line without a link is broken too: it was written by an older version, or by somebody else.
    """
    before = START
    for number, line in enumerate(lines, 1):
        found = _LINK.search(line)
        if found is None or linked(f"{line[: found.start()]}}}", before)[1] != found[1]:
            return number
        before = found[1]
    return None
