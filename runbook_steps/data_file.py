"""A data file as lists of entries that know their line: text → values, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from runbook_steps.errors import PageError, Position

__all__ = ["Entry", "not_yaml", "read_document"]


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

    def number(self, key: str) -> float:
        """A number. Raises PageError for anything else."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise PageError(self.position, f"`{key}` must be a number")
        return float(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of numbers, empty when the key is missing. Raises PageError for anything else."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or any(isinstance(n, bool) or not isinstance(n, int | float) for n in value):
            raise PageError(self.position, f"`{key}` must be a list of numbers")
        return tuple(float(number) for number in value)

    def only(self, known: frozenset[str]) -> None:
        """Raises PageError for a key that is not known."""
        if unknown := sorted(self.values.keys() - known - {_LINE}):
            raise PageError(self.position, f"unknown key `{unknown[0]}`; known: {', '.join(sorted(known))}")

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
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if twice := next((key for index, key in enumerate(keys) if key in keys[:index]), None):
        raise yaml.MarkedYAMLError(problem=f"`{twice}` stands twice", problem_mark=node.start_mark)
    values = loader.construct_mapping(node, deep=True)
    return {**{str(key): value for key, value in values.items()}, _LINE: node.start_mark.line + 1}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def not_yaml(path: str, error: Exception) -> PageError:
    """What the reader of YAML said, with the line where it said one."""
    mark = getattr(error, "problem_mark", None)
    said = "it is nested too deep" if isinstance(error, RecursionError) else getattr(error, "problem", None)
    return PageError(Position(path, mark.line + 1 if mark else 1), f"not YAML: {said or error}")


def read_document(text: str, path: str) -> Entry:
    """A data file that is a mapping. Raises PageError for one that is not."""
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that also knows its lines
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise not_yaml(path, error) from error
    if not isinstance(document, dict):
        raise PageError(Position(path, 1), "needs `key: value` lines")
    return Entry(document, Position(path, 1))
