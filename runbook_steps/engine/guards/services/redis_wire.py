"""Reads and writes the Redis protocol: a client's requests strictly, a server's answers as far as the guard asks.

Redis reads a length up to a carriage return and skips what follows it; others read it as a number of their own.
So a length is digits and nothing else here, and what is sent on is written from the words that were read.
Bounds: 1,048,576 words, 64 MiB a request.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from runbook_steps.engine.guards.services.relay import Unreadable

__all__ = ["Reply", "ServerError", "Words", "read_reply", "read_words", "said", "write_words"]

_MAX_WORDS, _MAX_BYTES = 1024 * 1024, 64 * 1024 * 1024
_MAX_DEPTH = 8
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,8}")
_INLINE = re.compile(rb"[\x21\x23-\x26\x28-\x5b\x5d-\x7e]+(?:[ \t]+[\x21\x23-\x26\x28-\x5b\x5d-\x7e]+)*")


@dataclass(frozen=True)
class Words:
    """A request: the command and its arguments, as bytes."""

    words: tuple[bytes, ...]


class ServerError(str):
    """An answer that says no, as `NOAUTH Authentication required`."""

    __slots__ = ()


Reply = bytes | int | ServerError | None | list["Reply"]


async def read_words(reader: asyncio.StreamReader) -> Words | None:
    """The next request; None at the end. Raises Unreadable, IncompleteReadError in the middle of one."""
    while True:
        first = await reader.read(1)
        if not first:
            return None
        if first == b"*":
            return await _array(reader)
        line = first if first == b"\n" else first + await reader.readuntil(b"\n")
        if text := line.removesuffix(b"\n").removesuffix(b"\r").strip(b" \t"):
            return _inline(text)  # an empty line is nothing, to Redis too


def write_words(request: Words) -> bytes:
    """The request in the one spelling that every server reads alike."""
    parts = [b"*%d\r\n" % len(request.words)]
    for word in request.words:
        parts += [b"$%d\r\n" % len(word), word, b"\r\n"]
    return b"".join(parts)


def _inline(text: bytes) -> Words:
    """A command as typed into a bare connection. Quotes and backslashes are for the protocol proper."""
    if not _INLINE.fullmatch(text):
        raise Unreadable("an inline command with quotes, backslashes or bytes that are no printable ASCII")
    return Words(tuple(text.split()))


async def _array(reader: asyncio.StreamReader) -> Words:
    count, words, total = await _length(reader, "the number of words"), [], 0
    if not 0 < count <= _MAX_WORDS:
        raise Unreadable(f"a request of {count} words")
    for _ in range(count):
        if await reader.readexactly(1) != b"$":
            raise Unreadable("a word that is no bulk string")
        size = await _length(reader, "the length of a word")
        total += size
        if total > _MAX_BYTES:
            raise Unreadable(f"a request of more than {_MAX_BYTES} bytes")
        word = await reader.readexactly(size + 2)
        if word[-2:] != b"\r\n":
            raise Unreadable("a word that is longer than it says")
        words.append(word[:-2])
    return Words(tuple(words))


async def _length(reader: asyncio.StreamReader, what: str) -> int:
    line = await reader.readuntil(b"\n")
    if line[-2:] != b"\r\n" or not _NUMBER.fullmatch(line[:-2]):
        raise Unreadable(f"{what} is no plain number")
    return int(line[:-2])


async def read_reply(reader: asyncio.StreamReader, depth: int = 0) -> Reply:
    """One answer in RESP 2. Raises ValueError for anything else, IncompleteReadError at the end."""
    line = await reader.readuntil(b"\r\n")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        return ServerError(rest.decode("utf-8", "replace"))
    if kind == b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else (await reader.readexactly(int(rest) + 2))[:-2]
    if kind == b"*" and depth < _MAX_DEPTH:
        return None if rest == b"-1" else [await read_reply(reader, depth + 1) for _ in range(int(rest))]
    raise ValueError("an answer that is not RESP 2")


def said(reply: Reply) -> Sequence[Reply]:
    """The parts of an array; nothing for any other answer."""
    return reply if isinstance(reply, list) else ()
