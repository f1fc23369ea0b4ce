"""Two things at once: a failure of either ends the other, and is told as it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from runbook_steps.operations.pipeline import begun, meanwhile, unless_failed


class Broken(Exception):
    """What goes wrong."""


def test_the_answer_is_there_when_both_are_done() -> None:
    """And the pieces went by unchanged."""
    with meanwhile(lambda: 7, cancel=pytest.fail) as running:
        assert b"".join(unless_failed(running, iter([b"a", b"b"]))) == b"ab"
        assert running.result() == 7


def test_a_failure_beside_ends_what_runs() -> None:
    """It is cancelled, not waited for, and the failure itself is raised."""
    stop = threading.Event()

    def endless() -> None:
        assert stop.wait(20), "nobody cancelled it"

    with pytest.raises(Broken), meanwhile(endless, cancel=stop.set):
        raise Broken


def test_a_failure_of_what_runs_ends_the_stream() -> None:
    """At the next piece, however many would follow."""

    def fails() -> None:
        raise Broken

    def forever() -> Iterator[bytes]:
        while True:
            yield b"x"

    with pytest.raises(Broken), meanwhile(fails, cancel=pytest.fail) as running:
        for _ in unless_failed(running, forever()):
            pass


def test_pieces_are_made_before_anybody_reads_and_not_without_end() -> None:
    """As many as fit into the memory that is meant for them, and one more at most."""
    made: list[int] = []
    enough = threading.Event()

    def endless() -> Iterator[bytes]:
        while True:
            made.append(1)
            if len(made) == 33:
                enough.set()
            yield b"x" * (1 << 20)

    with begun(endless()) as pieces:
        assert enough.wait(20)
        for _ in range(4):
            next(pieces)
    assert len(made) <= 33 + 5


def test_one_large_piece_passes() -> None:
    """Also one that is larger than all that may wait."""
    with begun(iter([b"x" * (33 << 20), b"y"])) as pieces:
        assert [len(each) for each in pieces] == [33 << 20, 1]


def test_no_piece_at_all_is_no_failure() -> None:
    """A stream may be empty."""
    with begun(iter(())) as pieces:
        assert list(pieces) == []


def test_what_the_maker_raises_is_raised_behind_its_pieces() -> None:
    """In the thread that reads."""

    def breaks() -> Iterator[bytes]:
        yield b"a"
        raise Broken

    with begun(breaks()) as pieces:
        assert next(pieces) == b"a"
        with pytest.raises(Broken):
            next(pieces)


def test_a_maker_is_closed_when_its_reader_gives_up() -> None:
    """What it holds open is given back before the reader goes on."""
    closed = threading.Event()

    def holding() -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * (1 << 20)
        finally:
            closed.set()

    def gives_up() -> None:
        with begun(holding()) as pieces:
            next(pieces)
            raise Broken

    with pytest.raises(Broken):
        gives_up()
    assert closed.is_set()
