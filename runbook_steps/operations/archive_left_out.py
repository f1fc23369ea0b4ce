"""Indexes and constraints that the rows of an archive do not allow today: left out, and told with PostgreSQL's reason.

Two rows of one key, which a broken index let in; a function in an index that was changed since, and fails now or gives
two rows one value. The rows are all there: a backup that could never be restored for an index's sake would be worse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import psycopg

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.archive_views import MISSING, is_to_blame
from runbook_steps.operations.database_session import Connection, query_nothing, session
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import kind_of

if TYPE_CHECKING:
    from runbook_steps.operations.archive_restore import Archive

__all__ = ["LEFT_OUT", "built", "tolerated", "without_words"]

LEFT_OUT = "left out: "  # how one is told: `left out: index i of public.t: why`
_NAME = r'(?:"(?:[^"]|"")*"|[^\s".:;]+)'
_TABLE = rf"{_NAME}\.{_NAME}"
_MADE = {
    "index": rf"^CREATE (?:UNIQUE )?INDEX (?P<name>{_NAME}) ON (?:ONLY )?(?P<table>{_TABLE}) .*?;$",
    "constraint": rf"^ALTER TABLE (?:ONLY )?(?P<table>{_TABLE})\n\s+ADD CONSTRAINT (?P<name>{_NAME}) .*?;$",
}
_KINDS = ("INDEX ", "CONSTRAINT ")
_TOLD = re.compile(rf"{LEFT_OUT}(?:index|constraint) (?P<name>{_NAME}) of (?P<schema>{_NAME})\.(?P<table>{_NAME}): ")
_THERE = "already exists"
_ATTACHED = "INDEX ATTACH "


def built(
    database: Database, name: str, archive: Archive, entries: Sequence[str], run: Callable[[Sequence[str]], None],
    *, known: Sequence[str],
) -> list[str]:  # fmt: skip
    """Builds what stands behind the rows: all at once, one by one where that fails; gives what is left out, and why.

    What is `known` to be left out is left out again. Raises OperationError for all that the rows, or the functions of
    the database, are not to blame for.
    """
    told = [each for each in known if each.startswith(LEFT_OUT)]
    if not told:
        try:
            run(entries)
        except OperationError as error:
            if MISSING in str(error) and not archive.path:
                raise
        else:
            return []
    with session(database, name) as connection:
        if archive.path:
            connection.execute("RESET search_path")
        for entry in entries:
            text = archive.text(database, [entry]) if told and kind_of(entry).startswith(_KINDS) else ""
            if text and any(each.startswith(_named(text)[0]) for each in told):
                continue
            try:
                run([entry])
            except OperationError as error:
                if _THERE in str(error) or (told and kind_of(entry).startswith(_ATTACHED)):
                    continue
                told += _left_out(connection, archive.text(database, [entry]), error, by_path=bool(archive.path))
    return told


def _left_out(connection: Connection, text: str, first: OperationError, *, by_path: bool) -> list[str]:
    """Once more where the server says by a number what is wrong. Raises `first` where nothing may be left out."""
    named, statement = _named(text)
    if not statement:
        raise first
    try:
        query_nothing(connection, statement)
    except psycopg.Error as error:
        unread = isinstance(error, psycopg.errors.SyntaxError)  # a text in it looks like its end
        if unread or connection.closed or not is_to_blame(error, by_path=by_path):
            raise first from error
        return [f"{named}{error.diag.message_primary}"]
    return []


def _named(text: str) -> tuple[str, str]:
    """How that of an entry is told, and what makes it; nothing of other kinds."""
    for kind, pattern in _MADE.items():
        if found := re.search(pattern, text, re.MULTILINE | re.DOTALL):
            return f"{LEFT_OUT}{kind} {found['name']} of {found['table']}: ", found[0]
    return "?", ""


def _names(told: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Name, schema, table of each that is left out."""
    return ((found["name"], found["schema"], found["table"]) for found in filter(None, map(_TOLD.match, told)))


def tolerated(told: Iterable[str]) -> set[str]:
    """What a comparison may say of them; the table's definition itself is compared as text."""
    known: set[str] = set()
    for name, schema, table in _names(told):
        index, constraint = f"index {schema}.{name}", f"table constraint {name} on {schema}.{table}"
        known |= {f"{each} is missing" for each in (index, f"comment on {index}", f"comment on {constraint}")}
        known.add(f"table {schema}.{table} differs")
    return known


def without_words(entries: Sequence[str], told: Sequence[str]) -> list[str]:
    """The entries but for comments on what is left out."""
    endings = [part for name, _, _ in _names(told) for part in (f" INDEX {name} ", f" CONSTRAINT {name} ON ")]
    return [
        entry
        for entry in entries
        if not (kind_of(entry).startswith("COMMENT ") and any(part in kind_of(entry) for part in endings))
    ]
