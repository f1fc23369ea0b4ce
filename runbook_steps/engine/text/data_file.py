"""A data file as lists of entries that know their line: text → values, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.text.yaml_text import FAST, loaded

__all__ = ["NOT_YAML", "Entry", "not_yaml", "read_document"]


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

    def entry(self, key: str) -> Entry | None:
        """A mapping, None when the key is missing. Raises PageError for anything else."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise PageError(self.position, f"`{key}` must be a mapping")
        return Entry(value, Position(self.position.path, value[_LINE]))

    def entries(self, key: str) -> tuple[Entry, ...]:
        """A list of mappings, empty when the key is missing. Raises PageError for anything else."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise PageError(self.position, f"`{key}` must be a list of mappings")
        return tuple(Entry(entry, Position(self.position.path, entry[_LINE])) for entry in value)


_LINE = "line of the file"


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    """With the line of every mapping."""
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    if twice := next((key for index, key in enumerate(keys) if key in keys[:index]), None):
        raise yaml.MarkedYAMLError(problem=f"`{twice}` stands twice", problem_mark=node.start_mark)
    values = loader.construct_mapping(node, deep=True)
    return {**{str(key): value for key, value in values.items()}, _LINE: node.start_mark.line + 1}


def _words(loader: Any, node: yaml.ScalarNode) -> str:
    """A date is words here: one that there is none of gets its message from who reads it, with its line."""
    return str(loader.construct_scalar(node))


def _with_lines(base: Any) -> Any:
    """A loader like `base`, which is a safe one."""
    loader: Any = type("Loader", (base,), {})
    loader.add_constructor("tag:yaml.org,2002:map", _mapping)
    loader.add_constructor("tag:yaml.org,2002:timestamp", _words)
    return loader


_PLAIN = _with_lines(yaml.SafeLoader)
_FAST = _with_lines(FAST)


# beside YAML's own errors: of a value that is not what its tag says, `!!int x`
NOT_YAML = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError)


def not_yaml(path: str, text: str, error: Exception) -> PageError:
    """What the reader of YAML said, with the line where it said one."""
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or error
    line = mark.line + 1 if mark else 1
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
    return PageError(Position(path, line), f"not YAML: {said}")


def read_document(text: str, path: str) -> Entry:
    """A data file that is a mapping. Raises PageError for one that is not."""
    try:
        document = loaded(text, _FAST, _PLAIN)
    except NOT_YAML as error:
        raise not_yaml(path, text, error) from error
    if not isinstance(document, dict):
        raise PageError(Position(path, 1), "needs `key: value` lines")
    return Entry(document, Position(path, 1))
