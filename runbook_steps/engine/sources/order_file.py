"""The order of the site, from `docs/data/order.yml`: folders, first pages, and what a folder counts in the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbook_steps.engine.text.data_file import read_document

__all__ = ["ORDER", "Order", "parse_order"]

ORDER = "docs/data/order.yml"


@dataclass(frozen=True)
class Order:
    """`domains` are folders of `docs/` in their order; others follow by name.

    `first` are the stems of pages that come first in their folder, in the order they are followed; the others follow
    by title. `apart` are folders, and pages of `docs/` itself, that a person on call has no use for: of such a folder
    the navigation names the index alone. `search` is how much the pages of a folder that are no runbooks count, 1
    being a runbook.
    """

    domains: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    search: Mapping[str, float] = field(default_factory=dict)
    apart: tuple[str, ...] = ()


def parse_order(text: str, path: str) -> Order:
    """The order. Raises PageError for a file that is not as it should be."""
    document = read_document(text, path)
    document.only(frozenset({"domains", "first", "apart", "search"}))
    weights = {entry.text("folder"): entry.number("weight") for entry in document.entries("search")}
    return Order(document.texts("domains"), document.texts("first"), weights, document.texts("apart"))
