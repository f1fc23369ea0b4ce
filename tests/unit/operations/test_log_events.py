"""Events of a log: what is none is left out, and a log that has none at all never reads as a calm one."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.operations.log_events import events_in, log_events

EVENT = '{"event": "authentication failed", "ip": "203.0.113.9"}\n'
TRACE = "TypeError: x is undefined\n    at handler (/srv/api/server.js:10:3)\n"


def test_what_is_no_event_is_left_out() -> None:
    """A stack trace, a banner, a number, and the line that is still being written."""
    assert [event["ip"] for event in events_in([*TRACE.splitlines(), "42", EVENT, '{"event": "auth'])] == [
        "203.0.113.9"
    ]


def test_only_the_last_lines_are_read(tmp_path: Path) -> None:
    """As many as the page reads: lines, whether they are events or not."""
    log = tmp_path / "security.log"
    log.write_text(EVENT * 3 + TRACE)
    assert [len(log_events(log)), len(log_events(log, last=3))] == [3, 1]


def test_a_log_for_people_is_not_an_empty_one(tmp_path: Path) -> None:
    """Whoever counts in it would find nothing, and take that for nothing that happened."""
    log = tmp_path / "security.log"
    log.write_text("[2026-01-31 09:00:00] WARN sign-in failed for 203.0.113.9\n")
    with pytest.raises(NotRunnableHere, match=r"none of the 1 lines of .* is JSON"):
        log_events(log)


def test_an_empty_log_has_no_event(tmp_path: Path) -> None:
    """What that means is for the step to say: it was rotated, or nothing happened."""
    log = tmp_path / "security.log"
    log.write_text("\n")
    assert log_events(log) == []
