"""A live platform that is slow for a moment: what was slow and is not any more is no failure of a check."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from runbook_steps.engine.errors import NotApplicableNow
from runbook_steps.engine.model import Command, Position, Result
from runbook_steps.steps.health import measured_times_are_slow, slowest_part

COMMAND = Command("curl …", "bash", "measure", Position("features/a.feature", 1), 5.0)
LIVE: Any = SimpleNamespace(facts=SimpleNamespace(disposable=False))
DRILL: Any = SimpleNamespace(facts=SimpleNamespace(disposable=True))
NOBODY: Any = None  # whom the check asks afterwards
FAST = Result(COMMAND, 0, "0.130 s\n0.185 s\n0.133 s\n", "", 0.5)
PARTS = '{"checks": [{"name": "Redis Health", "responseTime": 900}, {"name": "Database Health", "responseTime": 3}]}'


def test_what_is_fast_again_on_a_live_target_is_not_there_now() -> None:
    """With what was measured; a drill, which makes it slow all the time, fails."""
    with pytest.raises(NotApplicableNow, match="is not any more: 133 ms"):
        measured_times_are_slow(FAST, 200, NOBODY, LIVE)
    with pytest.raises(AssertionError):
        measured_times_are_slow(FAST, 200, NOBODY, DRILL)


def test_the_part_that_is_slow_there_is_named_whichever_it_is() -> None:
    """The drill knows which one it made slow; a live platform has its own."""
    told: list[str] = []
    report = Result(COMMAND, 0, PARTS, "", 0.5)
    slowest_part(report, "Database Health", LIVE, told.append)
    assert told == ["Redis Health, 900 ms"]
    with pytest.raises(AssertionError):
        slowest_part(report, "Database Health", DRILL, told.append)
