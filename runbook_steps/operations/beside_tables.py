"""A live table and the table of the past beside it: their names, their columns, and how their rows differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.database_session import Connection

__all__ = ["PREFIX", "Beside", "beside_name", "common_columns", "compared", "joined", "primary_key", "split"]

PREFIX = "restored_"


@dataclass(frozen=True)
class Beside:
    """One table: rows in the backup, rows now, rows of the backup that are missing now, and that are other now."""

    in_backup: int
    now: int
    missing: int
    changed: int


def split(table: str) -> tuple[str, str]:
    """`audit.notes` → schema and table; one without a schema is of `public`."""
    schema, _, name = table.rpartition(".")
    return schema or "public", name


def beside_name(schema: str, table: str) -> str:
    """Its name in the schema beside: `split` reads it back."""
    return table if schema == "public" else f"{schema}.{table}"


def primary_key(live: Connection, schema: str, table: str) -> list[str]:
    """The columns of the live table's key, in its order; none when it has no key or is gone."""
    rows = live.execute(
        "SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(n, place) "
        "JOIN pg_attribute a ON a.attnum = k.n WHERE i.indrelid = to_regclass(%s) AND a.attrelid = i.indrelid "
        "AND i.indisprimary ORDER BY place",
        [sql.Identifier(schema, table).as_string(live)],
    ).fetchall()
    return [str(name) for (name,) in rows]


def common_columns(live: Connection, schema: str, table: str, beside: str) -> list[str]:
    """Columns that can be written and that both have."""
    rows = live.execute(
        "SELECT a.attname::text FROM pg_attribute a JOIN pg_attribute b USING (attname) WHERE a.attnum > 0 AND "
        "NOT a.attisdropped AND NOT b.attisdropped AND a.attgenerated = '' AND a.attrelid = to_regclass(%s) "
        "AND b.attrelid = to_regclass(%s) ORDER BY a.attnum",
        [
            sql.Identifier(schema, table).as_string(live),
            sql.Identifier(beside, beside_name(schema, table)).as_string(live),
        ],
    ).fetchall()
    return [str(name) for (name,) in rows]


def joined(key: Sequence[str]) -> sql.Composed:
    """Live row `l` and row `b` of the past are the same one."""
    return sql.SQL(" AND ").join(sql.SQL("l.{0} = b.{0}").format(sql.Identifier(name)) for name in key)


def compared(live: Connection, beside: str, schema: str, table: str) -> Beside:
    """Counts. Raises RefusedError when the live table is gone, or has no key by which a row could be told."""
    there, here = sql.Identifier(beside, beside_name(schema, table)), sql.Identifier(schema, table)
    total = _number(live, sql.SQL("SELECT count(*) FROM {}").format(there))
    key = primary_key(live, schema, table)
    if not key:
        raise RefusedError(
            f"{schema}.{table} is gone, or has no primary key by which a lost row could be told: restore the whole "
            "backup into another database (--into) and look there"
        )
    now = _number(live, sql.SQL("SELECT count(*) FROM {}").format(here))
    missing = _number(
        live,
        sql.SQL("SELECT count(*) FROM {} b WHERE NOT EXISTS (SELECT FROM {} l WHERE {})").format(
            there, here, joined(key)
        ),
    )
    columns = [sql.Identifier(name) for name in common_columns(live, schema, table, beside)]
    mine, other = (
        sql.SQL(", ").join(sql.SQL("{}.{}::text").format(sql.Identifier(side), name) for name in columns)
        for side in "lb"
    )
    changed = _number(
        live,
        sql.SQL("SELECT count(*) FROM {} b JOIN {} l ON {} WHERE ROW({}) IS DISTINCT FROM ROW({})").format(
            there, here, joined(key), mine, other
        ),
    )
    return Beside(total, now, missing, changed)


def _number(live: Connection, statement: sql.Composed) -> int:
    row = live.execute(statement).fetchone()
    return int(row[0]) if row else 0
