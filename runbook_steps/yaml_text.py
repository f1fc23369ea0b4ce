"""YAML → nodes and values. By libyaml where there is one: it is ten times as fast, and a build reads every head."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["composed", "loaded"]


def composed(text: str, fast: Any = None, plain: Any = None) -> tuple[yaml.Node | None, Any]:
    """The nodes, for their lines, and the values, from one reading. Raises yaml.YAMLError.

    `fast` and `plain` are the loaders to use instead of yaml's own safe ones; both must be as safe.
    """
    try:
        return _read(text, fast or getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return _read(text, plain or yaml.SafeLoader)  # the one that says best what is wrong


def loaded(text: str, fast: Any = None, plain: Any = None) -> Any:
    """The values only. Raises yaml.YAMLError."""
    return composed(text, fast, plain)[1]


def _read(text: str, loader_class: Any) -> tuple[yaml.Node | None, Any]:
    loader = loader_class(text)
    try:
        node = loader.get_single_node()
        return node, loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()
