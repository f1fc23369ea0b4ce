"""Whether a restored database is the one that was backed up: contents, catalogue and definitions."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.archive_restore import Archive, restore_archive
from runbook_steps.operations.archive_rows import row_differences
from runbook_steps.operations.archive_views import EMPTY_VIEW
from runbook_steps.operations.database_catalogue import catalogue_objects
from runbook_steps.operations.database_contents import large_objects, sequence_values, table_states
from runbook_steps.operations.database_properties import Properties, read_properties
from runbook_steps.operations.database_rights import provided
from runbook_steps.operations.database_session import Connection, query, query_nothing, session
from runbook_steps.operations.outside_dumps import not_in_a_dump
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import archived_schema, schema_dump
from runbook_steps.operations.schema_text import Definitions, definitions, definitions_digest, differences

__all__ = ["Contents", "compare", "describe", "sequence_range", "sequences_now", "take_away"]

Scratch = Callable[[], AbstractContextManager[str]]


@dataclass(frozen=True)
class Contents:
    """What a manifest says of a database beyond its rows; empty for backups of version 1.1 and older.

    `sequences` are [least, most] over the time of the dump, since their values belong to no snapshot.
    """

    objects: Mapping[str, str] = field(default_factory=dict)
    sequences: Mapping[str, Sequence[int]] = field(default_factory=dict)
    large_objects: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    not_carried: Sequence[str] = ()
    program: int = 0
    dump_size: int = 0

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Contents:
        """From the manifest. Raises RefusedError for what is damaged or of a newer program."""
        try:
            return cls(**document)
        except TypeError as error:
            raise RefusedError("the manifest's contents are damaged, or of a newer program") from error

    def known_properties(self) -> Properties | None:
        """Those of the database when it was backed up."""
        try:
            return Properties.from_document(self.properties) if self.properties else None
        except (TypeError, ValueError) as error:
            raise RefusedError("the manifest's properties are damaged, or of a newer program") from error


def describe(
    connection: Connection, name: str, with_checksum: Container[str] = (), reader: Connection | None = None
) -> tuple[dict[str, dict[str, Any]], Contents]:
    """Table → {rows, …}, and the rest; inside the transaction of `connection`.

    Rows are counted by the `reader`, where that is another one: functions in indexes run while a query is planned.
    """
    tables = table_states(reader or connection, with_checksum)
    properties = read_properties(connection, name)
    return tables, Contents(
        objects=catalogue_objects(connection),
        sequences=sequences_now(connection),
        large_objects=asdict(large_objects(connection)),
        properties=asdict(properties) if properties else {},
        needs=needs_of(connection),
        not_carried=not_in_a_dump(connection),
    )


def sequences_now(connection: Connection) -> dict[str, list[int]]:
    """Quoted name → the least and the most that it was, which are one."""
    return {name: [value, value] for name, value in _values(connection).items()}


def _values(connection: Connection) -> dict[str, int]:
    """One number for the value and whether it was given out: 2 × value, and one more when it was."""
    return {name: 2 * value + int(called) for name, (value, called) in sequence_values(connection).items()}


def sequence_range(connection: Connection, before: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """The least and the most that a sequence was while it was dumped."""
    after = _values(connection)
    return {
        name: [min(known[0], after.get(name, known[0])), max(known[1], after.get(name, known[1]))]
        for name, known in before.items()
    }


def needs_of(connection: Connection) -> dict[str, list[str]]:
    """The roles, tablespaces and extensions that must be there before a restore."""
    here = "dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
    roles = query(
        connection,
        "SELECT DISTINCT rolname FROM pg_catalog.pg_shdepend JOIN pg_catalog.pg_roles r ON r.oid = refobjid "  # noqa: S608
        f"WHERE refclassid = 'pg_catalog.pg_authid'::regclass AND {here} ORDER BY 1",
    )
    spaces = query(
        connection,
        "SELECT DISTINCT spcname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_tablespace t ON t.oid = reltablespace "
        "WHERE c.oid >= 16384 ORDER BY 1",
    )
    extensions = query(connection, "SELECT extname FROM pg_catalog.pg_extension WHERE oid >= 16384 ORDER BY 1")
    absent = query(
        connection,
        "SELECT 'SCHEMA public' WHERE to_regnamespace('public') IS NULL UNION ALL SELECT 'EXTENSION plpgsql' "
        "WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'plpgsql')",
    )
    return {
        "absent": [str(name) for (name,) in absent],
        "roles": [str(name) for (name,) in roles],
        "tablespaces": [str(name) for (name,) in spaces],
        "extensions": [str(name) for (name,) in extensions],
    }


def take_away(database: Database, name: str, needs: Mapping[str, Sequence[str]]) -> None:
    """Drops from a new database what every new one has, and the one that was backed up had not."""
    absent = [each for each in needs.get("absent", ()) if each in {"SCHEMA public", "EXTENSION plpgsql"}]
    if absent:
        with session(database, name) as connection:
            for each in absent:
                query_nothing(connection, f"DROP {each.replace(' ', ' IF EXISTS ')}")


@dataclass(frozen=True)
class Expected:
    """What a backup's manifest says. `major` is the server's version when it was made.

    `rows_by_archive`: its dump writes equal values alike, so that rows are compared with those in it.
    """

    tables: Mapping[str, Mapping[str, Any]]
    contents: Contents
    definitions: str
    major: int
    rows_by_archive: bool


def compare(
    database: Database, name: str, expected: Expected, archive: Archive, *, invalid: Sequence[str], scratch: Scratch
) -> list[str]:
    """What differs between the restored database `name` and its backup, in words; empty when nothing does.

    `scratch` makes an empty database for a while: definitions are printed at the same age in it.
    """
    with_checksum = {table for table, entry in expected.tables.items() if "checksum" in entry}
    with (
        session(database, name) as connection,
        session(archive.runner(database), name) as reader,
        connection.transaction(),
    ):
        tables, found = describe(connection, name, with_checksum, reader)
        major = connection.info.server_version // 10000
    wrong = _tables(expected.tables, tables)
    if expected.rows_by_archive:
        wrong += [text for text in row_differences(database, name, archive) if text not in wrong]
    if expected.contents.objects:
        objects = _objects(expected.contents.objects, found.objects, same_version=major == expected.major)
        # one that is empty differs in that at least; its definition is compared as text
        empty = {f"{told.partition(': ')[0]} differs" for told in invalid if told.startswith(EMPTY_VIEW)}
        wrong += [text for text in objects if text not in empty]
        wrong += _sequences(expected.contents.sequences, found.sequences)
        if expected.contents.large_objects != found.large_objects:
            wrong.append(
                f"large objects: {found.large_objects['count']}, not {expected.contents.large_objects['count']}, "
                "or with other contents"
            )
    return wrong + _definitions(database, name, expected, archive, invalid=invalid, scratch=scratch)


def _tables(expected: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    wrong = []
    for table in sorted({*expected, *found}):
        mine, other = expected.get(table), found.get(table)
        if mine is None or other is None:
            wrong.append(f"{table} is {'unexpected' if mine is None else 'missing'}")
        elif int(mine["rows"]) != other["rows"]:
            wrong.append(f"{table} has {other['rows']} rows, not {mine['rows']}")
        elif mine.get("checksum") != other.get("checksum"):
            wrong.append(f"{table} has other contents")
        elif "generated" in mine and mine["generated"] != other.get("generated"):
            wrong.append(f"{table} has other values in its generated columns")
    return wrong


def _objects(expected: Mapping[str, str], found: Mapping[str, str], *, same_version: bool) -> list[str]:
    if not same_version:  # which types are printed with the system's schema differs: `json` since PostgreSQL 16
        expected, found = ({name.replace("pg_catalog.", ""): of[name] for name in of} for of in (expected, found))
    wrong = [f"{name} is missing" for name in sorted({*expected} - {*found})]
    wrong += [f"{name} is unexpected" for name in sorted({*found} - {*expected})]
    if same_version:  # another version has other columns in its catalogue
        wrong += [f"{name} differs" for name in sorted({*expected} & {*found}) if expected[name] != found[name]]
    return wrong


def _sequences(expected: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]]) -> list[str]:
    return [
        f"sequence {name} has another value"
        for name, (least, most) in sorted(expected.items())
        if name in found and not least <= found[name][0] <= most
    ]


def _definitions(
    database: Database, name: str, expected: Expected, archive: Archive, *, invalid: Sequence[str], scratch: Scratch
) -> list[str]:
    archived = definitions(archived_schema(database, archive.file, archive.programs))
    wrong = []
    known = expected.contents.program
    if known == archive.programs.major and definitions_digest(archived) != expected.definitions:
        wrong.append("the schema differs from that of the live database when it was dumped")
    found = definitions(schema_dump(database, name, archive.programs))
    if not differences(archived, found):
        return wrong
    with scratch() as other:
        with session(database, other) as target:  # an administrator may have prepared it with more than is needed
            brought = {f"{each} is missing" for each in provided(target)}
        take_away(database, other, expected.contents.needs)
        restore_archive(database, other, archive, lambda _: None, rows=False, invalid=invalid)
        again: Definitions = definitions(schema_dump(database, other, archive.programs))
    return wrong + [text for text in differences(again, found) if text not in brought]
