"""What a command of Redis takes from everybody by how much it asks for, though it may pass by its name. Pure.

Memory, for which other keys are thrown away, and time, in which nobody else is answered: by a few bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

__all__ = ["too_much"]


def too_much(name: str, words: Sequence[bytes], *, changing: bool) -> str | None:
    """What is wrong with how much a command asks for, to be said behind its name; None when it may pass."""
    if changing and name in _PLACES and not _near(name, words):
        return "at a place that makes others' keys give way"
    return _EXTREME[name][1] if name in _EXTREME and _EXTREME[name][0](words) else None


def _many(words: Sequence[bytes]) -> bool:
    """Whether a negative count has it draw the same ones again and again: its answer takes the server's memory."""
    return len(words) > _AT and not re.fullmatch(rb"[0-9]{1,9}|-[0-9]{1,5}", words[_AT])


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


def _streams(words: Sequence[bytes]) -> Sequence[bytes]:
    at = next((at for at, word in enumerate(words) if word.lower() == b"streams"), len(words))
    return words[at + 1 :][: len(words[at + 1 :]) // 2]


def _looks_long(words: Sequence[bytes]) -> bool:
    """Whether a step of a scan is so long that everybody waits for it."""
    asked = [words[at + 1 : at + 2] for at, word in enumerate(words) if word.lower() == b"count"]
    return any(count and not re.fullmatch(rb"[0-9]{1,5}", count[0]) for count in asked)


def _forgets(words: Sequence[bytes]) -> bool:
    """Whether what it hands out is gone for the group that it is read from."""
    until = next((at for at, word in enumerate(words) if word.lower() == b"streams"), len(words))
    return any(word.lower() == b"noack" for word in words[4:until])


def _near(name: str, words: Sequence[bytes]) -> bool:
    """Whether every place that a value is written at lies within what one request may send anyway.

    All up to there is made and filled with zeros: half a gigabyte by a few bytes, for which other keys are thrown away.
    """
    if name == "bitfield":
        asked = [words[at + 1 : at + 3] for at, word in enumerate(words) if word.lower() in {b"set", b"incrby", b"get"}]
        return all(len(each) == len(_FIELD) and _FIELD[0].fullmatch(each[0]) and _FIELD[1].fullmatch(each[1])
                   for each in asked)  # fmt: skip
    return len(words) <= _AT or _PLACES[name].fullmatch(words[_AT]) is not None


_AT = 2
_PLACES = {
    "setrange": re.compile(rb"[0-9]{1,6}"),  # bytes
    "setbit": re.compile(rb"[0-9]{1,7}"),  # bits
    "bitfield": re.compile(rb""),
}
_DRAWN = (_many, "of so many that the server's memory goes")
_TWICE = "of the same one again and again"
_EXTREME: Mapping[str, tuple[Callable[[Sequence[bytes]], bool], str]] = {
    **dict.fromkeys(("srandmember", "hrandfield", "zrandmember"), _DRAWN),
    **dict.fromkeys(("mget", "sdiff", "sinter", "sunion", "pfmerge"), (_said_twice(lambda words: words[1:]), _TWICE)),
    **dict.fromkeys(
        ("hmget", "sdiffstore", "sinterstore", "sunionstore"), (_said_twice(lambda words: words[2:]), _TWICE)
    ),
    "bitop": (_said_twice(lambda words: words[3:]), _TWICE),
    **dict.fromkeys(("zdiff", "zinter", "zunion", "sintercard", "zintercard"), (_said_twice(_numbered(1)), _TWICE)),
    **dict.fromkeys(("zdiffstore", "zinterstore", "zunionstore"), (_said_twice(_numbered(2)), _TWICE)),
    "xread": (_said_twice(_streams), _TWICE),
    **dict.fromkeys(("scan", "hscan", "sscan", "zscan"), (_looks_long, "in steps that everybody waits for")),
    "xreadgroup": (_forgets, "NOACK, which passes over what others have not read"),
}
_FIELD = (re.compile(rb"[ui][0-9]{1,2}", re.IGNORECASE), re.compile(rb"#?[0-9]{1,6}"))
