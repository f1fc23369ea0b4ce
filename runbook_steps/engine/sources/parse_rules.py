"""Rules of a scenario that Gherkin does not know: a time limit that can be kept, an outline that runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runbook_steps.engine.errors import FeatureError, Position

__all__ = ["LONGEST_S", "refuse_useless_outline", "time_limit_s"]

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


def refuse_useless_outline(
    keyword: str, examples: tuple[tuple[str, ...], ...], said: Iterable[str], position: Position
) -> None:
    """Raises FeatureError for an outline that runs nothing, or has a column that no step uses."""
    if keyword.strip() in {"Scenario Outline", "Scenario Template"} and len(examples) <= 1:
        raise FeatureError(position, "an outline without a row of Examples runs nothing: add a row")
    text = "\n".join(said)
    unused = [column for column in (examples[0] if examples else ()) if f"<{column}>" not in text]
    if unused:
        raise FeatureError(position, f"no step has <{unused[0]}>: the column of the Examples is not used, or mistyped")
