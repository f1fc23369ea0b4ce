"""Rows of single tables: out of a backup into a schema beside the live tables, and from there back where they are lost.

Nothing but the lost rows changes: what was written since the backup stays. It takes no right to create a database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

import pglast
import psycopg
from pglast import ast
from pglast.stream import RawStream
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.operations.archive_restore import Archive, chosen_entries, list_of
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.backup_verify import opened_archive, refuse_untrusted
from runbook_steps.operations.database_session import Connection, session
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import archived_sql, reading_rows

__all__ = ["put_back", "restore_beside"]

_PREFIX = "restored_"
_READ = 1 << 16


@dataclass(frozen=True)
class Beside:
    """One table: rows in the backup, rows now, rows of the backup that are missing now, and that are other now."""

    in_backup: int
    now: int
    missing: int
    changed: int


@dataclass(frozen=True)
class PutBack:
    """One table: rows that are back, rows that collide with newer ones, and checks that are NOT VALID now."""

    back: int
    collide: int
    not_valid: tuple[str, ...] = ()


def restore_beside(
    settings: BackupSettings, store: Store, manifest: Manifest, tables: Sequence[str], tell: Callable[[str], None]
) -> tuple[str, dict[str, Beside]]:
    """Makes a schema beside the live ones with the rows of `tables`; gives its name and how they differ from now.

    Raises RefusedError for a table that the backup does not have; OperationError; then the schema is gone again.
    """
    refuse_untrusted(settings, manifest)
    wanted = [_split(table) for table in tables]
    schema = f"{_PREFIX}{datetime.now(UTC):%Y%m%d_%H%M%S}"
    database = settings.database
    with opened_archive(settings, store, manifest, database.name, tell) as archive, session(database) as live:
        entries = {pair: _entries(database, archive, *pair) for pair in wanted}
        _may_create(live)
        live.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        live.execute(
            sql.SQL("COMMENT ON SCHEMA {} IS {}").format(
                sql.Identifier(schema), sql.Literal(f"rows of {manifest.backup_id}, made {manifest.created}")
            )
        )
        try:
            for (name, table), (definition, rows) in entries.items():
                tell(f"restoring {name}.{table} into {schema}")
                live.execute(_columns_only(archived(database, archive, definition), schema, _beside(name, table)))
                _copy(database, archive, rows, live, sql.Identifier(schema, _beside(name, table)))
            return schema, {f"{name}.{table}": _compared(live, schema, name, table) for name, table in wanted}
        except BaseException:
            live.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
            raise


def _split(table: str) -> tuple[str, str]:
    schema, _, name = table.rpartition(".")
    return schema or "public", name


def _beside(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _may_create(live: Connection) -> None:
    row = live.execute("SELECT has_database_privilege(current_database(), 'CREATE'), current_user::text").fetchone()
    if row and not row[0]:
        raise RefusedError(f"{row[1]} may not create a schema in this database: GRANT CREATE ON DATABASE is needed")


def _entries(database: Database, archive: Archive, schema: str, table: str) -> tuple[str, str]:
    """The entries of a table's definition and of its rows."""
    found = chosen_entries(database, archive, (f"TABLE {schema} {table} ", f"TABLE DATA {schema} {table} "))
    if len(found) != 2:  # noqa: PLR2004 - the definition and the rows
        raise RefusedError(f"the backup has no table {schema}.{table} with rows: name it as schema.table")
    return found[0], found[1]


def archived(database: Database, archive: Archive, entry: str) -> str:
    """What pg_restore would run for one entry."""
    with list_of([entry]) as file:
        return archived_sql(database, archive.file, archive.programs, ("--use-list", file))


def _columns_only(text: str, schema: str, table: str) -> sql.Composed:
    """The table with its columns and their types alone: no check, key or default may refuse an old row."""
    statement = re.sub(r"^\\.*$", "", text, flags=re.MULTILINE)
    create = next((raw.stmt for raw in pglast.parse_sql(statement) if isinstance(raw.stmt, ast.CreateStmt)), None)
    if create is None:
        raise OperationError(f"the backup's definition of {table} cannot be read")
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(column.colname), sql.SQL(RawStream()(column.typeName)))
        for column in create.tableElts or ()
        if isinstance(column, ast.ColumnDef) and column.colname and column.typeName
    ]
    return sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(schema, table), sql.SQL(", ").join(columns))


def _copy(database: Database, archive: Archive, entry: str, live: Connection, into: sql.Identifier) -> None:
    with list_of([entry]) as file, reading_rows(database, archive.file, archive.programs, file) as stream:
        encoding, header = "UTF8", b""
        for line in stream:
            if found := re.match(rb"SET client_encoding = '(\w+)';", line):
                encoding = found[1].decode()
            if line.startswith(b"COPY ") and line.rstrip().endswith(b"FROM stdin;"):
                header = line
                break
        if not header:
            return  # no rows
        columns = header[header.index(b" (") : header.rindex(b" FROM stdin")].decode(encoding, "surrogateescape")
        live.execute(sql.SQL("SET client_encoding TO {}").format(sql.Literal(encoding)))
        statement = sql.SQL("COPY {}{} FROM STDIN").format(into, sql.SQL(columns))
        with live.cursor().copy(statement) as copy:
            for line in _until_end(stream):
                copy.write(line)
        live.execute("SET client_encoding TO 'UTF8'")


