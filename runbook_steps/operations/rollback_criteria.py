"""When to roll back: the four criteria, computed from what the platform really did."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from runbook_steps.operations.traffic import MOST_ERRORS_PERCENT, Row, Traffic, moment_of, read_traffic

__all__ = ["Criterion", "baseline_ms", "by_health_alone", "by_minute", "errors_criterion", "slow_criterion"]

ERROR_MINUTES, SLOW_MINUTES = 5, 10  # runbooks 1.0, "When to Rollback"
SLOW_FACTOR = 2.0  # runbooks 1.0, "When to Rollback"


@dataclass(frozen=True)
class Criterion:
    """One reason to roll back. `fires` is None when it could not be computed; `detail` is the reading."""

    name: str
    fires: bool | None
    detail: str

    def as_json(self) -> dict[str, Any]:
        """As it is reported."""
        return asdict(self)


def by_minute(lines: Iterable[str], since: datetime, minute_s: float) -> dict[int, Row]:
    """Requests by minute since a moment, 0 the first; minutes without a request are left out.

    `minute_s` is how many seconds a minute has: 60, less in a drill.
    """
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for line in lines:
        try:
            moment = moment_of(json.loads(line))
        except (ValueError, KeyError, TypeError):
            continue
        if moment >= since:
            groups[int((moment - since).total_seconds() // minute_s)].append(line)
    found = {number: read_traffic(group, since).total for number, group in groups.items()}
    return {number: found[number] for number in sorted(found) if found[number].requests}


def baseline_ms(lines: Iterable[str], since: datetime, until: datetime) -> float | None:
    """The mean response time between two moments, in ms; None when nothing was served."""
    kept = []
    for line in lines:
        try:
            if moment_of(json.loads(line)) < until:
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    total = read_traffic(kept, since).total
    return total.mean_ms if total.requests else None


def by_health_alone(seen: Traffic) -> str:
    """What a stability without errors rests on where the log counts too few requests to tell."""
    if seen.for_people:
        return f"by its health alone: none of the {seen.for_people} lines of its log is JSON"
    return f"by its health alone: its log counts {seen.total.requests} requests since"


def errors_criterion(minutes: dict[int, Row]) -> Criterion:
    """More than 5 % errors, without a good minute between, for 5 minutes and more."""

    def bad(row: Row) -> bool:
        return 100 * row.errors / row.requests > MOST_ERRORS_PERCENT

    name = f"error rate above {MOST_ERRORS_PERCENT:g} % for {ERROR_MINUTES} minutes"
    if not minutes:
        return Criterion(name, None, "no request was served: that is no traffic, not no errors")
    requests, errors = sum(r.requests for r in minutes.values()), sum(r.errors for r in minutes.values())
    lasting = _longest(minutes, bad)
    detail = f"{errors} errors in {requests} requests; above the limit for {lasting} minutes in a row"
    return Criterion(name, lasting >= ERROR_MINUTES, detail)


def slow_criterion(minutes: dict[int, Row], baseline: float | None) -> Criterion:
    """A mean of more than twice the baseline, without a good minute between, for 10 minutes and more."""
    name = f"response time above {SLOW_FACTOR:g} times the baseline for {SLOW_MINUTES} minutes"
    if baseline is None or not minutes:
        return Criterion(name, None, "no baseline: give --baseline-ms" if baseline is None else "no request was served")
    limit = SLOW_FACTOR * baseline
    lasting = _longest(minutes, lambda row: row.mean_ms > limit)
    worst = max(row.mean_ms for row in minutes.values())
    detail = f"baseline {baseline:g} ms, slowest minute {worst:g} ms; above {limit:g} ms for {lasting} minutes in a row"
    return Criterion(name, lasting >= SLOW_MINUTES, detail)


def _longest(minutes: dict[int, Row], bad: Callable[[Row], bool]) -> int:
    """The longest run of bad minutes; a minute without a request neither ends nor starts one."""
    longest, first = 0, None
    for number, row in minutes.items():
        if not bad(row):
            first = None
            continue
        first = number if first is None else first
        longest = max(longest, number - first + 1)
    return longest
