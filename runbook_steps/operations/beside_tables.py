"""A live table and the table of the past beside it: their names, their columns, and how their rows differ."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.database_session import Connection

__all__ = [
    "PREFIX",
    "Beside",
    "beside_name",
    "common_columns",
    "compared",
    "joined",
    "own_rows",
    "primary_key",
    "several",
    "split",
    "written",
]

PREFIX = "restored_"
_LONGEST = 63  # bytes of a name
_CUT = 54
_PART = r'(?:"((?:[^"]|"")+)"|([^".,][^.,]*))'


@dataclass(frozen=True)
class Beside:
    """One table: rows in the backup, rows now, rows of the backup that are missing now, and that are other now."""

    in_backup: int
    now: int
    missing: int
    changed: int


@dataclass(frozen=True)
class _Key:
    """A column of a key, and the operator by which its index takes two values for the same one."""

    column: str
    equal: str


def several(tables: str) -> list[str]:
    """`a, s.b, "c,d"` → the three; a comma between quotes parts nothing."""
    return [name.strip() for name in re.findall(r'(?:"(?:[^"]|"")*"|[^",])+', tables) if name.strip()]


def split(table: str) -> tuple[str, str]:
    """`audit.notes` → schema and table; one without a schema is of `public`. A name with a dot stands in quotes."""
    found = re.fullmatch(rf"(?:{_PART}\.)?{_PART}", table)
    if found is None:
        raise RefusedError(f"{table} is no table's name: write schema.table, and in quotes a name with a dot or comma")
    schema, plain_schema, name, plain_name = found.groups()
    return (
        schema.replace('""', '"') if schema else plain_schema or "public",
        name.replace('""', '"') if name else plain_name,
    )


def written(schema: str, table: str) -> str:
    """What `split` reads: quotes only where it takes them."""
    return ".".join(
        name if re.fullmatch(r'[^".,\s][^.,]*(?<!\s)', name) else '"{}"'.format(name.replace('"', '""'))
        for name in (schema, table)
    )


def beside_name(schema: str, table: str) -> str:
    """Its name in the schema beside: readable, and no other table's. Its comment says which one it is."""
    name = table if schema == "public" else f"{schema}.{table}"
    seen = name.encode("utf-8", "surrogateescape")
    if len(seen) <= _LONGEST and "." not in table and "." not in schema:
        return name
    whole = written(schema, table).encode("utf-8", "surrogateescape")
    return f"{seen[:_CUT].decode('utf-8', 'ignore')}_{hashlib.sha256(whole).hexdigest()[:8]}"


def primary_key(live: Connection, schema: str, table: str) -> list[_Key]:
    """The columns of the live table's key, in its order; none when it has no key or is gone."""
    rows = live.execute(
        "SELECT a.attname::text, coalesce((SELECT format('OPERATOR(%%I.%%s)', n.nspname, o.oprname) FROM pg_amop m "
        "JOIN pg_operator o ON o.oid = m.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace "
        "JOIN pg_am w ON w.oid = m.amopmethod WHERE w.amname = 'btree' AND m.amopstrategy = 3 "
        "AND m.amopfamily = c.opcfamily AND m.amoplefttype = c.opcintype AND m.amoprighttype = c.opcintype), "
        "'OPERATOR(pg_catalog.=)') FROM pg_index i, unnest(i.indkey, i.indclass) WITH ORDINALITY k(n, class, place) "
        "JOIN pg_opclass c ON c.oid = k.class JOIN pg_attribute a ON a.attnum = k.n "
        "WHERE i.indrelid = to_regclass(%s) AND a.attrelid = i.indrelid AND i.indisprimary ORDER BY place",
        [sql.Identifier(schema, table).as_string(live)],
    ).fetchall()
    return [_Key(str(name), str(equal)) for name, equal in rows]


def own_rows(live: Connection, schema: str, table: str) -> sql.Composed:
    """What stands behind FROM for the rows that a backup has under this name: not those of inheriting tables."""
    row = live.execute(
        "SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)",
        [sql.Identifier(schema, table).as_string(live)],
    ).fetchone()
    return sql.SQL("{} {}").format(sql.SQL("ONLY" if row == ("r",) else ""), sql.Identifier(schema, table))


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


def joined(key: Sequence[_Key]) -> sql.Composed:
    """Live row `l` and row `b` of the past are the same one."""
    return sql.SQL(" AND ").join(
        sql.SQL("l.{0} {1} b.{0}").format(sql.Identifier(each.column), sql.SQL(each.equal)) for each in key
    )


def compared(live: Connection, beside: str, schema: str, table: str) -> Beside:
    """Counts. Raises RefusedError when the live table is gone, or has no key by which a row could be told."""
    there, here = sql.Identifier(beside, beside_name(schema, table)), own_rows(live, schema, table)
    total = _number(live, sql.SQL("SELECT count(*) FROM {}").format(there))
    key = primary_key(live, schema, table)
    if not key:
        raise RefusedError(
            f"{written(schema, table)} is gone, or has no primary key by which a lost row could be told: restore the "
            "whole backup into another database (--into) and look there"
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
