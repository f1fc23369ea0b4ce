"""The order of the site: domains as a person on call needs them, pages by title. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runbook_steps.engine.model import FrontMatter, Runbook
from runbook_steps.engine.sources.order_file import Order
from runbook_steps.engine.sources.page_file import Page
from runbook_steps.engine.text.html_text import markdown_text

__all__ = ["folder_title", "in_order", "left_out", "navigation", "ordered", "page_list"]

NavItem = str | dict[str, "str | list[NavItem]"]


def navigation(pages: Iterable[Page], order: Order) -> list[NavItem]:
    """The site's `nav`: home, a section per folder with pages, how to contribute; the index of what stands apart."""
    top: list[str] = []
    folders: dict[str, list[Page]] = {}
    for page in pages:
        path = page.path.removeprefix("docs/")
        folder, slash, _ = path.partition("/")
        if slash:
            folders.setdefault(folder, []).append(page)
        elif path != "index.md" and page.stem not in order.apart:
            top.append(path)
    sections: list[NavItem] = []
    for name in in_order(folders, order):
        paths = _section(folders[name], order)
        if name not in order.apart:
            sections.append({folder_title(name): paths})
        elif f"{name}/index.md" in paths:
            sections.append({folder_title(name): f"{name}/index.md"})
    return [{"Home": "index.md"}, *sections, *sorted(top)]


def left_out(pages: Iterable[Page], order: Order) -> list[str]:
    """The pages that the navigation does not name, as patterns of `not_in_nav`."""
    return [
        f"/{page.path.removeprefix('docs/')}"
        for page in pages
        if page.stem in order.apart
        or (page.stem.partition("/")[0] in order.apart and not page.path.endswith("/index.md"))
    ]


def page_list(pages: Iterable[Page], folder: str, order: Order) -> str:
    """A Markdown list of the pages of a folder but its index; links are relative to that folder."""
    found = [page for page in pages if page.stem.rpartition("/")[0] == folder and not page.path.endswith("/index.md")]
    lines = [
        f"- [{markdown_text(str(page.head.values.get('title', '')) or page.title)}]({page.path.rpartition('/')[2]})"
        for page in sorted(found, key=lambda page: _place(page, order))
    ]
    return "\n".join(["", *lines, ""])


def ordered(runbooks: Iterable[Runbook], folder: str, order: Order) -> list[Runbook]:
    """The runbooks of a folder in the order of its navigation."""
    found = [runbook for runbook in runbooks if runbook.stem.startswith(f"{folder}/")]
    return sorted(found, key=lambda runbook: _rank(runbook.stem, runbook.front_matter, runbook.name, order))


def _rank(stem: str, front: FrontMatter | None, name: str, order: Order) -> tuple[int, str]:
    return _index(stem, order.first), (front.title if front else name).casefold()


def in_order(folders: Iterable[str], order: Order) -> list[str]:
    """Folders of `docs/` in their order, others behind them by name."""
    return sorted(folders, key=lambda name: (_index(name, order.domains), name))


def _index(name: str, names: Sequence[str]) -> int:
    return names.index(name) if name in names else len(names)


def folder_title(folder: str) -> str:
    """The name of a section: `database` → `Database`."""
    return folder.replace("-", " ").capitalize()


def _section(pages: list[Page], order: Order) -> list[NavItem]:
    """The index first, then those that are to be followed, numbered pages by their number, the others by title."""
    return [page.path.removeprefix("docs/") for page in sorted(pages, key=lambda page: _place(page, order))]


def _place(page: Page, order: Order) -> tuple[bool, int, str]:
    name = page.path.rpartition("/")[2]
    title = str(page.head.values.get("title", "")) or page.title
    return name != "index.md", _index(page.stem, order.first), name if name[:1].isdigit() else title.casefold()
