"""Rules of a command that Gherkin does not know: a time limit that can be kept, a length that can be started. Pure."""

from __future__ import annotations

import re

from runbook_steps.engine.errors import FeatureError, Position

__all__ = ["refuse_too_long", "time_limit_s"]

LONGEST_COMMAND = 131_072
"""Bytes of one argument, with the byte that ends it, that Linux takes (MAX_ARG_STRLEN)."""

LONGEST_S = 86_400
"""Seconds that a command may be given: a day. More is a mistake, and a number of a thousand digits would never end."""
_UNITS = {"second": 1, "minute": 60}
_MEANT = re.compile(r"\(\s*within\b[^)]*\)\s*:?$", re.IGNORECASE)


def time_limit_s(text: str, limit: str | None, unit: str | None, default_s: float, position: Position) -> float:
    """The limit in seconds that a command step states, or the default. Raises FeatureError for one nobody can keep."""
    if limit is None or unit is None:
        if found := _MEANT.search(text):
            raise FeatureError(
                position, f"“{found[0]}” is no time limit: write `(within 30 seconds):` or `(within 5 minutes):`"
            )
        return default_s
    seconds = int(limit) * _UNITS[unit] if len(limit) <= len(str(LONGEST_S)) else LONGEST_S + 1
    if not 0 < seconds <= LONGEST_S:
        raise FeatureError(position, f"a time limit is from 1 second to {LONGEST_S // 60} minutes")
    return float(seconds)


def refuse_too_long(text: str, media_type: str, position: Position) -> None:
    """Raises FeatureError for a command that the system would not start: bash gets it as one argument."""
    size = len(text.encode())
    if media_type == "bash" and size >= LONGEST_COMMAND:
        raise FeatureError(
            position,
            f"the command has {size} bytes, and the system takes less than {LONGEST_COMMAND}: "
            "let it read its data from a file",
        )
