"""Rows of the past that lie beside the live tables, put back where they are lost: nothing but lost rows changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.operations.beside_tables import (
    PREFIX,
    beside_name,
    common_columns,
    compared,
    joined,
    primary_key,
    split,
)
from runbook_steps.operations.database_session import Connection, session
from runbook_steps.operations.postgres_connection import Database

__all__ = ["put_back"]


@dataclass(frozen=True)
class PutBack:
    """One table: rows that are back, rows that collide with newer ones, and checks that are NOT VALID now."""

    back: int
    collide: int
    not_valid: tuple[str, ...] = ()


def beside_schemas(live: Connection) -> dict[str, list[tuple[str, str]]]:
    """Schema → the tables (schema, name) whose rows are in it."""
    rows = live.execute(
        "SELECT n.nspname::text, c.relname::text FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid "
        "AND c.relkind = 'r' WHERE n.nspname ~ %s AND "
        "obj_description(n.oid, 'pg_namespace') LIKE 'rows of %%' ORDER BY 1, 2",
        [f"^{PREFIX}[0-9]{{8}}_[0-9]{{6}}$"],
    ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for schema, table in rows:
        found.setdefault(schema, [])
        if table:
            found[schema].append(split(table))
    return found


def put_back(database: Database, schema: str, *, keep: bool) -> dict[str, PutBack]:
    """Inserts the rows of `schema` that are missing in the live tables, all or none, then drops `schema`.

    Triggers do not fire, so rows come back as they were; a check that refuses old rows is NOT VALID after.
    Raises RefusedError for a schema that is none of ours, OperationError with PostgreSQL's words.
    """
    with session(database) as live:
        tables = beside_schemas(live).get(schema)
        if tables is None:
            raise RefusedError(f"{schema} holds no rows of a backup; `restore … --tables … --beside` makes one")
        try:
            with live.transaction():
                done = {f"{name}.{table}": _insert(live, schema, name, table) for name, table in _ordered(live, tables)}
                if not keep:
                    live.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
        except psycopg.errors.ForeignKeyViolation as error:
            said = error.diag.message_primary
            raise OperationError(
                f"{said}: rows of another table are lost too; restore that one beside as well. Nothing was changed"
            ) from error
    return done


def _ordered(live: Connection, tables: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that others refer to first."""
    names = {pair: sql.Identifier(*pair).as_string(live) for pair in tables}
    rows = live.execute(
        "SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid"
    ).fetchall()
    numbers = {pair: live.execute("SELECT to_regclass(%s)::oid", [name]).fetchone() for pair, name in names.items()}
    oids = {pair: row[0] for pair, row in numbers.items() if row}
    left, done = list(tables), []
    while left:
        waiting = {oids[pair] for pair in left}
        free = [p for p in left if not any(child == oids[p] and parent in waiting for child, parent in rows)]
        done += free or left
        left = [pair for pair in left if pair not in done]
    return done


def _insert(live: Connection, beside: str, schema: str, table: str) -> PutBack:
    there, here = sql.Identifier(beside, beside_name(schema, table)), sql.Identifier(schema, table)
    before = compared(live, beside, schema, table)
    columns = sql.SQL(", ").join(map(sql.Identifier, common_columns(live, schema, table, beside)))
    statement = sql.SQL(
        "INSERT INTO {here} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {there} b WHERE NOT EXISTS "
        "(SELECT FROM {here} l WHERE {joined}) ON CONFLICT DO NOTHING"
    ).format(here=here, there=there, columns=columns, joined=joined(primary_key(live, schema, table)))
    loose: dict[str, str] = {}
    with _triggers_off(live, here):
        while True:
            try:
                with live.transaction():
                    back = live.execute(statement).rowcount
            except psycopg.errors.CheckViolation as error:
                name = error.diag.constraint_name or ""
                if not name or name in loose:
                    raise
                loose[name] = _put_aside(live, here, name)
            else:
                break
    for name, text in loose.items():
        words = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {} NOT VALID")
        live.execute(words.format(here, sql.Identifier(name), sql.SQL(text.removesuffix(" NOT VALID"))))
    return PutBack(back, before.missing - back, tuple(loose))


def _put_aside(live: Connection, table: sql.Identifier, name: str) -> str:
    row = live.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass(%s) AND conname = %s",
        [table.as_string(live), name],
    ).fetchone()
    live.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(table, sql.Identifier(name)))
    return str(row[0]) if row else ""


@contextmanager
def _triggers_off(live: Connection, table: sql.Identifier) -> Iterator[None]:
    found = live.execute(
        "SELECT tgname::text, tgenabled::text FROM pg_trigger WHERE tgrelid = to_regclass(%s) AND NOT tgisinternal "
        "AND tgenabled IN ('O', 'A')",
        [table.as_string(live)],
    ).fetchall()
    change = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
    for name, _ in found:
        live.execute(change.format(table, sql.SQL("DISABLE"), sql.Identifier(name)))
    yield
    for name, state in found:
        live.execute(change.format(table, sql.SQL("ENABLE ALWAYS" if state == "A" else "ENABLE"), sql.Identifier(name)))
