"""A session for backups: it waits as long as it must, hides no row, and reads names of any encoding.

What an application sets for its database or its role (time limits, read-only, a search path, formats) is meant
for the application: here it would end a backup half-way, or make two equal values look different.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.adapt import Buffer, Loader

from runbook_steps.operations.postgres_connection import Database, connect

__all__ = [
    "AMOUNTS",
    "AS_ITSELF",
    "SAME_TEXT",
    "TOOL_OPTIONS",
    "literal",
    "one",
    "query",
    "query_by_any_path",
    "query_nothing",
    "session",
]

Connection = psycopg.Connection[Any]

_RAW = {"SQL_ASCII", "MULE_INTERNAL"}  # no conversion to UTF-8: bytes are taken as they are
_READ_ONLY = "default_transaction_read_only"
_SETTINGS = {
    "search_path": "",  # so that every name is printed with its schema
    _READ_ONLY: "off",
    "row_security": "off",  # an error instead of rows that are silently left out
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "event_triggers": "off",
    "client_min_messages": "error",
    "DateStyle": "ISO, YMD",
    "TimeZone": "UTC",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "quote_all_identifiers": "off",
    "jit": "off",
}
TOOL_OPTIONS = (
    f"-c {_READ_ONLY}=off -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0"
)
"""From the first moment of a connection on, in pg_dump and pg_restore too, which reset most limits only after it."""
AMOUNTS = "-c lc_monetary=C"
"""Amounts of money are written and read in one way, whatever the database's own is: a new one has not got it yet."""
AS_ITSELF = "-c role=none"
"""For a superuser whom a setting of the database makes somebody else: it would not see everything."""
SAME_TEXT = (
    f"{AMOUNTS} -c TimeZone=UTC -c bytea_output=hex -c quote_all_identifiers=off -c standard_conforming_strings=on"
)
"""For pg_dump: equal values are written alike, whatever the database's own settings are."""


class _AnyBytes(Loader):
    """Text whose bytes may be no UTF-8: each byte that is none becomes one lone surrogate, and back again."""

    def load(self, data: Buffer) -> str:
        """The text."""
        return bytes(data).decode("utf-8", "surrogateescape")


@contextmanager
def session(database: Database, name: str | None = None, *, reads: bool = False) -> Iterator[Connection]:
    """A connection in autocommit with settings of its own. Raises Unreachable, without a secret.

    With `reads` the server lets it write nothing.
    """
    settings = {**_SETTINGS, _READ_ONLY: "on" if reads else "off"}
    options = TOOL_OPTIONS.replace(f"{_READ_ONLY}=off", f"{_READ_ONLY}={settings[_READ_ONLY]}")
    # the encoding that every database can be read in, until it is known which one it has
    with connect(database, name, options=options, client_encoding="SQL_ASCII") as connection:
        if not _acts_as_another(connection):
            _settle(connection, settings)
            yield connection
            return
    with connect(database, name, options=f"{options} {AS_ITSELF}", client_encoding="SQL_ASCII") as connection:
        _settle(connection, settings)
        yield connection


def _acts_as_another(connection: Connection) -> bool:
    """Whether a superuser signed in, and a setting of the database makes somebody with fewer rights of it."""
    found = connection.execute(
        "SELECT rolsuper AND session_user <> current_user FROM pg_catalog.pg_roles WHERE rolname = session_user"
    ).fetchone()
    return found is not None and bool(found[0]) and "role=" not in connection.info.options


def _settle(connection: Connection, settings: Mapping[str, str]) -> None:
    raw = connection.info.parameter_status("server_encoding") in _RAW
    # what all databases share (comments on them, their settings) is kept in the encoding of whichever wrote it
    for kind in ("text", "name", "varchar", "bpchar", '"char"', "json"):
        connection.adapters.register_loader(kind, _AnyBytes)
    connection.execute(f"SET client_encoding = '{'SQL_ASCII' if raw else 'UTF8'}'".encode())
    # a setting that this version does not have, or that this role may not change, is left out
    known = connection.execute(
        "SELECT lower(name) FROM pg_catalog.pg_settings WHERE context = 'user' "
        "OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)"
    ).fetchall()
    there = {str(name) for (name,) in known}
    # each by its name and value, written down: the guard of a live target lets nothing else set anything
    calls = [
        sql.SQL("pg_catalog.set_config({}, {}, false)").format(sql.Literal(name), sql.Literal(value))
        for name, value in settings.items()
        if name.lower() in there
    ]
    connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls)))


def literal(text: str | None) -> str:
    """A text as a constant of SQL, for `query_nothing`: its bytes may be no UTF-8."""
    return "NULL" if text is None else "E'{}'".format(text.replace("\\", "\\\\").replace("'", "''"))


def query(connection: Connection, text: str) -> list[tuple[Any, ...]]:
    """What a statement gives; its text may hold names that are no UTF-8."""
    return connection.execute(text.encode("utf-8", "surrogateescape")).fetchall()


_NAMES = (
    psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedObject, psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn, psycopg.errors.InvalidSchemaName,
)  # fmt: skip
_ALL_SCHEMAS = """
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(nspname), ', ' ORDER BY nspname <> 'public', nspname)
FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
"""


def query_by_any_path(connection: Connection, text: str) -> list[tuple[Any, ...]]:
    """The same of a statement that names no schema in what it gives.

    A function in an index, of which the server already knows the body when it plans, may find its names by the search
    path of the application: where one is missing, all schemas are searched.
    """
    try:
        with connection.transaction():
            return query(connection, text)
    except _NAMES:
        with connection.transaction():
            (path,) = query(connection, _ALL_SCHEMAS)
            connection.execute("SELECT pg_catalog.set_config('search_path', %s, true)", path)
            return query(connection, text)


def query_nothing(connection: Connection, text: str) -> None:
    """Runs a statement that gives no rows; its text may hold names that are no UTF-8."""
    connection.execute(text.encode("utf-8", "surrogateescape"))


def one(connection: Connection, text: str) -> Any:
    """The first value of the first row, or None."""
    rows = query(connection, text)
    return rows[0][0] if rows else None
