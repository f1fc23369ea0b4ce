"""Looks for known secrets in what a run leaves: journals, evidence, reports, and the site that is built from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from runbook_steps.engine.targets.published import source_files
from runbook_steps.engine.text.redact import Redactor

__all__ = ["leaking_files", "published_words", "site_files"]

_TEXTS = frozenset({".html", ".json", ".md", ".txt", ".xml"})  # what is made of evidence, not what comes with the theme


def leaking_files(files: Iterable[Path], redactor: Redactor) -> tuple[Path, ...]:
    """Those that hold a known secret value, in whatever spelling. A file that cannot be read holds none to others."""
    return tuple(file for file in files if redactor.finds(_text(file)))


def site_files(site: Path) -> Iterator[Path]:
    """Every text of a built site; nothing when it is not built."""
    if site.is_dir():
        yield from (path for path in sorted(site.rglob("*")) if path.suffix in _TEXTS and path.is_file())


def published_words(words: Iterable[str], root: Path, more: Iterable[Path]) -> frozenset[str]:
    """Those that stand in what a site is made of: the sources of its pages, and `more`."""
    texts = [_text(file) for file in (*source_files(root), *more)]
    return frozenset(word for word in words if any(word in text for text in texts))


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""
