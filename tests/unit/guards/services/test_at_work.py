"""Whether a server is at something for a client: what it was sent against how often it said that it is ready."""

from __future__ import annotations

import struct

import pytest

from runbook_steps.engine.guards.services.postgres_wire import AtWork

READY = b"Z" + struct.pack("!i", 5) + b"I"


def answer(kind: bytes, body: bytes) -> bytes:
    """A message of a server."""
    return kind + struct.pack("!i", len(body) + 4) + body


def test_a_query_is_at_work_until_the_server_is_ready() -> None:
    """Also when a row holds what looks like that word."""
    at_work = AtWork()
    assert not at_work
    at_work.sent(b"Q")
    at_work.answered(answer(b"D", READY))
    assert at_work
    at_work.answered(READY)
    assert not at_work


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_wherever_the_answer_is_cut(size: int) -> None:
    """In the middle of a head, of a body."""
    at_work = AtWork()
    at_work.sent(b"Q")
    at_work.sent(b"Q")
    whole = answer(b"T", b"x" * 31) + answer(b"D", b"Z" * 13) + READY + answer(b"C", b"") + answer(b"N", READY * 2)
    for at in range(0, len(whole), size):
        assert at_work
        at_work.answered(whole[at : at + size])
    assert at_work
    at_work.answered(READY)
    assert not at_work


def test_what_waits_for_no_sync_is_at_work() -> None:
    """Executed with a flush behind it; the answer to an earlier sync says nothing of it."""
    at_work = AtWork()
    for kind in (b"P", b"B", b"E", b"S", b"E", b"H"):
        at_work.sent(kind)
    at_work.answered(READY)
    assert at_work
    at_work.sent(b"S")
    at_work.answered(READY)
    assert not at_work


def test_who_says_goodbye_in_the_middle_leaves_it_at_work() -> None:
    """The server would work on; one that is ready is left alone."""
    at_work = AtWork()
    at_work.sent(b"Q")
    at_work.sent(b"X")
    assert at_work


def test_what_was_copied_in_is_done_with() -> None:
    """Its rows belong to the query before them."""
    at_work = AtWork()
    for kind in (b"Q", b"d", b"d", b"c"):
        at_work.sent(kind)
    assert at_work
    at_work.answered(answer(b"C", b"COPY 2\0") + READY)
    assert not at_work
