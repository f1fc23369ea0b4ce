"""Short addresses that outlive a move: `r/<id>/` of the built site leads to the runbook that has, or had, that id."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.model import Runbook
from runbook_steps.engine.site.build.redirects import redirect_page

__all__ = ["FOLDER", "ShortLink", "short_links", "write_short_links"]

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
        target = f"{link.stem}/index.html" if folders else f"{link.stem}.html"
        file = site / FOLDER / link.id / "index.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        page = redirect_page(posixpath.relpath(target, f"{FOLDER}/{link.id}"), link.title, says="This runbook is at")
        file.write_text(page, encoding="utf-8")
