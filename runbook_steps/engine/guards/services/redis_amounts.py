"""What a command of Redis takes from everybody by how much it asks for, though it may pass by its name. Pure.

Memory, for which other keys are thrown away, and time, in which nobody else is answered: by a few bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from runbook_steps.engine.guards.services.redis_streams import (
    ends_stream,
    forgets,
    passes_over,
    read_by_group,
    read_from,
)

__all__ = ["MOST_PATTERNS", "MOST_WATCHED", "too_much"]


def too_much(name: str, words: Sequence[bytes], *, changing: bool) -> str | None:
    """What is wrong with how much a command asks for, to be said behind its name; None when it may pass."""
    if changing and name in _PLACES and not _near(name, words):
        return "at a place that makes others' keys give way"
    if not changing and sum(len(word) + _WORD for word in words) > _MOST_READ:
        return f"of more than {_MOST_READ} bytes, for which others' keys give way"
    wild = [word for word in words if re.search(rb"[*?\[]", word)] if name in _WILD else []
    if len(wild) > MOST_PATTERNS or any(word.count(b"*") > _MOST_STARS for word in wild):
        return "of patterns that everybody waits for"
    return next((why for judge, why in _EXTREME.get(name, ()) if judge(words)), None)


def _many(words: Sequence[bytes]) -> bool:
    """Whether a negative count has it draw the same ones again and again: its answer takes the server's memory."""
    return len(words) > _AT and not re.fullmatch(rb"[0-9]{1,9}|-[0-9]{1,3}", words[_AT])


def _said_twice(place: Callable[[Sequence[bytes]], Sequence[bytes]]) -> Callable[[Sequence[bytes]], bool]:
    """Whether one of what it names stands there more than once: a few bytes would have it done over and over."""

    def judge(words: Sequence[bytes]) -> bool:
        named = place(words)
        return len(set(named)) < len(named)

    return judge


def _numbered(at: int) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """The keys behind their number, which stands at that place; all that follows where it is none."""

    def place(words: Sequence[bytes]) -> Sequence[bytes]:
        many = words[at] if len(words) > at else b""
        return words[at + 1 : at + 1 + int(many)] if re.fullmatch(rb"[0-9]{1,7}", many) else words[at + 1 :]

    return place


def _asked_for_each(words: Sequence[bytes]) -> Sequence[bytes]:
    """The patterns of a sort, which it follows for each of its elements."""
    return [words[at + 1] for at, word in enumerate(words[:-1]) if at > 1 and word.lower() == b"get"]


def _behind(at: int, *parts: bytes) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """The words from that place on, of a command whose second word is one of those."""
    return lambda words: words[at:] if len(words) > 1 and words[1].lower() in parts else ()


def _wakes_for(words: Sequence[bytes]) -> bool:
    """Whether every write of everybody is compared with prefixes of its own, each of which with all others before."""
    return words[1].lower() == b"tracking" and any(word.lower() == b"prefix" for word in words)


def _looks_long(words: Sequence[bytes]) -> bool:
    """Whether a step of a scan is so long that everybody waits for it."""
    asked = [words[at + 1 : at + 2] for at, word in enumerate(words) if word.lower() == b"count"]
    return any(count and not re.fullmatch(rb"[0-9]{1,5}", count[0]) for count in asked)


def _near(name: str, words: Sequence[bytes]) -> bool:
    """Whether every place that a value is written at lies within what one request may send anyway.

    All up to there is made and filled with zeros: half a gigabyte by a few bytes, for which other keys are thrown away.
    """
    if name == "bitfield":
        # behind the key, which may be called as one of them
        asked = [at for at, word in enumerate(words) if at >= _AT and word.lower() in {b"set", b"incrby", b"get"}]
        return all(_near_field(*words[at + 1 : at + 3]) for at in asked)
    return len(words) <= _AT or _PLACES[name].fullmatch(words[_AT]) is not None


def _near_field(kind: bytes = b"", place: bytes = b"") -> bool:
    """Whether a field of bits, `u8`, lies there: `#9` is that many fields on."""
    width, at = _WIDTH.fullmatch(kind), _FIELD.fullmatch(place)
    if width is None or at is None:
        return False
    return int(at[2]) * (int(width[1]) if at[1] else 1) <= 8 * _MOST_READ


_AT = 2
_PLACES = {
    "setrange": re.compile(rb"[0-9]{1,6}"),  # bytes
    "setbit": re.compile(rb"[0-9]{1,7}"),  # bits
    "bitfield": re.compile(rb""),
}
_MOST_READ, _MOST_STARS = 1024 * 1024, 8
_WORD = 40  # bytes that the server takes for a word beside its own
MOST_PATTERNS, MOST_WATCHED = 16, 1000
"""In one command, and of one client."""
_WILD = frozenset({
    "scan", "hscan", "sscan", "zscan", "pubsub", "command", "config", "function", "psubscribe", "punsubscribe",
})  # fmt: skip
"""They may name patterns, which a server may compare in every way that their stars can be read."""
_DRAWN = (_many, "of so many that the server's memory goes")
_LONG = (_looks_long, "in steps that everybody waits for")


def _again(place: Callable[[Sequence[bytes]], Sequence[bytes]]) -> tuple[Callable[[Sequence[bytes]], bool], str]:
    return _said_twice(place), "of the same one again and again"


_ALL = _again(lambda words: words[1:])
_BUT_ONE = _again(lambda words: words[2:])
_SORTED = _again(_asked_for_each)
_EXTREME: Mapping[str, Sequence[tuple[Callable[[Sequence[bytes]], bool], str]]] = {
    **dict.fromkeys(("srandmember", "hrandfield", "zrandmember"), (_DRAWN,)),
    **dict.fromkeys(("mget", "sdiff", "sinter", "sunion", "pfcount"), (_ALL,)),
    **dict.fromkeys(("hmget", "sdiffstore", "sinterstore", "sunionstore", "pfmerge"), (_BUT_ONE,)),
    "bitop": (_again(lambda words: words[3:]),),
    **dict.fromkeys(("zdiff", "zinter", "zunion", "sintercard", "zintercard"), (_again(_numbered(1)),)),
    **dict.fromkeys(("zdiffstore", "zinterstore", "zunionstore"), (_again(_numbered(2)),)),
    **dict.fromkeys(("sort", "sort_ro"), (_SORTED,)),
    **dict.fromkeys(("scan", "hscan", "sscan", "zscan"), (_LONG,)),
    "command": (_again(_behind(2, b"docs", b"info")),),
    "latency": (_again(_behind(2, b"histogram")),),
    "client": (
        _again(_behind(3, b"list")),
        (_wakes_for, "of prefixes, which every write waits for"),
    ),
    "watch": ((lambda words: len(words) > MOST_WATCHED, "of so many that everybody waits"),),
    "xread": (_again(read_from),),
    "xreadgroup": (
        (forgets, "NOACK, or in a way that is not known: what it hands out would be gone for its group"),
        _again(read_by_group),
    ),
    "xclaim": ((passes_over, "LASTID, which passes over what others have not read"),),
    "xadd": ((ends_stream, "of a number after which others cannot add theirs"),),
}
_WIDTH, _FIELD = re.compile(rb"[ui]([0-9]{1,2})", re.IGNORECASE), re.compile(rb"(#?)([0-9]{1,6})")
