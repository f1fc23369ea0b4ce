"""What a project adds beside its steps: macros for its pages, rules for its files, and what follows a moved runbook.

The module that `house` of [tool.runbooks] names holds one value `HOUSE`. It may import the engine; nothing that runs
anything, because a build of the site loads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError, SourceError
from runbook_steps.engine.extensions import load_module
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.settings import Settings

__all__ = ["House", "Macro", "house_of"]

Macro = Callable[[Project, str], str]
"""Markdown for the page of that path, `docs/about/x.md`. May raise SourceError."""


def _nothing(_: Project) -> Sequence[SourceError]:
    return ()


def _no_files(_: Path) -> set[str]:
    return set()


@dataclass(frozen=True)
class House:
    """All of it may be left out. `macros`: name → macro. `problems` are what breaks the project's own rules.

    `remake` makes files anew that are made of others, after a runbook got another name, and gives their paths.
    """

    macros: Mapping[str, Macro] = field(default_factory=dict)
    problems: Callable[[Project], Sequence[SourceError]] = _nothing
    remake: Callable[[Path], set[str]] = _no_files


def house_of(settings: Settings) -> House:
    """The project's own, nothing when it has none. Raises ConfigurationError for a module without `HOUSE`."""
    if not settings.house:
        return House()
    found = getattr(load_module(settings.house, "house", settings), "HOUSE", None)
    if not isinstance(found, House):
        raise ConfigurationError(f"tool.runbooks.house is {settings.house!r}, a module without a `HOUSE`")
    return found
