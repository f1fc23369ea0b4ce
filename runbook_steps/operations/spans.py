"""Spans and moments as options have them: `30s`, `5m`; `2026-11-28T14:00+03:00`."""

from __future__ import annotations

import re
from datetime import datetime

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["moment", "seconds"]

_SPAN = re.compile(r"(\d{1,5}(?:\.\d{1,3})?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str, option: str) -> float:
    """`5m` → 300. Raises ConfigurationError, naming the option, for what is no span or none at all."""
    shape = _SPAN.fullmatch(text)
    if shape is None or not float(shape[1]):
        raise ConfigurationError(f"{option} {text!r}: write it like 30s or 5m")
    return float(shape[1]) * _UNITS[shape[2]]


def moment(text: str, option: str) -> datetime:
    """A time with its offset; one without is not guessed at. Raises ConfigurationError, naming the option."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} {text!r}: write it like 2026-11-28T14:00+03:00") from error
    if found.tzinfo is None:
        raise ConfigurationError(f"{option} {text!r} names no time zone: write it like 2026-11-28T14:00+03:00")
    return found
