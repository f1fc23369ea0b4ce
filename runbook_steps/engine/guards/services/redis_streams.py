"""What a command on a stream of Redis takes from those who read from it, and write to it. Pure.

Source: the syntax of XADD, XCLAIM, XREAD and XREADGROUP in the commands of Redis 7. Options stand in any order, and a
group or a reader may be called as one of them: they are read as the server reads them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

__all__ = ["ends_stream", "forgets", "passes_over", "read_by_group", "read_from"]

_OF_GROUP = {b"group": 3, b"count": 2, b"block": 2}
_ADDING = {b"nomkstream": 1, b"limit": 2, b"maxlen": 2, b"minid": 2}
_TRIMS, _HOW = frozenset({b"maxlen", b"minid"}), frozenset({b"=", b"~"})
_NUMBER = re.compile(rb"\*|([0-9]{1,13})(-(\*|[0-9]{1,19}))?")
_AHEAD_MS = 2 * 60 * 1000  # clocks differ
_CLAIMED, _ADDED = 5, 2  # where the numbers of a claim, and the options of an entry begin


def read_from(words: Sequence[bytes]) -> Sequence[bytes]:
    """The streams of an XREAD."""
    at = next((at for at, word in enumerate(words) if word.lower() == b"streams"), len(words))
    return words[at + 1 :][: len(words[at + 1 :]) // 2]


def read_by_group(words: Sequence[bytes]) -> Sequence[bytes]:
    """The streams of an XREADGROUP; none where it cannot be read, or is told to forget."""
    at = _after_options(words)
    named = words[at + 1 :]
    return named[: len(named) // 2] if words[at : at + 1] and words[at].lower() == b"streams" else ()


def forgets(words: Sequence[bytes]) -> bool:
    """Whether what it hands out is gone for the group that it is read from: NOACK, in any place."""
    return not read_by_group(words)


def passes_over(words: Sequence[bytes]) -> bool:
    """Whether a claim moves the group on, past what nobody has read yet."""
    return any(word.lower() == b"lastid" for word in words[_CLAIMED:])


def ends_stream(words: Sequence[bytes]) -> bool:
    """Whether the number of a new entry lies so far ahead that others cannot add theirs behind it, or nobody can.

    It is the time in milliseconds: who adds by the time of a clock is refused until that has come.
    """
    at = _ADDED
    while at < len(words) and (taken := _ADDING.get(words[at].lower())):
        how = words[at].lower() in _TRIMS and words[at + 1 : at + 2] and words[at + 1] in _HOW
        at += taken + bool(how)
    if at >= len(words):
        return False
    found = _NUMBER.fullmatch(words[at])
    return found is None or (found[1] is not None and int(found[1]) > 1000 * time.time() + _AHEAD_MS)


def _after_options(words: Sequence[bytes]) -> int:
    at = 1
    while at < len(words) and (taken := _OF_GROUP.get(words[at].lower())):
        at += taken
    return at
