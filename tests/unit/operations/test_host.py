"""Which process a word means before it is ended: exactly one, and none that the platform lives on."""

from __future__ import annotations

import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations import host
from runbook_steps.operations.host import Process, suspect


def process(pid: int, command: str) -> Process:
    """One that does nothing."""
    return Process(pid, command, 0.0, 0, 0.0)


ALL = (
    process(1, "init"),
    process(20, "postgres: checkpointer"),
    process(21, "nginx: worker process"),
    process(22, "redis-server *:6379"),
    process(23, "/usr/bin/dockerd -H fd://"),
    process(30, "report-worker --nightly"),
    process(31, "thumbnail-worker"),
)


def test_the_one_that_is_meant_is_named() -> None:
    """By a part of its command."""
    assert suspect(ALL, "report-w").pid == 30


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("", "an empty word fits every process"),
        ("  ", "an empty word fits every process"),
        ("worker", "3 processes have 'worker'"),
        ("nothing-like-it", "no process has"),
        ("checkpointer", "is postgres"),
        ("6379", "is redis-server"),
        ("nginx", "is nginx"),
        ("fd://", "is dockerd"),
        ("init", "is init"),
    ],
)
def test_everything_else_is_refused(word: str, why: str) -> None:
    """An empty word, several, none, and what the platform lives on."""
    with pytest.raises(RefusedError, match=why):
        suspect(ALL, word)


def test_a_leak_grows_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that grew once, shrank once, or came later is no leak; the steadiest comes first, before what only starts."""

    def at(growths: dict[int, float]) -> tuple[Process, ...]:
        return tuple(Process(pid, f"p{pid}", 0.0, 100, growth) for pid, growth in growths.items())

    rounds = iter(
        [
            at({1: 5, 2: 50, 3: 9, 4: 7, 6: 99}),
            at({1: 7, 2: -1, 3: 9, 4: 0, 5: 9, 6: 2}),
            at({1: 6, 2: 50, 3: 9, 4: 7, 5: 9, 6: 1}),
        ]
    )
    monkeypatch.setattr(host, "measure", lambda _: next(rounds))

    assert [(each.pid, each.growth) for each in host.growing(1.0, 3)] == [(3, 9), (1, 6), (6, 34)]
