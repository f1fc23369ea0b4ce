"""What a data file may point to: a page, a scenario (`domain/name::Scenario`), a test (`tests/….py::test_name`)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path

from runbook_steps.engine.project.project import Project
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.text.html_text import markdown_text, slug

__all__ = ["reference_link", "reference_problem"]


def reference_problem(project: Project, reference: str, pending: frozenset[str] = frozenset()) -> str:
    """Why a reference leads nowhere; empty when what it names is there, or on a page that is `pending`.

    Of a feature that cannot be read nobody knows: why it cannot is told once, by itself.
    """
    where, _, name = reference.partition("::")
    if where in pending or where in project.unreadable:
        return ""
    if where.startswith("tests/"):
        return "" if _holds_test(project.root / where, name) else f"there is no test {reference}"
    if not name:
        return "" if project.page(where) else f"there is no page docs/{where}.md"
    runbook = project.runbook(where)
    if runbook is None:
        return f"there is no feature features/{where}.feature (for “{name}”)"
    if runbook.procedure(name) is None:
        return f"no scenario “{name}” in {runbook.feature_path}{suggestion(name, list(_names(project, where)))}"
    return ""


def reference_link(project: Project, reference: str, page: str) -> str:
    """Markdown for a reference as it is written on `page`, a path like `docs/about/coverage.md`.

    A scenario that does not exist is a link to its page, a page that does not exist is words: the check tells of both.
    """
    where, _, name = reference.partition("::")
    if where.startswith("tests/"):
        return f"<code>{markdown_text(reference)}</code>"
    found = project.page(where)
    if found is None:
        return markdown_text(name if name not in {"", "?"} else where)
    target = posixpath.relpath(found.path, posixpath.dirname(page))
    if not name or reference_problem(project, reference):
        return f"[{markdown_text(_title(project, where))}]({target})"
    return f"[{markdown_text(name)}]({target}#{slug(name)})"


def _title(project: Project, stem: str) -> str:
    page = project.page(stem)
    if page is None:
        return stem
    return str(page.head.values.get("title", "")) or page.title or stem


def _names(project: Project, stem: str) -> Iterator[str]:
    runbook = project.runbook(stem)
    if runbook is not None:
        yield from (procedure.name for procedure in runbook.procedures)


def _holds_test(path: Path, name: str) -> bool:
    try:
        return f"def {name}(" in path.read_text("utf-8")
    except OSError:
        return False
