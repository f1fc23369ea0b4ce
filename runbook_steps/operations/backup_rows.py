"""Rows of single tables: out of a backup into a schema beside the live tables. `rows_back` puts them back.

It takes no right to create a database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import IO

import pglast
import psycopg
from pglast import ast
from pglast.stream import RawStream
from psycopg import sql

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.archive_restore import Archive, chosen_entries, list_of
from runbook_steps.operations.archive_rows import COPY_LINE
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.backup_verify import opened_archive, refuse_untrusted
from runbook_steps.operations.beside_tables import PREFIX, Beside, beside_name, compared, split, written
from runbook_steps.operations.database_session import Connection, session
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import reading_rows
from runbook_steps.operations.restoring_role import lent, loading_role

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
    with (
        opened_archive(settings, store, manifest, settings.database.name, tell) as archive,
        loading_role(settings.database, trusted=settings.with_my_rights) as loader,
    ):
        return rows_beside(settings.database, replace(archive, loader=loader), tables, what, tell)


def rows_beside(
    database: Database, archive: Archive, tables: Sequence[str], what: str, tell: Callable[[str], None]
) -> tuple[str, dict[str, Beside]]:
    """The same out of an archive that lies here; `what` becomes the comment of the schema: `rows of …`."""
    wanted = [split(table) for table in tables]
    with session(database) as live:
        past = _Past(database, archive, _codec(live, archive.programs.encoding))
        entries = {pair: past.entries(pair) for pair in wanted}
        _may_create(live)
        schema = _new_schema(live)
        live.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(what)))
        try:
            with _filling(live, archive, schema) as hands:
                hands.execute("SET array_nulls = on")  # or a NULL in an array would become the word
                for pair, (definition, rows) in entries.items():
                    tell(f"restoring {written(*pair)} into {schema}")
                    into = sql.Identifier(schema, beside_name(*pair))
                    hands.execute(_columns_only(hands, definition, pair, into))
                    hands.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(into, sql.Literal(written(*pair))))
                    for entry in rows:
                        _copy(database, archive, entry, hands, into)
                return schema, {written(*pair): compared(hands, schema, *pair) for pair in wanted}
        except BaseException:
            live.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
            raise


@contextmanager
def _filling(live: Connection, archive: Archive, schema: str) -> Iterator[Connection]:
    """The session that fills the schema: checks of domains, and operators of keys, run in it."""
    if archive.loader is None:
        yield live
        return
    with lent(live, archive.loader, schema), session(archive.loader.database) as hands:
        yield hands


def _new_schema(live: Connection) -> str:
    """Named by the second; another one of that second has the number 2 behind it."""
    stem, number = f"{PREFIX}{datetime.now(UTC):%Y%m%d_%H%M%S}", 1
    while True:
        schema = stem if number == 1 else f"{stem}_{number}"
        try:
            live.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        except (psycopg.errors.DuplicateSchema, psycopg.errors.UniqueViolation):
            number += 1
        else:
            return schema


def _may_create(live: Connection) -> None:
    row = live.execute("SELECT has_database_privilege(current_database(), 'CREATE'), current_user::text").fetchone()
    if row and not row[0]:
        raise RefusedError(f"{row[1]} may not create a schema in this database: GRANT CREATE ON DATABASE is needed")


def _codec(live: Connection, encoding: str) -> str:
    """Python's name for the encoding in which an archive is written; `ascii` where it has none."""
    try:
        live.execute(sql.SQL("SET client_encoding TO {}").format(sql.Literal(encoding or "UTF8")))
        known = live.info.encoding
    except psycopg.NotSupportedError:
        known = "ascii"
    live.execute("SET client_encoding TO 'UTF8'")
    return known


