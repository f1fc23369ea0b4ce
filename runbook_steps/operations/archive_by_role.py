"""What the restoring role makes of an archive, and what only a superuser may: each by whom it may be done by.

The role makes all it may, fills the tables, builds indexes and materialized views. Then, when it runs nothing more,
owners and privileges are given. A view of an ordinary owner is filled after that, with that one's rights, as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from psycopg import sql

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.archive_views import computed
from runbook_steps.operations.database_session import Connection, query, query_nothing, session
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import kind_of
from runbook_steps.operations.restoring_role import Loader, admit, admit_to_parts, dismiss, mighty_roles

if TYPE_CHECKING:  # its parser is costly
    from runbook_steps.operations.archive_judged import Judged

__all__ = ["FILLED", "AsConnected", "ByRole", "Hands"]

_BATCH = 50  # statements in one go: each holds its locks until the last one
_OF_FOREIGN_DATA = ("FOREIGN DATA WRAPPER ", "SERVER ", "USER MAPPING ", "FOREIGN TABLE ")
_VALIDATORS = """
SELECT p.oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = prolang
WHERE proargtypes = '1009 26'::pg_catalog.oidvector AND lanname NOT IN ('c', 'internal')
"""  # of an array of texts and a number: each could be one, and is called when its wrapper is named
_FOREIGN = """
SELECT pg_catalog.format('ALTER SERVER %I OWNER TO {role}', srvname) FROM pg_catalog.pg_foreign_server s
WHERE srvowner <> '{role}'::pg_catalog.regrole AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass AND d.objid = s.oid AND d.deptype = 'e')
UNION ALL SELECT pg_catalog.format('ALTER FOREIGN TABLE %s OWNER TO {role}', c.oid::pg_catalog.regclass)
FROM pg_catalog.pg_class c WHERE relkind = 'f' AND relowner <> '{role}'::pg_catalog.regrole AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objid = c.oid AND d.deptype = 'e')
"""
_UNGRANTABLE = "pg_database_owner"
FILLED = "MATERIALIZED VIEW DATA "


class Hands(Protocol):
    """Whoever makes what is in an archive, but for its rows, triggers and foreign keys."""

    def definitions(self, entries: Sequence[str]) -> None:
        """What is before the rows."""

    def behind_the_rows(self, entries: Sequence[str], several: Sequence[str]) -> None:
        """Indexes, constraints and all else of that section."""

    def ending(self, *, rows: bool) -> list[str]:
        """Owners, privileges, comments; materialized views; event triggers. Gives the views that stay empty."""


@dataclass(frozen=True)
class AsConnected:
    """The connected role makes all of it."""

    run: Callable[..., None]
    late: Sequence[str]
    last: Sequence[str]
    fill: Callable[[Sequence[str]], list[str]]

    def definitions(self, entries: Sequence[str]) -> None:
        """What is before the rows."""
        self.run(entries, "--section=pre-data")

    def behind_the_rows(self, entries: Sequence[str], several: Sequence[str]) -> None:
        """Indexes, constraints and all else of that section."""
        self.run(entries, "--section=post-data", *several)

    def ending(self, *, rows: bool) -> list[str]:
        """In the order of the archive; event triggers last."""
        self.run([entry for entry in self.late if not kind_of(entry).startswith(FILLED)])
        views = [entry for entry in self.late if kind_of(entry).startswith(FILLED)]
        empty = self.fill(views) if rows and views else []
        self.run(self.last)
        return empty


@dataclass(frozen=True)
class ByRole:
    """One restore into the empty database `name`. `run` is pg_restore by the role: of entries, with more options."""

    database: Database
    name: str
    loader: Loader
    judged: Judged
    run: Callable[..., None]
    path: str = ""

    def definitions(self, entries: Sequence[str]) -> None:
        """Schemas and extensions first, when nothing is there yet that an extension could take for its own."""
        admit(self.database, self.name, self.loader)
        schemas, extensions, rest = _parted(
            [entry for entry in entries if not _is_behind(entry)], ("SCHEMA ", "EXTENSION ")
        )
        self.run(schemas, "--section=pre-data")
        self._make(extensions)
        with session(self.database, self.name) as mighty:
            admit_to_parts(mighty, self.loader)
        for made, group in groupby(rest, key=lambda entry: entry in self.judged.made):
            if made:
                self._make(list(group))
            else:
                self.run(list(group), "--section=pre-data")

    def behind_the_rows(self, entries: Sequence[str], several: Sequence[str]) -> None:
        """Indexes, constraints and all else of that section."""
        self.run([entry for entry in entries if entry not in self.judged.made], "--section=post-data", *several)
        self._make([each for each in entries if each in self.judged.made and _is_behind(each)])

    def ending(self, *, rows: bool) -> list[str]:
        """Owners, privileges, comments; materialized views; at last event triggers, which wait for any statement."""
        views = self.judged.views if rows else ()
        with session(self.database, self.name) as mighty:
            too_mighty = {*mighty_roles(mighty), _UNGRANTABLE, ""}
        empty: list[str] = []
        if any(owner in too_mighty for _, owner in views):  # they may read from one another: all, in their order
            for owner, group in groupby(views, key=lambda view: view[1]):
                mighty_one = owner in too_mighty
                told = self._fill([text for text, _ in group], as_another=mighty_one)
                empty += told if mighty_one else []  # the others are filled once more, as their owner
        self._apply(self.judged.owners)
        self._apply(self.judged.words)
        for owner, group in groupby(views, key=lambda view: view[1]):
            if owner not in too_mighty:
                with self._as_member(owner):
                    empty += self._fill([text for text, _ in group])
        with session(self.database, self.name) as mighty:
            dismiss(mighty, self.loader)
        self._apply(self.judged.last)
        return empty

    def _make(self, entries: Sequence[str]) -> None:
        if not entries:
            return
        foreign = any(kind_of(entry).startswith(_OF_FOREIGN_DATA) for entry in entries)
        with session(self.database, self.name) as mighty:
            if foreign and (found := query(mighty, _VALIDATORS)):
                raise RefusedError(
                    f"the archive has foreign data, and {found[0][0]}, which may judge its options and would run with "
                    "all rights: look at it, then trust the backup (--with-my-rights)"
                )
        self._apply([text for entry in entries for text in self.judged.made[entry]])
        if foreign:
            with session(self.database, self.name) as mighty:
                for (change,) in query(mighty, _FOREIGN.format(role=self.loader.role)):
                    query_nothing(mighty, change)

    def _apply(self, statements: Sequence[bytes]) -> None:
        """The bytes that were judged, in the encoding and the way of writing texts in which they were read."""
        if not statements:
            return
        with self._reading_alike(self.database) as mighty:
            for start in range(0, len(statements), _BATCH):
                mighty.execute(b"\n;\n".join(statements[start : start + _BATCH]))

    def _fill(self, statements: Sequence[bytes], *, as_another: bool = False) -> list[str]:
        """Gives those that stay empty, and why."""
        with self._reading_alike(self.loader.database) as connection:
            if self.path:
                connection.execute("RESET search_path")
            by_path = bool(self.path)
            told = [computed(connection, each, by_path=by_path, as_another=as_another) for each in statements]
        return [each for some in told for each in some]

    @contextmanager
    def _as_member(self, owner: str) -> Iterator[None]:
        words = (sql.Identifier(owner), sql.Identifier(self.loader.role))
        with session(self.database, self.name) as mighty:
            query_nothing(mighty, sql.SQL("GRANT {} TO {}").format(*words).as_string(mighty))
            try:
                yield
            finally:
                query_nothing(mighty, sql.SQL("REVOKE {} FROM {}").format(*words).as_string(mighty))

    @contextmanager
    def _reading_alike(self, database: Database) -> Iterator[Connection]:
        with session(database, self.name) as connection:
            connection.execute("SET standard_conforming_strings = on; SET check_function_bodies = off")
            connection.execute(sql.SQL("SET client_encoding TO {}").format(sql.Literal(self.judged.encoding)))
            yield connection


def _parted(entries: Sequence[str], beginnings: Sequence[str]) -> list[list[str]]:
    """Those of each beginning, and at last the others."""
    found: list[list[str]] = [[] for _ in (*beginnings, "")]
    for entry in entries:
        place = next((n for n, start in enumerate(beginnings) if kind_of(entry).startswith(start)), len(beginnings))
        found[place].append(entry)
    return found


def _is_behind(entry: str) -> bool:
    return kind_of(entry).startswith("PUBLICATION ")
