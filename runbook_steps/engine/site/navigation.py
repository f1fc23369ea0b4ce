"""The order of the site: domains as a person on call needs them, pages by title. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from runbook_steps.engine.model import FrontMatter, Runbook
from runbook_steps.engine.sources.page_file import Page

__all__ = ["DOMAINS", "ORDER", "folder_title", "in_order", "navigation", "ordered"]

DOMAINS = (
    "emergency",
    "alerts",
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

ORDER = (
    "emergency/incident-response",
    "emergency/severity-levels",
    "emergency/escalation",
    "emergency/incident-report",
    "health/daily-check",
    "deployment/pre-deployment-checks",
    "deployment/production-deployment",
    "deployment/post-deployment-validation",
    "deployment/rollback",
    "maintenance/weekly-maintenance",
    "maintenance/monthly-maintenance",
    "security/breach-response",
    "about/change-log",
)
"""Pages that come first in their folder, in the order they are followed; the others follow by title."""

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
    sections: list[NavItem] = [{folder_title(name): _section(folders[name])} for name in in_order(folders)]
    return [{"Home": "index.md"}, *sections, *sorted(top)]


def ordered(runbooks: Iterable[Runbook], folder: str) -> list[Runbook]:
    """The runbooks of a folder in the order of its navigation."""
    found = [runbook for runbook in runbooks if runbook.stem.startswith(f"{folder}/")]
    return sorted(found, key=lambda runbook: _rank(runbook.stem, runbook.front_matter, runbook.name))


def _rank(stem: str, front: FrontMatter | None, name: str) -> tuple[int, str]:
    return ORDER.index(stem) if stem in ORDER else len(ORDER), (front.title if front else name).casefold()


def in_order(folders: Iterable[str]) -> list[str]:
    """Folders of `docs/` as DOMAINS has them, others behind them by name."""
    return sorted(folders, key=lambda name: (DOMAINS.index(name) if name in DOMAINS else len(DOMAINS), name))


def folder_title(folder: str) -> str:
    """The name of a section: `database` → `Database`."""
    return folder.replace("-", " ").capitalize()


def _section(pages: list[Page]) -> list[NavItem]:
    """The index first, then those of ORDER, numbered pages by their number, the others by title."""
    return [page.path.removeprefix("docs/") for page in sorted(pages, key=_place)]


def _place(page: Page) -> tuple[bool, int, str]:
    name = page.path.rpartition("/")[2]
    title = str(page.head.values.get("title", "")) or page.title
    first = ORDER.index(page.stem) if page.stem in ORDER else len(ORDER)
    return name != "index.md", first, name if name[:1].isdigit() else title.casefold()
