"""How much a page counts in the search: a runbook before everything that only tells of runbooks. Pure."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["UNSEARCHED", "search_settings"]

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
    if runbook:
        return {}
    if path == HOME:
        return {"exclude": True}
    folder, slash, name = path.partition("/")
    if folder in folders:
        return {"boost": folders[folder]}
    if not slash:
        return {"boost": _TOP}
    return {"boost": _SECTION_INDEX if name == HOME else _OTHER}
