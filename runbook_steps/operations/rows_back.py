"""Rows of the past that lie beside the live tables, put back where they are lost: nothing but lost rows changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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
    own_rows,
    primary_key,
    split,
    written,
)
from runbook_steps.operations.database_session import Connection, one, session
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
        "SELECT n.nspname::text, obj_description(c.oid, 'pg_class') FROM pg_namespace n "
        "LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind = 'r' WHERE n.nspname ~ %s AND "
        "obj_description(n.oid, 'pg_namespace') LIKE 'rows of %%' ORDER BY 1, 2",
        [f"^{PREFIX}[0-9]{{8}}_[0-9]{{6}}(_[0-9]+)?$"],
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
        if one(live, "SELECT current_setting('session_replication_role') <> 'origin'"):
            live.execute("SET session_replication_role = origin")  # or no foreign key would be looked at
        try:
            with live.transaction():
                done = {written(*pair): _insert(live, schema, *pair) for pair in _ordered(live, tables)}
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
    lost = sql.SQL("FROM {} b WHERE NOT EXISTS (SELECT FROM {} l WHERE {})").format(
        there, own_rows(live, schema, table), joined(primary_key(live, schema, table))
    )
    insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} ").format(here, columns, columns)
    loose: dict[str, str] = {}
    with _asleep(live, here):
        while True:
            try:
                with live.transaction():
                    back = _all_that_fit(live, here, insert, lost)
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


_TREE = "(SELECT to_regclass({0}) UNION SELECT relid FROM pg_partition_tree(to_regclass({0})))"


@contextmanager
def _asleep(live: Connection, table: sql.Identifier) -> Iterator[None]:
    """Its triggers and rules, those of its partitions too; each is in its own state again after."""
    found = _query_of(
        live,
        f"SELECT tgrelid::regclass::text, 'TRIGGER', quote_ident(tgname), tgenabled::text FROM pg_trigger WHERE "  # noqa: S608
        f"NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgrelid IN {_TREE} UNION ALL "
        "SELECT ev_class::regclass::text, 'RULE', quote_ident(rulename), ev_enabled::text FROM pg_rewrite WHERE "
        "ev_type = '3' AND ev_enabled IN ('O', 'A') AND ev_class = to_regclass({0})",
        table,
    )
    for relation, kind, name, _ in found:
        live.execute(_switch(relation, "DISABLE", kind, name))
    yield
    for relation, kind, name, state in found:
        live.execute(_switch(relation, "ENABLE ALWAYS" if state == "A" else "ENABLE", kind, name))


def _switch(relation: str, change: str, kind: str, name: str) -> sql.SQL:
    """Of this table alone: a partition's trigger may sleep while its parent's is awake. The server quoted the names."""
    return sql.SQL(f"ALTER TABLE {'ONLY ' if kind == 'TRIGGER' else ''}{relation} {change} {kind} {name}")


def _query_of(live: Connection, text: str, table: sql.Identifier) -> list[tuple[str, ...]]:
    """What a statement about one table gives; `{0}` in it stands for the table's name."""
    return live.execute(text.format(sql.Literal(table.as_string(live)).as_string(live)).encode()).fetchall()


def _all_that_fit(live: Connection, table: sql.Identifier, insert: sql.Composed, lost: sql.Composed) -> int:
    """Inserts the rows that no newer one collides with; gives how many."""
    late = _query_of(
        live,
        "SELECT quote_ident(nspname) || '.' || quote_ident(conname) FROM pg_constraint JOIN pg_namespace n "  # noqa: S608
        f"ON n.oid = connamespace WHERE condeferrable AND contype IN ('p', 'u', 'x') AND conrelid IN {_TREE}",
        table,
    )
    updates = _query_of(
        live, "SELECT rulename FROM pg_rewrite WHERE ev_type = '2' AND ev_class = to_regclass({0})", table
    )
    if not late and not updates:
        return live.execute(insert + lost + sql.SQL(" ON CONFLICT DO NOTHING")).rowcount
    # PostgreSQL has no ON CONFLICT where a constraint may be checked late, or a rule rewrites updates
    for (name,) in late:
        live.execute(f"SET CONSTRAINTS {name} IMMEDIATE".encode())
    collides = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
    with suppress(*collides), live.transaction():
        return live.execute(insert + lost).rowcount
    back = 0
    for (place,) in live.execute(sql.SQL("SELECT b.ctid::text {}").format(lost)).fetchall():
        with suppress(*collides), live.transaction():
            this = sql.SQL("{} AND b.ctid = {}::tid").format(lost, sql.Literal(place))
            back += live.execute(insert + this).rowcount
    return back
