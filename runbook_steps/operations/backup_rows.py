"""Rows of single tables: out of a backup into a schema beside the live tables. `rows_back` puts them back.

It takes no right to create a database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import IO

import pglast
from pglast import ast
from pglast.stream import RawStream
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.operations.archive_restore import Archive, chosen_entries, list_of
from runbook_steps.operations.archive_rows import COPY_LINE
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.backup_verify import opened_archive, refuse_untrusted
from runbook_steps.operations.beside_tables import PREFIX, Beside, beside_name, compared, split
from runbook_steps.operations.database_session import Connection, session
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import archived_sql, reading_rows

__all__ = ["restore_beside"]

_READ = 1 << 16


def restore_beside(
    settings: BackupSettings, store: Store, manifest: Manifest, tables: Sequence[str], tell: Callable[[str], None]
) -> tuple[str, dict[str, Beside]]:
    """Makes a schema beside the live ones with the rows of `tables`; gives its name and how they differ from now.

    Raises RefusedError for a table that the backup does not have; OperationError; then the schema is gone again.
    """
    refuse_untrusted(settings, manifest)
    what = f"rows of {manifest.backup_id}, made {manifest.created}"
    with opened_archive(settings, store, manifest, settings.database.name, tell) as archive:
        return rows_beside(settings.database, archive, tables, what, tell)


def rows_beside(
    database: Database, archive: Archive, tables: Sequence[str], what: str, tell: Callable[[str], None]
) -> tuple[str, dict[str, Beside]]:
    """The same out of an archive that lies here; `what` becomes the comment of the schema: `rows of …`."""
    wanted = [split(table) for table in tables]
    schema = f"{PREFIX}{datetime.now(UTC):%Y%m%d_%H%M%S}"
    with session(database) as live:
        entries = {pair: _entries(database, archive, *pair) for pair in wanted}
        _may_create(live)
        live.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        live.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(what)))
        try:
            for (name, table), (definition, rows) in entries.items():
                tell(f"restoring {name}.{table} into {schema}")
                live.execute(_columns_only(archived(database, archive, definition), schema, beside_name(name, table)))
                for entry in rows:
                    _copy(database, archive, entry, live, sql.Identifier(schema, beside_name(name, table)))
            return schema, {f"{name}.{table}": compared(live, schema, name, table) for name, table in wanted}
        except BaseException:
            live.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
            raise


def _may_create(live: Connection) -> None:
    row = live.execute("SELECT has_database_privilege(current_database(), 'CREATE'), current_user::text").fetchone()
    if row and not row[0]:
        raise RefusedError(f"{row[1]} may not create a schema in this database: GRANT CREATE ON DATABASE is needed")


def _entries(database: Database, archive: Archive, schema: str, table: str) -> tuple[str, list[str]]:
    """The entry of a table's definition, and those of its rows: one, or one for each of its partitions."""
    found = chosen_entries(database, archive, (f"TABLE {schema} {table} ",))
    rows: list[str] = []
    if found:
        rows = chosen_entries(database, archive, (f"TABLE DATA {schema} {table} ",))
        rows = rows or [
            entry
            for name, part in _partitions(database, archive, (schema, table))
            for entry in chosen_entries(database, archive, (f"TABLE DATA {name} {part} ",))
        ]
    if not rows:
        raise RefusedError(f"the backup has no table {schema}.{table} with rows: name it as schema.table")
    return found[0], rows


def _partitions(database: Database, archive: Archive, parent: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Those of a partitioned table, and theirs."""
    attached = chosen_entries(database, archive, ("TABLE ATTACH ",))
    if not attached:
        return
    with list_of(attached) as file:
        text = archived_sql(database, archive.file, archive.programs, ("--use-list", file))
    below: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for raw in pglast.parse_sql(re.sub(r"^\\.*$", "", text, flags=re.MULTILINE)):
        if not isinstance(raw.stmt, ast.AlterTableStmt) or raw.stmt.relation is None:
            continue
        for command in raw.stmt.cmds or ():
            if isinstance(command.def_, ast.PartitionCmd) and command.def_.name is not None:
                above, part = _pair(raw.stmt.relation), _pair(command.def_.name)
                below.setdefault(above, []).append(part)
    waiting = list(below.get(parent, ()))
    while waiting:
        part = waiting.pop()
        yield part
        waiting += below.get(part, ())


def _pair(name: ast.RangeVar) -> tuple[str, str]:
    return str(name.schemaname), str(name.relname)


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
            header += line if header or line.startswith(b"COPY ") else b""  # a name may have several lines
            if (copy_line := COPY_LINE.fullmatch(header)) is not None:
                break
        else:
            return  # no rows
        columns = b"(" + copy_line["columns"] + b")" if copy_line["columns"] else b""
        live.execute(sql.SQL("SET client_encoding TO {}").format(sql.Literal(encoding)))
        # bytes, since the archive's encoding need not be one that Python knows
        statement = b"COPY " + into.as_bytes(live) + columns + b" FROM STDIN"
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
