"""How much a page counts in the search: a runbook before everything that only tells of runbooks. Pure."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["UNSEARCHED", "page_weight", "search_settings"]

UNSEARCHED = 'data-search-exclude="yes"'
"""The attribute of an element whose words lead nobody: it may hold no element of its own kind."""
HOME = "index.md"
_TOP = 0.05
_SECTION_INDEX = 0.1
_OTHER = 0.5


def search_settings(path: str, folders: Mapping[str, float], *, runbook: bool) -> dict[str, object]:
    """The `search` setting of a page, `path` relative to `docs/`; empty for a page that counts in full.

    `folders` says what a page of a folder counts.

    The home page and the indexes repeat the words of the runbooks: unweighted they would stand before them.
    """
    if path == HOME:
        return {"exclude": True}
    weight = page_weight(path, folders, runbook=runbook)
    return {} if weight == 1 else {"boost": weight}


def page_weight(path: str, folders: Mapping[str, float], *, runbook: bool) -> float:
    """How much a page counts in the search, a runbook being 1; the home page nothing. `path` is below `docs/`."""
    if runbook or path == HOME:
        return float(runbook)
    folder, slash, name = path.partition("/")
    if folder in folders:
        return folders[folder]
    if not slash:
        return _TOP
    return _SECTION_INDEX if name == HOME else _OTHER
