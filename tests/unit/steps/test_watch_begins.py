"""The monitoring of a session begins beside its target: only where a scenario watches, and only where they run."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runbook_steps.engine.errors import TargetError
from runbook_steps.steps import monitoring
from runbook_steps.steps.monitoring import WATCH, Watch, pytest_runtestloop

WATCHES = "the alert DiskFull rings"


def session(texts: list[str], *, proof: bool = True, collect: bool = False) -> Any:
    """As pytest makes it: one scenario with these steps."""
    running = SimpleNamespace(target=SimpleNamespace(), settings=SimpleNamespace(root=Path()))
    config = SimpleNamespace(
        pluginmanager=SimpleNamespace(get_plugin=lambda _: running if proof else None),
        option=SimpleNamespace(collectonly=collect),
        stash=pytest.Stash(),
        add_cleanup=lambda _: None,
    )
    return SimpleNamespace(config=config, items=[SimpleNamespace(steps=[SimpleNamespace(text=text) for text in texts])])


def begun(given: Any, monkeypatch: pytest.MonkeyPatch, prepare: Any = lambda _: None) -> bool:
    """Whether it was made ready when the first scenario ran."""
    monkeypatch.setattr(monitoring, "procedure_of", lambda item: item)
    monkeypatch.setattr(Watch, "prepare", prepare)
    loop: Generator[None, bool, bool] = pytest_runtestloop(given)
    next(loop)
    found = WATCH in given.config.stash
    with suppress(StopIteration):
        loop.send(True)
    return found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (session([WATCHES]), True),
        (session(["nginx is stopped"]), False),
        (session([]), False),
        (session([WATCHES], collect=True), False),
        (session([WATCHES], proof=False), False),
    ],
)
def test_it_begins_where_a_scenario_will_watch(given: Any, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a session without alerts nor one that only lists its scenarios starts anything."""
    assert begun(given, monkeypatch) is expected


def test_a_target_that_does_not_start_is_told_by_who_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session goes on to where the error has its words and its exit code."""

    def fails(_: Watch) -> None:
        raise TargetError("no port is free")

    assert begun(session([WATCHES]), monkeypatch, fails)
