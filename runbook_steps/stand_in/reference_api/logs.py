"""Structured logs: JSON lines in app.log and security.log, opened anew when somebody rotates them."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["JsonLog", "masked"]


class JsonLog:
    """One file of JSON lines. A rotated file is noticed at the next line, as logrotate expects."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            path.touch()  # who looks for an event finds none, not "no such file"
        self._handler = logging.handlers.WatchedFileHandler(path, encoding="utf-8", delay=True)

    def write(self, **values: object) -> None:
        """Adds one line, without blanks, as Node writes JSON.

        A full disk must not take the service down, so it is given up silently.
        """
        line = json.dumps(
            {"timestamp": datetime.now(UTC).isoformat(), **values},
            ensure_ascii=False,
            default=str,
            separators=(",", ":"),
        )
        record = logging.LogRecord("api", logging.INFO, "", 0, "%s", (line,), None)
        self._handler.handleError = lambda record: None  # type: ignore[method-assign] # noqa: ARG005
        self._handler.handle(record)


def masked(phone: str) -> str:
    """A phone number of which only country and last two digits are left."""
    return f"{phone[:4]}…{phone[-2:]}" if len(phone) > 6 else "…"  # noqa: PLR2004
