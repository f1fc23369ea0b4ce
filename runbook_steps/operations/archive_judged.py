"""What of an archive only a superuser may make or give, read, judged by its kind, and run as the bytes that were read.

A statement is let through when it runs nobody's code: it makes something out of names (an extension, a cast, an
operator class), or gives it an owner, privileges or a comment. All else is made by the restoring role, or refused by
name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pglast
from pglast import ast, enums
from pglast.parser import ParseError, split

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.archive_kinds import (
    MAKERS,
    OF_SOME,
    TRIGGERS,
    WORDS,
    gives_owner,
    gives_words,
    makers_of,
    may_follow,
    only_a_superuser,
    refuse_code,
)
from runbook_steps.operations.postgres_programs import kind_of

__all__ = ["Judged", "Parts", "judge"]

Read = Callable[[Sequence[str]], str]
"""Gives what pg_restore would run for entries."""

_HEADER = frozenset({
    "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout",
    "client_encoding", "standard_conforming_strings", "check_function_bodies", "xmloption", "client_min_messages",
    "row_security", "default_tablespace", "default_table_access_method", "search_path",
})  # fmt: skip
_PATH = "SELECT pg_catalog.set_config('search_path', '', false)"
_DATA = ("TABLE DATA ", "SEQUENCE SET ", "BLOBS ", "MATERIALIZED VIEW DATA ", "STATISTICS DATA ")


@dataclass(frozen=True)
class Judged:
    """`made`: entry → statements in its place; `owners` and `words` (privileges, comments, labels) for the end.

    `views` are the statements that fill materialized views, each with the owner of its view.
    """

    made: Mapping[str, tuple[bytes, ...]]
    owners: tuple[bytes, ...]
    words: tuple[bytes, ...]
    last: tuple[bytes, ...]
    views: tuple[tuple[bytes, str], ...]
    encoding: str


@dataclass(frozen=True)
class _Statement:
    tree: Any
    text: bytes

    @property
    def shown(self) -> str:
        """How it begins: what is behind may be a secret."""
        return " ".join(self.text.decode("utf-8", "replace").split()[:4])


@dataclass(frozen=True)
class Parts:
    """The entries of an archive: all but event triggers; privileges and comments; views to be filled; the triggers."""

    all: Sequence[str]
    words: Sequence[str]
    views: Sequence[str]
    last: Sequence[str]


def judge(parts: Parts, settings: frozenset[str], read: Read) -> Judged:
    """What of an archive is not left to the restoring role, before anything is restored.

    `settings` are those that everybody may change. Raises RefusedError naming what no dump should hold.
    """
    made = dict(_made([entry for entry in parts.all if makers_of(entry)[0]], settings, read))
    text = _readable(read([entry for entry in parts.all if not kind_of(entry).startswith(_DATA)]))
    owners, of_views = _owners(text)
    found = re.search(r"^SET client_encoding = '(\w+)';$", text, re.MULTILINE)

    def told(entries: Sequence[str]) -> list[_Statement]:
        return _statements(read(entries)) if entries else []

    return Judged(
        made,
        owners,
        tuple(_allowed(each, WORDS) for each in told(parts.words)),
        tuple(_allowed(each, TRIGGERS) for each in told(parts.last)),
        tuple(_filled(each, of_views) for each in told(parts.views)),
        found[1] if found else "UTF8",
    )


def _readable(text: str) -> str:
    """One character for each byte, without what is meant for psql. What is text and what is not is then read alike."""
    seen = text.encode("utf-8", "surrogateescape").decode("latin-1")
    if not re.search(r"^SET standard_conforming_strings = on;$", seen, re.MULTILINE):
        raise RefusedError("the archive writes text in the way of PostgreSQL 8 (standard_conforming_strings is off)")
    token = re.search(r"^\\restrict (\w+)$", seen, re.MULTILINE)
    return re.sub(rf"^\\(?:un)?restrict {token[1]}$", "", seen, flags=re.MULTILINE) if token else seen


def _statements(text: str) -> list[_Statement]:
    """Those behind the header. Raises ParseError."""
    seen = _readable(text)
    found = []
    for part in split(seen, only_slices=True):
        own = seen[part]
        (raw,) = pglast.parse_sql(own)
        statement = _Statement(raw.stmt, own.encode("latin-1"))
        if not _of_the_header(statement.tree, own):
            found.append(statement)
    return found


def _of_the_header(tree: Any, text: str) -> bool:
    return (isinstance(tree, ast.VariableSetStmt) and tree.name in _HEADER) or text.strip() == _PATH


def _made(candidates: Sequence[str], settings: frozenset[str], read: Read) -> Iterator[tuple[str, tuple[bytes, ...]]]:
    for entry, statements in _each(candidates, read) if candidates else ():
        start, types = makers_of(entry)
        first = statements[0] if statements else None
        if start in OF_SOME and not (
            first is not None and isinstance(first.tree, types) and only_a_superuser(first.tree, settings)
        ):
            continue  # it is made by the restoring role
        if first is None or not isinstance(first.tree, types):
            raise RefusedError(f"the archive holds no definition under {kind_of(entry)}: nothing was restored")
        refuse_code(entry, first.tree)
        more = [each for each in statements[1:] if not gives_owner(each.tree)]
        if wrong := next((each for each in more if not may_follow(each.tree)), None):
            raise RefusedError(f"the archive holds under {kind_of(entry)}: {wrong.shown} …: nothing was restored")
        yield entry, (first.text, *(each.text for each in more))


def _each(candidates: Sequence[str], read: Read) -> Iterator[tuple[str, list[_Statement]]]:
    """Entry → its statements: of all at once, or, where that cannot be told apart, one by one."""
    try:
        statements = _statements(read(candidates))
    except ParseError:
        statements = []
    starts = [n for n, each in enumerate(statements) if isinstance(each.tree, MAKERS)]
    if len(starts) == len(candidates) and not starts[0]:
        for entry, (start, end) in zip(candidates, pairwise([*starts, len(statements)]), strict=True):
            yield entry, statements[start:end]
        return
    for entry in candidates:
        try:
            yield entry, _statements(read([entry]))
        except ParseError:  # of a newer server
            yield entry, []


def _owners(text: str) -> tuple[tuple[bytes, ...], dict[tuple[str, str], str]]:
    """The statements that give owners, those of sequences last, which have their table's; and who has which view."""
    found: list[bytes] = []
    sequences: list[bytes] = []
    views: dict[tuple[str, str], str] = {}
    for part in split(text, with_parser=False, only_slices=True):
        own = re.sub(r"\A(?:\s*--[^\n]*\n)*\s*", "", text[part])
        if not own.startswith("ALTER ") or " OWNER TO " not in own:
            continue
        try:
            parsed = pglast.parse_sql(own)
        except ParseError:
            continue
        if len(parsed) != 1 or not gives_owner(tree := parsed[0].stmt):
            continue
        is_sequence = isinstance(tree, ast.AlterTableStmt) and tree.objtype == enums.ObjectType.OBJECT_SEQUENCE
        (sequences if is_sequence else found).append(own.encode("latin-1"))
        if isinstance(tree, ast.AlterTableStmt) and tree.relation is not None:
            for command in tree.cmds or ():
                place = str(tree.relation.schemaname), str(tree.relation.relname)
                views[place] = str(getattr(command.newowner, "rolename", None) or "")
    return (*found, *sequences), views


def _allowed(statement: _Statement, kinds: tuple[type, ...]) -> bytes:
    if gives_words(statement.tree, kinds):
        return statement.text
    raise RefusedError(f"the archive holds among privileges and comments: {statement.shown} …: nothing was restored")


def _filled(statement: _Statement, owners: Mapping[tuple[str, str], str]) -> tuple[bytes, str]:
    tree = statement.tree
    if not isinstance(tree, ast.RefreshMatViewStmt) or tree.relation is None:
        raise RefusedError(f"the archive holds for a materialized view: {statement.shown} …: nothing was restored")
    owner = owners.get((str(tree.relation.schemaname), str(tree.relation.relname)), "")
    return statement.text, owner.encode("latin-1").decode("utf-8", "surrogateescape")