def _until_end(stream: IO[bytes]) -> Iterator[bytes]:
    block: list[bytes] = []
    size = 0
    for line in stream:
        if line == b"\\.\n":
            break
        block.append(line)
        size += len(line)
        if size > _READ:
            yield b"".join(block)
            block, size = [], 0
    if block:
        yield b"".join(block)


def _key(live: Connection, schema: str, table: str) -> list[str]:
    rows = live.execute(
        "SELECT a.attname::text FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(n, place) "
        "JOIN pg_attribute a ON a.attnum = k.n WHERE i.indrelid = to_regclass(%s) AND a.attrelid = i.indrelid "
        "AND i.indisprimary ORDER BY place",
        [sql.Identifier(schema, table).as_string(live)],
    ).fetchall()
    return [str(name) for (name,) in rows]


def _common(live: Connection, schema: str, table: str, beside: str) -> list[str]:
    """Columns that can be written and that both have."""
    rows = live.execute(
        "SELECT a.attname::text FROM pg_attribute a JOIN pg_attribute b USING (attname) WHERE a.attnum > 0 AND "
        "NOT a.attisdropped AND NOT b.attisdropped AND a.attgenerated = '' AND a.attrelid = to_regclass(%s) "
        "AND b.attrelid = to_regclass(%s) ORDER BY a.attnum",
        [sql.Identifier(schema, table).as_string(live), sql.Identifier(beside, _beside(schema, table)).as_string(live)],
    ).fetchall()
    return [str(name) for (name,) in rows]


def _joined(key: Sequence[str]) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL("l.{0} = b.{0}").format(sql.Identifier(name)) for name in key)


def _compared(live: Connection, beside: str, schema: str, table: str) -> Beside:
    there, here = sql.Identifier(beside, _beside(schema, table)), sql.Identifier(schema, table)
    total = _number(live, sql.SQL("SELECT count(*) FROM {}").format(there))
    key = _key(live, schema, table)
    if not key:
        raise RefusedError(
            f"{schema}.{table} is gone, or has no primary key by which a lost row could be told: restore the whole "
            "backup into another database (--into) and look there"
        )
    now = _number(live, sql.SQL("SELECT count(*) FROM {}").format(here))
    missing = _number(
        live,
        sql.SQL("SELECT count(*) FROM {} b WHERE NOT EXISTS (SELECT FROM {} l WHERE {})").format(
            there, here, _joined(key)
        ),
    )
    columns = [sql.Identifier(name) for name in _common(live, schema, table, beside)]
    mine, other = (
        sql.SQL(", ").join(sql.SQL("{}.{}::text").format(sql.Identifier(side), name) for name in columns)
        for side in "lb"
    )
    changed = _number(
        live,
        sql.SQL("SELECT count(*) FROM {} b JOIN {} l ON {} WHERE ROW({}) IS DISTINCT FROM ROW({})").format(
            there, here, _joined(key), mine, other
        ),
    )
    return Beside(total, now, missing, changed)


def _number(live: Connection, statement: sql.Composed) -> int:
    row = live.execute(statement).fetchone()
    return int(row[0]) if row else 0


def beside_schemas(live: Connection) -> dict[str, list[tuple[str, str]]]:
    """Schema → the tables (schema, name) whose rows are in it."""
    rows = live.execute(
        "SELECT n.nspname::text, c.relname::text FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid "
        "AND c.relkind = 'r' WHERE n.nspname ~ %s AND "
        "obj_description(n.oid, 'pg_namespace') LIKE 'rows of %%' ORDER BY 1, 2",
        [f"^{_PREFIX}[0-9]{{8}}_[0-9]{{6}}$"],
    ).fetchall()
    found: dict[str, list[tuple[str, str]]] = {}
    for schema, table in rows:
        found.setdefault(schema, [])
        if table:
            found[schema].append(_split(table))
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
    there, here = sql.Identifier(beside, _beside(schema, table)), sql.Identifier(schema, table)
    before = _compared(live, beside, schema, table)
    columns = sql.SQL(", ").join(map(sql.Identifier, _common(live, schema, table, beside)))
    statement = sql.SQL(
        "INSERT INTO {here} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {there} b WHERE NOT EXISTS "
        "(SELECT FROM {here} l WHERE {joined}) ON CONFLICT DO NOTHING"
    ).format(here=here, there=there, columns=columns, joined=_joined(_key(live, schema, table)))
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
