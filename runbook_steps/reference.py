"""What a data file may point to: a page, a scenario (`domain/name::Scenario`), a test (`tests/….py::test_name`)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from runbook_steps.errors import PageError, Position
from runbook_steps.escape import markdown_text, slug
from runbook_steps.front_matter import suggestion
from runbook_steps.project import Project

__all__ = ["Entry", "read_document", "reference_link", "reference_problem"]


@dataclass(frozen=True)
class Entry:
    """One mapping of a list in a data file, and where it stands."""

    values: Mapping[str, Any]
    position: Position

    def text(self, key: str, *, default: str | None = None) -> str:
        """Words. Raises PageError when they are missing and there is no default."""
        value = self.values.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise PageError(self.position, f"needs `{key}:`, in words")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of words, empty when the key is missing. Raises PageError for anything else."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
            raise PageError(self.position, f"`{key}` must be a list of words")
        return tuple(word.strip() for word in value)

    def entries(self, key: str) -> tuple[Entry, ...]:
        """A list of mappings, empty when the key is missing. Raises PageError for anything else."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise PageError(self.position, f"`{key}` must be a list of mappings")
        return tuple(Entry(entry, Position(self.position.path, entry[_LINE])) for entry in value)


_LINE = "line of the file"


class _Loader(yaml.SafeLoader):
    """Keeps the line of every mapping."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    values = loader.construct_mapping(node, deep=True)
    return {**{str(key): value for key, value in values.items()}, _LINE: node.start_mark.line + 1}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def read_document(text: str, path: str) -> Entry:
    """A data file that is a mapping. Raises PageError for one that is not."""
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that also knows its lines
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PageError(Position(path, line), f"not YAML: {error.problem}") from error
    if not isinstance(document, dict):
        raise PageError(Position(path, 1), "needs `key: value` lines")
    return Entry(document, Position(path, 1))


def reference_problem(project: Project, reference: str, pending: frozenset[str] = frozenset()) -> str:
    """Why a reference leads nowhere; empty when what it names is there, or on a page that is `pending`."""
    where, _, name = reference.partition("::")
    if where in pending:
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
