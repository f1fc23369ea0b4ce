"""Data that is lost: rows deleted and a table dropped, with a copy of the database kept for the undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import psycopg
from psycopg import sql

from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.lost_rows import Backups

__all__ = [
    "OTHER_DATABASE",
    "DataLost",
    "OtherDatabase",
    "RestoredOver",
    "RowsDeleted",
    "catalogue_of",
    "own_tables",
    "rows_of",
    "table_checksums",
]

SAFE_COPY = "beautycort_drill_copy"
OTHER_DATABASE = "beautycort_drill_other"

Connect = Callable[..., AbstractContextManager[Any]]


class DataLost:
    """Half of the bookings deleted, and the table of opening hours dropped."""

    def __init__(self, connect: Connect, live: str, backups: Backups) -> None:
        """`connect(dbname=…)` opens a connection in autocommit; `live` names the live database."""
        self._connect = connect
        self._live = live
        self._backups = backups
        self._before: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What is broken."""
        return f"rows and a table of {self._live} are lost"

    def arrange(self) -> None:
        """Copies the database aside, then deletes rows and drops a table for real."""
        with self._connect() as live:
            self._before = table_checksums(live)
        with self._connect(dbname="postgres") as admin:
            _drop(admin, SAFE_COPY)
            _copy(admin, self._live, SAFE_COPY)
        with self._connect() as live:
            self._damage(live)

    def _damage(self, live: Any) -> None:
        live.execute("DELETE FROM payments")
        live.execute("DELETE FROM bookings WHERE ctid IN (SELECT ctid FROM bookings LIMIT 500)")
        live.execute("DROP TABLE provider_availability CASCADE")

    def observe(self) -> Observation:
        """Compares the tables with what they were in the drill; where nobody broke them, with what backups hold."""
        if not self._before:
            return self._backups.newest_with_what_is_lost(self._connect)[1]
        with self._connect() as live:
            now = table_checksums(live)
        changed = sorted(table for table in {*self._before, *now} if self._before.get(table) != now.get(table))
        return Observation(bool(changed), f"tables that differ: {', '.join(changed) or 'none'}")

    def clear(self) -> None:
        """Puts the copy in the place of whatever is live now; nothing to do without a copy."""
        with self._connect(dbname="postgres") as admin:
            for name in self._replaced(admin):
                _drop(admin, name)
            if not _exists(admin, SAFE_COPY):
                return
            _drop(admin, self._live)
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(SAFE_COPY), sql.Identifier(self._live))
            )

    def _replaced(self, admin: Any) -> list[str]:
        rows = admin.execute(
            "SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{self._live}_(before|undone)_[0-9]"]
        ).fetchall()
        return [str(name) for (name,) in rows]


class RowsDeleted(DataLost):
    """Bookings of the past and all payments deleted by mistake, while customers go on booking."""

    def __init__(self, connect: Connect, live: str, backups: Backups) -> None:
        super().__init__(connect, live, backups)
        self.newer: list[str] = []

    @property
    def name(self) -> str:
        """What is broken."""
        return f"rows of the bookings of {self._live} are deleted, and others are made"

    def _damage(self, live: Any) -> None:
        live.execute("DELETE FROM payments")
        live.execute("DELETE FROM bookings WHERE ctid IN (SELECT ctid FROM bookings LIMIT 200)")
        made = live.execute(
            "INSERT INTO bookings (user_id, provider_id, service_id, date, start_time, end_time, total_price, "
            "platform_fee, provider_earnings, payment_method) SELECT user_id, provider_id, service_id, date + 3650, "
            "start_time, end_time, total_price, platform_fee, provider_earnings, payment_method FROM bookings "
            "WHERE status IN ('pending', 'confirmed') LIMIT 5 RETURNING bookings::text"
        ).fetchall()
        self.newer = [str(row) for (row,) in made]


