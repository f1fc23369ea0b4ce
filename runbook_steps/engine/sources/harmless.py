"""What a feature declares harmless: the ways to break a step that need not be noticed, each with its sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import FeatureError, Position
from runbook_steps.engine.sources.declared import HARMLESS, declared_above
from runbook_steps.engine.sources.page_head import suggestion

__all__ = ["Harmless", "declared_harmless"]

Harmless = tuple[tuple[Break, str], ...]


def declared_harmless(
    comments: Iterable[Mapping[str, Any]], step_lines: Iterable[int], path: str
) -> dict[int, Harmless]:
    """Line of a step → what is declared right above it.

    `comments` are those of the parsed document. Raises FeatureError for a declaration without a sentence, with a way
    that is not known, or above something that is no step.
    """
    found = declared_above(comments, step_lines, path, HARMLESS)
    return {
        step: tuple((_way(word, each.position), each.why) for each in declared for word in each.named)
        for step, declared in found.items()
    }


def _way(word: str, at: Position) -> Break:
    try:
        return Break(word)
    except ValueError:
        known = [str(way) for way in Break]
        hint = suggestion(word, known) or f"; known: {', '.join(known)}"
        raise FeatureError(at, f"{word!r} is no way to break a step{hint}") from None
