"""YAML → nodes and values. By libyaml where there is one: it is ten times as fast, and a build reads every head."""

from __future__ import annotations

import re
from typing import Any

import yaml

__all__ = ["FAST", "composed", "loaded"]

FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fast safe loader, the plain one where there is no libyaml."""
_MOST_BRACKETS = 500
_DEEP = re.compile(r"(?:[-?:][ \t]+){40}|^[ \t]{400}", re.MULTILINE)


def composed(text: str, fast: Any = None, plain: Any = None) -> tuple[yaml.Node | None, Any]:
    """The nodes, for their lines, and the values, from one reading. Raises yaml.YAMLError.

    `fast` and `plain` are the loaders to use instead of yaml's own safe ones; both must be as safe.
    """
    if not _may_be_deep(text):
        try:
            return _read(text, fast or FAST)
        except yaml.YAMLError:
            pass  # the other one says best what is wrong
    try:
        return _read(text, plain or yaml.SafeLoader)
    except RecursionError as error:
        raise yaml.MarkedYAMLError(problem="it is nested too deep") from error


def loaded(text: str, fast: Any = None, plain: Any = None) -> Any:
    """The values only. Raises yaml.YAMLError."""
    return composed(text, fast, plain)[1]


def _may_be_deep(text: str) -> bool:
    """Whether libyaml's binding could run out of stack, which ends the process; Python's own reader says so."""
    return text.count("[") + text.count("{") > _MOST_BRACKETS or _DEEP.search(text) is not None


def _read(text: str, loader_class: Any) -> tuple[yaml.Node | None, Any]:
    loader = loader_class(text)
    try:
        node = loader.get_single_node()
        return node, loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()
