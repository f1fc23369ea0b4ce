"""What people say, from `docs/data/search.yml`: words that mean the same, and what stands on no page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.text.data_file import read_document

__all__ = ["SEARCH", "Sayings", "parse_sayings"]

SEARCH = "docs/data/search.yml"


@dataclass(frozen=True)
class Sayings:
    """`same` are groups of words and short phrases that mean one thing, in any language.

    `said` is what people type that stands on no page, by the id of the runbook that helps; `positions` says where.
    """

    same: tuple[tuple[str, ...], ...] = ()
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)


def parse_sayings(text: str, path: str) -> Sayings:
    """The sayings. Raises PageError for a file that is not as it should be."""
    document = read_document(text, path)
    document.only(frozenset({"same", "said"}))
    same = tuple(entry.texts("words") for entry in document.entries("same"))
    said: dict[str, tuple[str, ...]] = {}
    positions: dict[str, Position] = {}
    for entry in document.entries("said"):
        entry.only(frozenset({"runbook", "words"}))
        name = entry.text("runbook")
        if name in said:
            raise PageError(entry.position, f"`{name}` stands twice")
        said[name], positions[name] = entry.texts("words"), entry.position
    return Sayings(same, said, positions)