class OtherDatabase:
    """A second database beside the live one, with data of its own: backups of it are not backups of the live one."""

    def __init__(self, connect: Connect, live: str) -> None:
        self._connect = connect
        self._live = live

    @property
    def name(self) -> str:
        """What is there that should not be mistaken."""
        return f"a second database beside {self._live}"

    def arrange(self) -> None:
        """Creates it."""
        self.clear()
        with self._connect(dbname="postgres") as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(OTHER_DATABASE)))
        with self._connect(dbname=OTHER_DATABASE) as other:
            other.execute("CREATE TABLE notes AS SELECT 1 AS id, 'not yours' AS text")

    def observe(self) -> Observation:
        """Looks for it."""
        with self._connect(dbname="postgres") as admin:
            there = _exists(admin, OTHER_DATABASE)
        return Observation(there, f"{OTHER_DATABASE} {'exists' if there else 'does not exist'}")

    def clear(self) -> None:
        """Drops it."""
        with self._connect(dbname="postgres") as admin:
            _drop(admin, OTHER_DATABASE)


class RestoredOver:
    """A live database that a restore replaced, the old one kept beside it."""

    def __init__(self, connect: Connect, live: str, restore: Callable[[], object]) -> None:
        self._connect = connect
        self._live = live
        self._restore = restore

    @property
    def name(self) -> str:
        """What is there."""
        return f"a database that a restore of {self._live} replaced"

    def arrange(self) -> None:
        """Restores."""
        self._restore()

    def observe(self) -> Observation:
        """Looks for what was kept."""
        kept = self._kept()
        return Observation(bool(kept), f"kept: {', '.join(kept) or 'none'}")

    def clear(self) -> None:
        """Drops what was kept."""
        with self._connect(dbname="postgres") as admin:
            for name in self._kept():
                _drop(admin, name)

    def _kept(self) -> list[str]:
        with catalogue_of(self._connect) as catalogue:
            rows = catalogue.execute(
                "SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{self._live}_(before|undone)_[0-9]"]
            ).fetchall()
        return [str(name) for (name,) in rows]


@contextmanager
def catalogue_of(connect: Connect) -> Iterator[Any]:
    """A connection to look which databases the server has: the live one tells as well as any other.

    Rules, and poolers, often let the application's role into its own database alone. While that is replaced, there is
    the server's own.
    """
    with ExitStack() as held:
        try:
            found = held.enter_context(connect())
        except psycopg.OperationalError:
            found = held.enter_context(connect(dbname="postgres"))
        yield found


def own_tables(connection: Any) -> list[tuple[str, str]]:
    """Schema and name of each table that is not PostgreSQL's own."""
    rows = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> 'information_schema' "
        "AND schemaname !~ '^pg_' ORDER BY 1, 2"
    ).fetchall()
    return [(str(schema), str(table)) for schema, table in rows]


def table_checksums(connection: Any) -> dict[str, str]:
    """Table, as `schema.name`, → MD5 over all its rows, whatever their order."""
    sums = {}
    for schema, table in own_tables(connection):
        row = connection.execute(
            sql.SQL(
                "SELECT count(*) || ':' || coalesce(md5(string_agg(h, '' ORDER BY h)), '') FROM "
                "(SELECT md5(t::text) AS h FROM {} t) AS rows"
            ).format(sql.Identifier(schema, table))
        ).fetchone()
        sums[f"{schema}.{table}"] = str(row[0])
    return sums


def rows_of(connection: Any) -> dict[str, list[str]]:
    """The rows of bookings and payments, as text."""
    return {
        "bookings": [str(row) for (row,) in connection.execute("SELECT b::text FROM bookings b").fetchall()],
        "payments": [str(row) for (row,) in connection.execute("SELECT p::text FROM payments p").fetchall()],
    }


def _exists(admin: Any, name: str) -> bool:
    return admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _drop(admin: Any, name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _copy(admin: Any, source: str, copy: str) -> None:
    """A copy needs the source without sessions: they are ended, and the application connects anew."""
    allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
    admin.execute(allow.format(sql.Identifier(source), sql.SQL("false")))
    try:
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [source])
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(copy), sql.Identifier(source)
            )
        )
    finally:
        admin.execute(allow.format(sql.Identifier(source), sql.SQL("true")))
