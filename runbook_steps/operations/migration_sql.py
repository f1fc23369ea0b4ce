"""The statements of a migration file, and what in it would break the promise of one transaction. Pure.

PostgreSQL's own scanner reads the text (pglast): quotes, dollars, comments and bodies of functions are its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pglast.parser import ParseError, scan

from runbook_steps.engine.errors import ConfigurationError, RefusedError

__all__ = ["Statement", "refuse_transaction_control", "statements", "without_frame"]

_COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})
_RESTRICT = re.compile(r"^\\(?:un)?restrict\b.*$", re.MULTILINE)  # pg_dump writes them for psql; harmless to leave out
_COPY_DATA = re.compile(r"^COPY\s[^;]*\sFROM\s+STDIN\b", re.MULTILINE | re.IGNORECASE)
_BEGIN = (("BEGIN_P",), ("BEGIN_P", "TRANSACTION"), ("BEGIN_P", "WORK"), ("START", "TRANSACTION"))
_COMMIT = (("COMMIT",), ("COMMIT", "TRANSACTION"), ("COMMIT", "WORK"), ("END_P",), ("END_P", "TRANSACTION"))
_ENDS = frozenset({"BEGIN_P", "START", "COMMIT", "END_P", "ABORT_P", "ROLLBACK"})


@dataclass(frozen=True)
class Statement:
    """One statement: its text, the line of the file it begins in, and the names of its first words for the scanner."""

    text: str
    line: int
    words: tuple[str, ...]
    size: int
    """How many words and signs it has."""

    @property
    def concurrent(self) -> bool:
        """Whether it builds, rebuilds or drops without keeping others waiting."""
        return "CONCURRENTLY" in self.words


def statements(text: str, path: Path) -> tuple[Statement, ...]:
    """Raises ConfigurationError, with file and line, for what only psql understands, or cannot be read."""
    text = _RESTRICT.sub(lambda found: " " * len(found[0]), text)
    try:
        tokens = [token for token in scan(text) if token.name not in _COMMENTS]
    except ParseError as error:
        if data := _COPY_DATA.search(text):
            raise _only_psql(path, text, data.start(), "`COPY … FROM stdin`") from error
        said, place = error.args if len(error.args) > 1 else (str(error), 0)
        raise ConfigurationError(f"{path.name}:{_line(text, int(place))}: {str(said).splitlines()[0]}") from error
    return tuple(_statement(text, group, path) for group in _groups(tokens))


def _groups(tokens: Sequence[Any]) -> Iterator[list[Any]]:
    """The tokens of each statement, without its semicolon."""
    group: list[Any] = []
    parentheses, body = 0, 0
    for token in tokens:
        if token.name == "ASCII_59" and parentheses <= 0 and body <= 0:
            if group:
                yield group
            group, parentheses, body = [], 0, 0
            continue
        parentheses += {"ASCII_40": 1, "ASCII_41": -1}.get(token.name, 0)
        if body or (token.name == "ATOMIC" and group and group[-1].name == "BEGIN_P"):
            # BEGIN ATOMIC … END: a body that holds semicolons; CASE … END is inside of it
            body += {"ATOMIC": 1, "CASE": 1, "END_P": -1}.get(token.name, 0)
        group.append(token)
    if group:
        yield group


def _statement(text: str, group: Sequence[Any], path: Path) -> Statement:
    first, last = group[0], group[-1]
    if strange := next((token for token in group if token.name == "ASCII_92"), None):
        word = re.match(r"\\\S{0,20}", text[strange.start :])
        raise _only_psql(path, text, strange.start, f"`{word[0] if word else ''}`")
    names = [token.name for token in group]
    if names[0] == "COPY" and "FROM" in names and names[names.index("FROM") + 1 :][:1] == ["STDIN"]:
        raise _only_psql(path, text, first.start, "`COPY … FROM stdin`")
    words = tuple(name for name in names[:12] if not name.startswith("ASCII_"))
    return Statement(text[first.start : last.end + 1], _line(text, first.start), words, len(group))


def _only_psql(path: Path, text: str, place: int, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name}:{_line(text, place)}: {what} is understood by psql alone; write SQL that the server understands "
        "(pg_dump --inserts for rows)"
    )


def without_frame(found: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements between one BEGIN at the start and one COMMIT at the end: the run opens a transaction anyway."""
    if len(found) > 1 and found[0].words in _BEGIN and found[-1].words in _COMMIT:
        return tuple(found[1:-1])
    return tuple(found)


def refuse_transaction_control(found: Sequence[Statement], path: Path) -> None:
    """Raises RefusedError, with file and line, for a statement that ends the transaction which it should run in."""
    for statement in found:
        first, rest = statement.words[0] if statement.words else "", statement.words[1:]
        savepoint = first == "ROLLBACK" and "TO" in rest
        prepared = first == "PREPARE" and rest[:1] == ("TRANSACTION",)
        if (first in _ENDS and not savepoint) or prepared:
            shown = " ".join(statement.text.split())[:40]
            raise RefusedError(
                f"{path.name}:{statement.line}: `{shown}` ends or begins a transaction, and the file runs in one of "
                "its own: what came before would stay if the rest failed. Take it out, split the file, or write "
                "`-- migrate: no-transaction` in its first line; nothing was run"
            )


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