@dataclass(frozen=True)
class _Past:
    """The definitions in an archive, which is written in the encoding `codec`."""

    database: Database
    archive: Archive
    codec: str

    def entries(self, pair: tuple[str, str]) -> tuple[ast.CreateStmt, list[str]]:
        """The definition of a table, and the entries of its rows: one, or one for each of its partitions."""
        definition, rows = self._table(pair)
        if definition is not None and not rows:
            rows = [entry for part in self._partitions(pair) for entry in self._table(part)[1]]
        if definition is None or not rows:
            raise RefusedError(f"the backup has no table {written(*pair)} with rows: name it as schema.table")
        names = [element.colname for element in definition.tableElts or () if isinstance(element, ast.ColumnDef)]
        if self.codec == "ascii" and not all(str(name).isascii() for name in names):
            raise RefusedError(
                f"columns of {written(*pair)} are named in bytes of no known encoding: restore the whole backup into "
                "another database (--into) and look there"
            )
        return definition, rows

    def _table(self, pair: tuple[str, str]) -> tuple[ast.CreateStmt | None, list[str]]:
        """Its definition and the entry of its own rows. The list of an archive says `a b c` of `a b` and of `a`."""
        seen = " ".join(re.sub(r"[\r\n]", " ", name) for name in pair)
        seen = seen.encode(self.codec, "surrogateescape").decode("utf-8", "surrogateescape")
        for entry in chosen_entries(self.database, self.archive, (f"TABLE {seen} ",)):
            made = next((each for each in self._made([entry]) if isinstance(each, ast.CreateStmt)), None)
            if made is not None and made.relation is not None and _pair(made.relation) == pair:
                number = entry.split(" ")[2]
                rows = chosen_entries(self.database, self.archive, (f"TABLE DATA {seen} ",))
                return made, [each for each in rows if each.split(" ")[2] == number]
        return None, []

    def _partitions(self, parent: tuple[str, str]) -> Iterator[tuple[str, str]]:
        """Those of a partitioned table, and theirs."""
        below: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for statement in self._made(chosen_entries(self.database, self.archive, ("TABLE ATTACH ",))):
            if not isinstance(statement, ast.AlterTableStmt) or statement.relation is None:
                continue
            for command in statement.cmds or ():
                if isinstance(command.def_, ast.PartitionCmd) and command.def_.name is not None:
                    below.setdefault(_pair(statement.relation), []).append(_pair(command.def_.name))
        waiting = list(below.get(parent, ()))
        while waiting:
            part = waiting.pop()
            yield part
            waiting += below.get(part, ())

    def _made(self, entries: Sequence[str]) -> Iterator[object]:
        """The statements that pg_restore would run for these entries."""
        if not entries:
            return
        text = self.archive.text(self.database, entries)
        # bytes of no known encoding: of those, names are refused later, and nothing else is looked at
        read = text.encode("utf-8", "surrogateescape").decode("latin-1" if self.codec == "ascii" else self.codec)
        for raw in pglast.parse_sql(re.sub(r"^\\.*$", "", read, flags=re.MULTILINE)):
            yield raw.stmt


def _pair(name: ast.RangeVar) -> tuple[str, str]:
    return str(name.schemaname), str(name.relname)


def _columns_only(
    live: Connection, create: ast.CreateStmt, pair: tuple[str, str], into: sql.Identifier
) -> sql.Composed:
    """The table with its columns and their types alone: no check, key or default may refuse an old row."""
    own = [element for element in create.tableElts or () if isinstance(element, ast.ColumnDef)]
    columns = {str(each.colname): RawStream()(each.typeName) for each in own if each.colname and each.typeName}
    if create.inhRelations or create.ofTypename:  # others are its parents' or its type's: as the live table has them
        rows = live.execute(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attnum > 0 "
            "AND NOT attisdropped AND attrelid = to_regclass(%s)",
            [sql.Identifier(*pair).as_string(live)],
        ).fetchall()
        columns = {**{str(name): str(kind) for name, kind in rows}, **columns}
    words = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()]
    return sql.SQL("CREATE TABLE {} ({})").format(into, sql.SQL(", ").join(words))


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
