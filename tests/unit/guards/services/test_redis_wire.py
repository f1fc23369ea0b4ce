"""How much of a request to Redis is read before it is judged."""

from __future__ import annotations

import asyncio

import pytest

from runbook_steps.engine.guards.services.redis_wire import read_words
from runbook_steps.engine.guards.services.relay import Unreadable

MIB = 1024 * 1024


async def read(raw: bytes) -> None:
    """What there is of it, of which the end never comes: to wait for it would be an IncompleteReadError."""
    reader = asyncio.StreamReader()
    reader.feed_data(raw)
    reader.feed_eof()
    await read_words(reader)


@pytest.mark.parametrize(
    "raw",
    [
        b"*2\r\n$4\r\nECHO\r\n$999999999\r\n",
        b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (64 * MIB),
        b"*3\r\n$4\r\nECHO\r\n$%d\r\n%b\r\n$%d\r\n" % (MIB, b"x" * MIB, 63 * MIB),
        b"*%d\r\n" % (MIB + 1),
        b"*999999999\r\n",
    ],
)
def test_more_than_64_mebibytes_are_not_waited_for(raw: bytes) -> None:
    """By one word, by all of them, or by how many there are."""
    with pytest.raises(Unreadable):
        asyncio.run(read(raw))


@pytest.mark.parametrize("raw", [b"*2\r\n$4\r\nECHO\r\n$%d\r\n" % (64 * MIB - 4), b"*%d\r\n" % MIB])
def test_what_is_less_is_read(raw: bytes) -> None:
    """To its last byte."""
    with pytest.raises(asyncio.IncompleteReadError):
        asyncio.run(read(raw))
