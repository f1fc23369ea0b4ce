"""Former addresses of the site: a small page at each that leads to where the runbook is now, also without a server."""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterable
from pathlib import Path

from runbook_steps.engine.model import Runbook

__all__ = ["redirect_page", "write_redirects"]


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
                file.write_text(redirect_page(posixpath.relpath(there, posixpath.dirname(here)), title), "utf-8")


def redirect_page(target: str, title: str, *, says: str = "This runbook has moved") -> str:
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
