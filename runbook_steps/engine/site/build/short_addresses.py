"""Addresses that outlive a move: `r/<id>/` of the built site, and each former address of a page, lead to the runbook.

Each is a small page, so that they hold also without a server.
"""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.model import Runbook

__all__ = ["FOLDER", "ShortLink", "short_links", "write_redirects", "write_short_links"]

FOLDER = "r"


@dataclass(frozen=True)
class ShortLink:
    """An id, and the stem and title of the page it leads to."""

    id: str
    stem: str
    title: str


def short_links(runbooks: Iterable[Runbook]) -> Iterator[ShortLink]:
    """A link for every id that a runbook has or had."""
    for runbook in runbooks:
        front = runbook.front_matter
        if front is not None and runbook.page_path is not None:
            yield from (ShortLink(name, runbook.stem, front.title) for name in (front.id, *front.former_ids))


def write_short_links(runbooks: Iterable[Runbook], site: Path, *, folders: bool) -> None:
    """Writes a page for each link; `folders`: pages are `name/index.html`, not `name.html`.

    The targets are relative: they hold on any host, below any path, and in a folder on a disk.
    """
    for link in short_links(runbooks):
        target = _address(link.stem, folders=folders)
        file = site / FOLDER / link.id / "index.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        page = _leading_to(posixpath.relpath(target, f"{FOLDER}/{link.id}"), link.title, says="This runbook is at")
        file.write_text(page, encoding="utf-8")


def write_redirects(runbooks: Iterable[Runbook], site: Path, *, folders: bool) -> None:
    """Writes a page for every former name of a runbook. An address that a page has keeps that page.

    `folders`: pages are `name/index.html`, not `name.html`.
    """
    for runbook in runbooks:
        for stem in runbook.front_matter.moved_from if runbook.front_matter else ():
            here, there = _address(stem, folders=folders), _address(runbook.stem, folders=folders)
            file = site / here
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                title = runbook.front_matter.title if runbook.front_matter else runbook.name
                file.write_text(_leading_to(posixpath.relpath(there, posixpath.dirname(here)), title), "utf-8")


def _leading_to(target: str, title: str, *, says: str = "This runbook has moved") -> str:
    """HTML that leads to `target`, a relative address, and keeps the part after `#`; `says` stands before the link."""
    href, name = html.escape(target), html.escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{name}</title>\n"
        '<meta name="robots" content="noindex">\n'
        f'<link rel="canonical" href="{href}">\n'
        '<script>location.replace(document.querySelector("link").href + location.hash)</script>\n'
        f'<meta http-equiv="refresh" content="0; url={href}">\n'
        f'<p>{html.escape(says)}: <a href="{href}">{name}</a></p>\n</html>\n'
    )


def _address(stem: str, *, folders: bool) -> str:
    return f"{stem}/index.html" if folders else f"{stem}.html"
