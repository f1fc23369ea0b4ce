"""What the application's own log says of its traffic: errors and times, by endpoint, slot, version, minute, client."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbook_steps.operations.log_events import event_in

__all__ = ["MOST_ERRORS_PERCENT", "SLOWEST_MEAN_MS", "Row", "Traffic", "moment_of", "read_traffic"]

MOST_ERRORS_PERCENT = 5.0  # production-interfaces.md, "Alert thresholds"
SLOWEST_MEAN_MS = 2000.0  # production-interfaces.md, "Alert thresholds"
FIRST_SERVER_ERROR = 500
_PROBES = frozenset({"/api/health", "/api/health/detailed", "/api/version", "/api/metrics"})
_ID = re.compile(r"/([0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+)(?=/|$)")
_Line = Mapping[str, Any]
_VIEWS: Mapping[str, Callable[[_Line], str]] = {
    "byEndpoint": lambda line: f"{line['method']} {_ID.sub('/{id}', str(line['path']))}",
    "bySlot": lambda line: str(line.get("slot", "")),
    "byVersion": lambda line: str(line.get("version", "")),
    "byMinute": lambda line: str(line["timestamp"])[:16],
    "byClient": lambda line: str(line.get("ip", "")),
}


@dataclass(frozen=True)
class Row:
    """Requests of one kind. Times in milliseconds."""

    name: str
    requests: int
    errors: int
    mean_ms: float
    p95_ms: float

    def as_json(self) -> dict[str, Any]:
        """In the camel case of the other reports."""
        return {
            "name": self.name,
            "requests": self.requests,
            "errors": self.errors,
            "meanMs": self.mean_ms,
            "p95Ms": self.p95_ms,
        }


@dataclass(frozen=True)
class Traffic:
    """All requests since a moment; `views` holds the same requests, each cut in another way, the worst first.

    `unreadable` counts lines that are of requests, and lack what is counted: with them, no rate is the whole truth.
    `for_people` counts the lines of a log of which not one is JSON: nothing can be counted in it.
    """

    total: Row
    views: Mapping[str, tuple[Row, ...]]
    unreadable: int = 0
    for_people: int = 0

    @property
    def error_rate_percent(self) -> float:
        """Answers of 500 and above, of all; 0 when there was no request."""
        return round(100 * self.total.errors / self.total.requests, 2) if self.total.requests else 0.0


def read_traffic(lines: Iterable[str], since: datetime, *, slowest_first: bool = False) -> Traffic:
    """Counts the requests of a log of JSON lines; probes are left out, and so is a line that is cut off."""
    written = events = 0
    requests: list[_Line] = []
    for text in lines:
        written += bool(text.strip())
        if (event := event_in(text)) is None:
            continue
        events += 1
        if event.get("message") == "request" and event.get("path") not in _PROBES:
            requests.append(event)
    kept = [line for line in requests if _is_whole(line) and moment_of(line) >= since]
    unreadable = sum(not _is_whole(line) for line in requests)

    def badness(row: Row) -> tuple[float, ...]:
        return (-row.p95_ms,) if slowest_first else (-row.errors, -row.requests)

    views = {}
    for view, name_of in _VIEWS.items():
        groups: defaultdict[str, list[_Line]] = defaultdict(list)
        for line in kept:
            groups[name_of(line)].append(line)
        views[view] = tuple(sorted((_row(name, group) for name, group in groups.items()), key=badness))
    return Traffic(_row("all", kept), views, unreadable, 0 if events else written)


def moment_of(line: _Line) -> datetime:
    """When a line was written. Raises ValueError or TypeError where it does not say so, with its offset."""
    moment = datetime.fromisoformat(line["timestamp"])
    if moment.tzinfo is None:
        raise ValueError("a time without its offset")
    return moment


def _is_whole(line: _Line) -> bool:
    try:
        moment_of(line)
        return int(line["status"]) > 0 and float(line["durationMs"]) >= 0 and {"method", "path"} <= line.keys()
    except (ValueError, TypeError, KeyError):
        return False


def _row(name: str, lines: list[_Line]) -> Row:
    times = sorted(float(line["durationMs"]) for line in lines)
    errors = sum(int(line["status"]) >= FIRST_SERVER_ERROR for line in lines)
    if not times:
        return Row(name, 0, 0, 0.0, 0.0)
    p95 = times[math.ceil(0.95 * len(times)) - 1]
    return Row(name, len(times), errors, round(sum(times) / len(times), 1), p95)
