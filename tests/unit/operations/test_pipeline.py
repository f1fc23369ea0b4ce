"""Two things at once: a failure of either ends the other, and is told as it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from runbook_steps.operations.pipeline import meanwhile, unless_failed


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
