"""The events of a log: its lines that are JSON objects. A stack trace, a banner, a line being written are none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import NotRunnableHere

__all__ = ["event_in", "events_in", "log_events"]


def event_in(line: str) -> dict[str, Any] | None:
    """That of a line; None where it has none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def events_in(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """In their order."""
    return (event for line in lines if (event := event_in(line)) is not None)


def log_events(file: Path, *, last: int = 0) -> list[dict[str, Any]]:
    """Those of the last so many lines, or of all. Raises NotRunnableHere where there are lines, and none is an event.

    Such a log tells nothing to who counts events: it never reads as one in which nothing happened.
    """
    lines = [line for line in file.read_text("utf-8", errors="replace").splitlines()[-last:] if line.strip()]
    found = list(events_in(lines))
    if lines and not found:
        raise NotRunnableHere(
            f"none of the {len(lines)} lines of {file} is JSON: it is written for people, who have to read it there"
        )
    return found
