"""What the built site holds for machines: `runbooks.json`, its schema, `llms.txt`, and each page as Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook_steps.engine.model import FrontMatter
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.site.build.made_html import without_marks
from runbook_steps.engine.site.machines.catalog import RUNBOOKS_SCHEMA, catalog, catalog_schema, published
from runbook_steps.engine.site.machines.page_markdown import absolute_links, llms_text, page_text
from runbook_steps.engine.sources.page_file import MacroCall

__all__ = ["Publisher"]

_LONGEST_DESCRIPTION = 300


class Publisher:
    """Of one build: knows the catalog and the runbooks' heads, so that no page reads the project again."""

    def __init__(self, project: Project, site_url: str) -> None:
        self._project = project
        self._site_url = site_url or "/"
        self._catalog = catalog(project, self._site_url, datetime.now(UTC))
        self._entries = {entry["stem"]: entry for entry in self._catalog["runbooks"]}
        self._fronts = {runbook.stem: front for runbook, front in published(project)}
        self._pages = {page.stem: page for page in project.pages}

    def description(self, stem: str) -> str:
        """What a link preview says of a runbook: its situation; empty for another page."""
        front = self._fronts.get(stem)
        return description(front) if front else ""

    def write_page(self, stem: str, rendered: str, site: Path, expand: Callable[[MacroCall], str]) -> None:
        """Writes `index.md` beside the page's HTML.

        `rendered` is the page after its macros, without its head; `expand` calls one macro.
        """
        path = f"docs/{stem}.md"
        page, entry = self._pages.get(stem), self._entries.get(stem)
        if page is not None and entry is not None:
            text = page_text((self._project.root / path).read_text("utf-8"), page, entry, self._site_url, expand)
        else:
            text = absolute_links(without_marks(rendered), path, self._site_url)
        file = site / ("" if stem == "index" else stem.removesuffix("/index")) / "index.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def write_site(self, site: Path, name: str, about: str) -> None:
        """Writes what is there once."""
        schema = site / "schemas" / RUNBOOKS_SCHEMA.rpartition("/")[2]
        schema.parent.mkdir(parents=True, exist_ok=True)
        schema.write_text(_json(catalog_schema()), encoding="utf-8")
        (site / "runbooks.json").write_text(_json(self._catalog), encoding="utf-8")
        others = {
            page.stem: str(page.head.values.get("title") or page.title or page.stem)
            for page in self._project.pages
            if page.stem not in self._entries
        }
        (site / "llms.txt").write_text(llms_text(self._catalog, name, about, others), encoding="utf-8")


def description(front: FrontMatter) -> str:
    """One line: the situation a runbook is for."""
    said = "; ".join(front.symptoms) or front.title
    whole = " ".join(f"Use when: {said}".split())
    return whole if len(whole) <= _LONGEST_DESCRIPTION else f"{whole[: _LONGEST_DESCRIPTION - 1].rstrip()}…"


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
