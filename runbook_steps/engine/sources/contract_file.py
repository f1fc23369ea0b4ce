"""docs/data/platform.yml: what the platform must offer, as values. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.model import Command
from runbook_steps.engine.text.data_file import Entry, read_document

__all__ = ["CONTRACT_FILE", "Contract", "Interface", "load_contract", "read_contract"]

CONTRACT_FILE = "docs/data/platform.yml"
_KEYS = frozenset({"id", "title", "uses", "needs", "probe", "expected", "source", "missing", "acts_on"})
_PROBES = frozenset({"get", "keys", "sql", "lines", "run", "set"})
# what may stand before the name of a program
_BEFORE = r"^|[|;&(!\n]|\b(?:then|do|else|exec|xargs|if|while|until)\b|timeout \d+|-n \d+"
_PROBE_KEYS = _PROBES | {"status", "fields", "is", "matches"}


@dataclass(frozen=True)
class Interface:
    """One thing that the platform offers. `uses` are words of commands; `probe` is what looks at it, and only reads.

    `needs` are variables without which nothing can be asked; of `ONE|OTHER` any does.
    """

    id: str
    title: str
    uses: tuple[str, ...]
    needs: tuple[str, ...]
    probe: Mapping[str, str | tuple[str, ...]]
    expected: str
    source: str
    missing: str
    acts_on: str
    position: Position

    def used_by(self, text: str) -> bool:
        """Whether a command with that text relies on it."""
        return any(_pattern(word).search(text) for word in self.uses)

    def unset(self, environment: Mapping[str, str]) -> list[str]:
        """What of `needs` is not set, or holds nothing but blanks."""
        there = {name for name, value in environment.items() if value.strip()}
        return [need.replace("|", " or ") for need in self.needs if not there & set(need.split("|"))]


@dataclass(frozen=True)
class Contract:
    """Every interface, in the order of the file; none where a project has no such file."""

    interfaces: tuple[Interface, ...] = ()
    words: frozenset[str] = field(default=frozenset())

    def used_by(self, command: Command) -> tuple[Interface, ...]:
        """What a command relies on."""
        text = command.text if command.media_type == "bash" else f"psql {command.text}"
        return tuple(each for each in self.interfaces if each.used_by(text))


@functools.cache  # more words than `re` remembers, and each is asked of every command
def _pattern(word: str) -> re.Pattern[str]:
    if word.startswith("$"):
        name = re.escape(word[1:])
        return re.compile(rf"\$\{{?{name}(?!\w)|environ(?:\.get\(|\[)[\"']{name}[\"']")
    if word.startswith("/"):
        return re.compile(rf"(?<![\w/]){re.escape(word)}(?![\w/-])|(?<=[\"\w}}]){re.escape(word)}(?![\w/-])")
    if ":" in word or word.endswith("="):
        return re.compile(rf"(?<!\w){re.escape(word)}")
    words = r"\s+".join(map(re.escape, word.split()))
    return re.compile(
        rf"(?:{_BEFORE})\s*(?:\w+=\S*\s+)*{words}(?![\w-])|^\s*psql (?=.*\b{words}\b)", re.MULTILINE | re.DOTALL
    )


def load_contract(root: Path) -> Contract:
    """The contract of a project; an empty one where there is no file. Raises PageError with file and line."""
    file = root / CONTRACT_FILE
    if not file.is_file():
        return Contract()
    return read_contract(file.read_text("utf-8"), CONTRACT_FILE)


def read_contract(text: str, path: str) -> Contract:
    """The contract of a text. Raises PageError with file and line."""
    document = read_document(text, path)
    document.only(frozenset({"interfaces"}))
    found = tuple(_interfaces(document))
    seen: set[str] = set()
    for each in found:
        if each.id in seen:
            raise PageError(each.position, f"the interface {each.id} stands twice")
        seen.add(each.id)
    return Contract(found, frozenset(word for each in found for word in each.uses))


def _interfaces(document: Entry) -> Iterator[Interface]:
    for entry in document.entries("interfaces"):
        entry.only(_KEYS)
        yield Interface(
            id=entry.text("id"),
            title=entry.text("title"),
            uses=entry.texts("uses"),
            needs=entry.texts("needs"),
            probe=_probe(entry),
            expected=entry.text("expected"),
            source=entry.text("source"),
            missing=entry.text("missing"),
            acts_on=entry.text("acts_on", default=""),
            position=entry.position,
        )


def _probe(entry: Entry) -> Mapping[str, str | tuple[str, ...]]:
    probe = entry.entry("probe")
    if probe is None:
        raise PageError(entry.position, "needs `probe:`, which looks at it and only reads")
    probe.only(frozenset(_PROBE_KEYS))
    kinds = sorted(_PROBES & probe.values.keys())
    if len(kinds) != 1:
        raise PageError(probe.position, f"a probe has one of {', '.join(sorted(_PROBES))}")
    lists = {"set", "fields"} & probe.values.keys()
    plain = (_PROBE_KEYS & probe.values.keys()) - lists
    return {**{key: probe.text(key) for key in plain}, **{key: probe.texts(key) for key in lists}}
