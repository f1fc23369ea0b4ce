"""The order of the site: domains as a person on call needs them, pages by title. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from runbook_steps.page import Page

__all__ = ["DOMAINS", "navigation"]

DOMAINS = (
    "emergency",
    "health",
    "application",
    "database",
    "infrastructure",
    "deployment",
    "security",
    "performance",
    "maintenance",
    "reference",
    "about",
    "decisions",
)
"""Folders of `docs/`, in their order; others follow by name."""

NavItem = str | dict[str, "str | list[NavItem]"]


def navigation(pages: Iterable[Page]) -> list[NavItem]:
    """The site's `nav`: home, a section per folder that has pages, and how to contribute."""
    top: list[str] = []
    folders: dict[str, list[Page]] = {}
    for page in pages:
        path = page.path.removeprefix("docs/")
        folder, slash, _ = path.partition("/")
        if slash:
            folders.setdefault(folder, []).append(page)
        elif path != "index.md":
            top.append(path)
    order = sorted(folders, key=lambda name: (DOMAINS.index(name) if name in DOMAINS else len(DOMAINS), name))
    sections: list[NavItem] = [{_title(name): _section(folders[name])} for name in order]
    return [{"Home": "index.md"}, *sections, *sorted(top)]


def _title(folder: str) -> str:
    return folder.replace("-", " ").capitalize()


def _section(pages: list[Page]) -> list[NavItem]:
    """The index first, numbered pages by their number, the others by title."""
    return [page.path.removeprefix("docs/") for page in sorted(pages, key=_place)]


def _place(page: Page) -> tuple[bool, str]:
    name = page.path.rpartition("/")[2]
    title = str(page.head.values.get("title", "")) or page.title
    return name != "index.md", name if name[:1].isdigit() else title.casefold()
