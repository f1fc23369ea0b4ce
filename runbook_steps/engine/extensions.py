"""What other packages add to the engine by entry points: targets, and commands of `runbooks`.

A project that runs from its own checkout need not be installed anew: what its pyproject.toml says counts first.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.settings import Settings

__all__ = ["COMMANDS", "TARGETS", "extension_names", "load_extension", "load_module"]

TARGETS = "runbooks.targets"
"""Entry points whose object makes a target: `(name, settings, allow) -> Target`."""
COMMANDS = "runbooks.commands"
"""Entry points whose object adds commands: `(app, target_app) -> None`, both of typer."""


def extension_names(group: str, settings: Settings | None) -> tuple[str, ...]:
    """The names in a group, those of the project first."""
    return tuple(_references(group, settings))


def load_extension(group: str, name: str, settings: Settings | None) -> Any:
    """The object of that name, None when there is none. Raises ConfigurationError when it cannot be imported."""
    reference = _references(group, settings).get(name)
    if reference is None:
        return None
    _see_the_project(settings)
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module.strip()), attribute.strip())
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"{group} {name!r} is {reference!r}, which cannot be imported: {error}") from error


def load_module(name: str, setting: str, settings: Settings) -> Any:
    """The module that a setting names. Raises ConfigurationError when it cannot be imported."""
    _see_the_project(settings)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(f"tool.runbooks.{setting} is {name!r}, which cannot be imported: {error}") from error


def _see_the_project(settings: Settings | None) -> None:
    """As `python -m` in its folder has it: the modules of a project can be imported without an installation."""
    if settings is not None and str(settings.root) not in sys.path:
        sys.path.append(str(settings.root))  # last: what is installed goes first


def _references(group: str, settings: Settings | None) -> Mapping[str, str]:
    own = dict(settings.entry_points.get(group, {})) if settings else {}
    return {**own, **{name: value for name, value in _installed(group).items() if name not in own}}


@cache
def _installed(group: str) -> Mapping[str, str]:
    return {point.name: point.value for point in entry_points(group=group)}
