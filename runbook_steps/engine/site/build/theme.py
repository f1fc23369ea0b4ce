"""The theme as this site uses it: own templates over it, what is shown late, and templates that are compiled once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache
from mkdocs.theme import Theme

__all__ = ["TEMPLATES", "dress"]

TEMPLATES = Path(__file__).parent / "theme_files"
"""Templates over the theme's own: what a link preview shows, and where a page gets whole."""


def dress(theme: Theme, cache: Path, whole: Callable[[str], str]) -> None:
    """Makes the theme's templates use `whole` as the filter `whole`, and keep their compiled form in `cache`."""
    if str(TEMPLATES) not in theme.dirs:
        theme.dirs.insert(0, str(TEMPLATES))
    bare = theme.get_env

    def get_env() -> Environment:
        environment = bare()
        environment.filters["whole"] = whole
        if _usable(cache):
            environment.bytecode_cache = FileSystemBytecodeCache(str(cache))
        return environment

    theme.get_env = get_env  # type: ignore[method-assign] # the builder asks the theme for its templates, and nobody else


def _usable(cache: Path) -> bool:
    """Whether it is ours to write: what lies in it is run."""
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = cache.stat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022 and os.access(cache, os.W_OK)
