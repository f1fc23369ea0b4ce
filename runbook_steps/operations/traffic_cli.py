"""`beautycort traffic`: error rate and response times since a moment, from the application's log."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.settings import required
from runbook_steps.operations.traffic import MOST_ERRORS_PERCENT, SLOWEST_MEAN_MS, Traffic, read_traffic

__all__ = ["register"]

_AGO = re.compile(r"(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SHOWN = 5  # rows of each view


def register(app: typer.Typer) -> None:
    """Adds `traffic` to the command."""
    app.command("traffic")(traffic)


def traffic(
    since: Annotated[str, typer.Option(help="5m, 2h, or a moment like 2026-01-31T09:00:00+00:00")] = "5m",
    slowest: Annotated[bool, typer.Option("--slowest", help="the slowest first, not those with most errors")] = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Count requests, errors and times in $LOG_DIR/app.log. Only reads. Exit 1 above 5 % errors or 2000 ms mean.

    Probes (/api/health, /api/version, /api/metrics) are left out. A log that was rotated away is not read.
    """
    began = _moment(since)
    file = Path(required(os.environ, "LOG_DIR")["LOG_DIR"]) / "app.log"
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            seen = read_traffic(lines, began, slowest_first=slowest)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read ({error.strerror}): is LOG_DIR right?") from error
    lacking = f"{seen.unreadable} request lines without a readable timestamp, method, status or durationMs"
    if seen.unreadable and not seen.total.requests:
        raise OperationError(f"{file} holds {lacking}: nothing can be counted")
    if seen.for_people:
        raise OperationError(f"none of the {seen.for_people} lines of {file} is JSON: nothing can be counted in it")
    if not seen.total.requests:
        raise OperationError(f"{file} holds no request since {began.isoformat()}: that is no traffic, not no errors")
    good = seen.error_rate_percent <= MOST_ERRORS_PERCENT and seen.total.mean_ms <= SLOWEST_MEAN_MS
    good = good and not seen.unreadable
    if seen.unreadable:
        typer.echo(f"warning: {lacking}, which are not counted", err=True)
    typer.echo(_as_json(seen, began, good) if format is Format.JSON else _as_text(seen, began))
    raise typer.Exit(0 if good else 1)


def _moment(text: str) -> datetime:
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--since {text!r}: write 5m, 2h, or a moment like 2026-01-31T09:00:00+00:00"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_json(seen: Traffic, began: datetime, good: bool) -> str:
    total = seen.total
    report = {
        "status": "healthy" if good else "unhealthy",
        "since": began.isoformat(),
        "requests": total.requests,
        "unreadable": seen.unreadable,
        "errors": total.errors,
        "errorRatePercent": seen.error_rate_percent,
        "meanMs": total.mean_ms,
        "p95Ms": total.p95_ms,
        **{view: [row.as_json() for row in rows] for view, rows in seen.views.items()},
    }
    return json.dumps(report, indent=1)


def _as_text(seen: Traffic, began: datetime) -> str:
    total = seen.total
    first = f"since {began:%Y-%m-%d %H:%M:%S %Z}: {total.requests} requests, {total.errors} errors "
    lines = [f"{first}({seen.error_rate_percent:g} %), mean {total.mean_ms:g} ms, p95 {total.p95_ms:g} ms"]
    for view, rows in seen.views.items():
        lines.append(f"\n{view.removeprefix('by').lower():<44}requests  errors   mean ms    p95 ms")
        lines += [
            f"{row.name[:43]:<44}{row.requests:>8}{row.errors:>8}{row.mean_ms:>10.1f}{row.p95_ms:>10.1f}"
            for row in rows[:_SHOWN]
        ]
    return "\n".join(lines)
