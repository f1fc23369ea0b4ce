"""The head of a page: YAML between two lines of `---`, read key by key so that each mistake has its line."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.model import FrontMatter
from runbook_steps.engine.text.yaml_text import composed

__all__ = ["RUNBOOK_KEYS", "PageHead", "read_front_matter", "read_head", "suggestion"]

_HEAD = re.compile(r"\A---[ \t]*\n(?P<yaml>.*?\n)??---[ \t]*(?:\n|\Z)", re.DOTALL)
_SITE_KEYS = frozenset({"kind", "description", "tags", "search", "hide", "render_macros"})
# The theme writes these into the page without escaping them, some of them between quotes.
_IN_TEXT = frozenset({"title", "tags", "location", "revision_date"})
_IN_QUOTES = frozenset({"description", "author"})
_MARKUP = re.compile(r"[<>]|\{[{%]")

_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|(?:^|_)(?:KEY|PASS|AUTH)(?:_|$)")


@dataclass(frozen=True)
class PageHead:
    """What stands in the head of a page, unchecked. `lines` maps a key to its line in the file.

    `length` is the number of lines the head takes, 0 when there is none.
    """

    path: str
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    length: int = 0
    problems: tuple[PageError, ...] = ()

    def at(self, key: str) -> Position:
        """Where the key stands; the first line when it does not."""
        return Position(self.path, self.lines.get(key, 1))


def read_head(text: str, path: str) -> PageHead:
    """The head of a page. What is not YAML, or not a mapping, is a problem in it, not an exception."""
    found = _HEAD.match(text)
    if found is None:
        return PageHead(path)
    length = found[0].count("\n")
    try:
        node, values = composed(found["yaml"] or "{}")
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        said = getattr(error, "problem", None) or str(error)
        return PageHead(path, length=length, problems=(PageError(Position(path, line), f"not YAML: {said}"),))
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        problem = PageError(Position(path, 1), "the front matter must be `key: value` lines")
        return PageHead(path, length=length, problems=(problem,))
    lines: dict[str, int] = {}
    problems = []
    for key, _ in node.value:
        line = key.start_mark.line + 2
        if lines.setdefault(str(key.value), line) != line:
            problems.append(PageError(Position(path, line), f"`{key.value}` stands twice"))
    for name in (_IN_TEXT | _IN_QUOTES).intersection(values):
        said, quoted = str(values[name]), name in _IN_QUOTES
        if _MARKUP.search(said) or (quoted and '"' in said):
            none = 'no <, >, ", {{ or {%' if quoted else "no <, >, {{ or {%"
            problems.append(PageError(Position(path, lines[name]), f"`{name}` is shown as it is: {none}"))
    return PageHead(path, {str(k): v for k, v in values.items()}, lines, length, tuple(problems))


def read_front_matter(head: PageHead) -> tuple[FrontMatter | None, tuple[PageError, ...]]:
    """The front matter of a runbook, or None, and everything that is wrong with it; the id is the page's name."""
    problems = list(head.problems)
    if problems and not head.values:
        return None, head.problems
    values: dict[str, Any] = {}
    for key, read in _READERS.items():
        if key not in head.values:
            if key in _OPTIONAL:
                continue
            problems.append(PageError(head.at("title"), f"front matter lacks `{key}:`"))
            continue
        try:
            values[key] = read(head.values[key])
        except ValueError as error:
            problems.append(PageError(head.at(key), f"`{key}` {error}"))
    for key in head.values:
        if key not in _READERS and key not in _SITE_KEYS:
            hint = suggestion(key, [*_READERS, *_SITE_KEYS])
            problems.append(PageError(head.at(key), f"unknown key `{key}` in the front matter{hint}"))
    if problems:
        return None, tuple(problems)
    values["review_every_days"] = values.pop("review_every")
    values.setdefault("id", head.path.rpartition("/")[2].removesuffix(".md"))
    return FrontMatter(**values), ()


def suggestion(word: str, known: list[str]) -> str:
    """`; did you mean …?` for a near miss, empty when nothing is near."""
    import difflib  # noqa: PLC0415 - only needed when something is wrong

    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f"; did you mean “{by_folded[near[0]]}”?" if near else ""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be words")
    return value.strip()


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", value):
        raise ValueError("must be lower-case words joined by hyphens: it becomes a short address")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) and entry.strip() for entry in value):
        raise ValueError("must be a list of words, `[]` when there are none")
    return tuple(entry.strip() for entry in value)


def _stems(value: Any) -> tuple[str, ...]:
    stems = _texts(value)
    if not all(re.fullmatch(r"[a-z0-9-]+(?:/[a-z0-9-]+)*", stem) for stem in stems):
        raise ValueError("must be a list of former names, like `[database/cache-fills-up]`")
    return stems


def _parameters(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not all(isinstance(said, str) and said.strip() for said in value.values()):
        raise ValueError("must be lines like `ALERT_BEGAN: when the alert began`")
    for name in value:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise ValueError(f"names “{name}”, which is no variable in capitals")
        if _SECRET.search(name):
            raise ValueError(f"names “{name}”: a page remembers what is typed, so a secret is never typed there")
    return tuple((name, " ".join(said.split())) for name, said in value.items())


def _identifiers(value: Any) -> tuple[str, ...]:
    return tuple(_identifier(entry) for entry in _texts(value))


def _messages(value: Any) -> tuple[str, ...]:
    messages = _texts(value)
    if any("\n" in message for message in messages):
        raise ValueError("must be a list of messages of one line each")
    return messages


def _date(value: Any) -> str:
    if value in (None, ""):
        return ""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    try:
        return dt.date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise ValueError("must be a date like 2025-07-16, or empty when nobody reviewed the page yet") from None


def _days(value: Any) -> int:
    found = re.fullmatch(r"([1-9]\d{0,3})d", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be days, like `90d`")
    return int(found[1])


def _minutes(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be whole minutes, 1 or more")
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "title": _text,
    "id": _identifier,
    "owner": _text,
    "severity": _text,
    "alerts": _texts,
    "services": _texts,
    "symptoms": _texts,
    "reviewed": _date,
    "review_every": _days,
    "expected_minutes": _minutes,
    "moved_from": _stems,
    "parameters": _parameters,
    "errors": _messages,
    "former_ids": _identifiers,
}
_OPTIONAL = frozenset({"id", "moved_from", "parameters", "errors", "former_ids"})
RUNBOOK_KEYS = frozenset(_READERS) - {"title"}
