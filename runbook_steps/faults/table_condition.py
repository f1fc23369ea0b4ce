"""What changes do to a big table: statistics that are out of date, dead rows, and indexes grown by them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.big_table import INDEX, TABLE, IndexMissing, exists, invalid_indexes
from runbook_steps.faults.slow_query import forget_statements

__all__ = ["OneByOne", "ReindexFailed", "StatisticsStale", "TableBloated", "Writing", "changed_rows", "dead_percent"]

ROWS = 30_000
LIMIT_MS = 5  # a writer that waits longer for a lock gives up
HELD_S = 0.1  # a transaction of an application: who wants the table for himself waits for it, and all others behind him

Connect = Callable[..., AbstractContextManager[Any]]


class StatisticsStale(IndexMissing):
    """A third of the rows came after the last ANALYZE, all of a kind that the planner does not know."""

    def __init__(self, connect: Connect, administer: Connect | None = None) -> None:
        super().__init__(connect, administer, calls=1, rows=ROWS)

    @property
    def name(self) -> str:
        """What is broken."""
        return "the planner's statistics are out of date"

    def arrange(self) -> None:
        """Fills the table, analyses it, and adds refunds while autovacuum looks away."""
        super().arrange()
        with self._connect() as live:
            live.execute("ALTER TABLE notifications SET (autovacuum_enabled = false)")
            live.execute(
                "INSERT INTO notifications (user_id, kind, body, created_at) "
                "SELECT user_id, 'refund', body, now() FROM notifications LIMIT 10000"
            )
            live.execute("SELECT pg_stat_force_next_flush()")

    def observe(self) -> Observation:
        """Asks how many rows changed since the last ANALYZE."""
        with self._connect() as live:
            if not exists(live, TABLE):
                return Observation(False, f"there is no table {TABLE}")
            changed = changed_rows(live)
        return Observation(changed > ROWS / 10, f"{changed} rows changed since the last ANALYZE")


class TableBloated(IndexMissing):
    """Every row was updated and half of them deleted, while autovacuum looked away."""

    def __init__(self, connect: Connect, administer: Connect | None = None) -> None:
        super().__init__(connect, administer, calls=1, rows=ROWS)

    @property
    def name(self) -> str:
        """What is broken."""
        return "dead rows fill a table"

    def arrange(self) -> None:
        """Fills the table, indexes it, changes and deletes."""
        super().arrange()
        with self._connect() as live:
            live.execute("ALTER TABLE notifications SET (autovacuum_enabled = false)")
            live.execute(f"CREATE INDEX {INDEX} ON notifications (user_id, created_at DESC)".encode())
            live.execute("UPDATE notifications SET created_at = created_at + interval '1 day'")
            live.execute("DELETE FROM notifications WHERE id % 2 = 0")
            live.execute("SELECT pg_stat_force_next_flush()")

    def observe(self) -> Observation:
        """Compares dead rows with live ones."""
        with self._connect() as live:
            if not exists(live, TABLE):
                return Observation(False, f"there is no table {TABLE}")
            percent = dead_percent(live)
        return Observation(percent >= 20, f"{percent} % of the rows are dead")  # noqa: PLR2004 - autovacuum's own factor


class ReindexFailed:
    """A concurrent rebuild that gave up waiting for an open transaction: it leaves an index with `_ccnew`."""

    def __init__(self, connect: Connect) -> None:
        """The table must be there: arrange `TableBloated` before."""
        self._connect = connect

    @property
    def name(self) -> str:
        """What is broken."""
        return "a concurrent rebuild left an invalid index"

    def arrange(self) -> None:
        """Rebuilds while a transaction that has written holds on, with a short lock_timeout."""
        with self._connect() as writer, writer.transaction(), self._connect() as builder:
            writer.execute("LOCK TABLE notifications IN ROW EXCLUSIVE MODE")
            builder.execute("SET lock_timeout = '100ms'")
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                builder.execute(f"REINDEX INDEX CONCURRENTLY {INDEX}".encode())

    def observe(self) -> Observation:
        """Asks the catalogue."""
        with self._connect() as live:
            found = [name for name in invalid_indexes(live) if "_cc" in name]
        return Observation(bool(found), f"left by a rebuild: {', '.join(found) or 'nothing'}")

    def clear(self) -> None:
        """Drops what was left; the table's own fault drops the table."""
        with self._connect() as live:
            live.execute(f"DROP INDEX IF EXISTS {INDEX}_ccnew".encode())


class Writing:
    """Two customers who write to the table all the time, one in longer transactions; a write that must wait gives up.

    So what locks the table is met however short it holds the lock, and however busy this machine is.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._stop = threading.Event()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self.written = 0
        self.refused = 0

    @property
    def name(self) -> str:
        """What is going on."""
        return "customers write to the table"

    def arrange(self) -> None:
        """Begins, and returns when the first write is done."""
        self._thread.start()
        self._begun.wait(20)

    def _write(self) -> None:
        with self._connect() as slow, self._connect() as quick:
            for each in (slow, quick):
                each.execute(f"SET lock_timeout = '{LIMIT_MS}ms'".encode())
            while not self._stop.is_set():
                try:
                    with slow.transaction():
                        slow.execute("UPDATE notifications SET kind = 'read' WHERE id = 3")
                        self._write_until(quick, time.monotonic() + HELD_S)
                except psycopg.errors.LockNotAvailable:
                    self.refused += 1

    def _write_until(self, quick: Any, end: float) -> None:
        """At least once. Raises LockNotAvailable."""
        while True:
            quick.execute("UPDATE notifications SET kind = 'read' WHERE id = 1")
            self.written += 1
            self._begun.set()
            if time.monotonic() > end:
                return

    def observe(self) -> Observation:
        """Whether it writes."""
        return Observation(self._thread.is_alive(), f"{self.written} written, {self.refused} gave up")

    def clear(self) -> None:
        """Ends it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(20)


class OneByOne:
    """An application that asks for each customer by itself instead of for all of them at once: N+1."""

    def __init__(self, connect: Connect, administer: Connect | None = None) -> None:
        """`administer()` opens a connection of whom the server lets forget its statistics."""
        self._connect = connect
        self._administer = administer or connect

    @property
    def name(self) -> str:
        """What is broken."""
        return "an application runs one query for each row"

    def arrange(self) -> None:
        """Asks for 300 bookings, then for the name of the customer of each."""
        forget_statements(self._administer)
        with self._connect() as live:
            bookings = live.execute("SELECT id, user_id FROM bookings ORDER BY id LIMIT 300").fetchall()
            for _, customer in bookings:
                live.execute("SELECT name FROM users WHERE id = %s", [customer]).fetchone()

    def observe(self) -> Observation:
        """Looks for a query that is asked a hundred times as often as others, and gives one row."""
        with self._connect() as live:
            row = live.execute(
                "SELECT max(calls) FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid "
                "WHERE datname = current_database() AND query ~* '^select' AND rows <= calls"
            ).fetchone()
        calls = int(row[0] or 0)
        return Observation(calls >= 100, f"a query for one row was asked {calls} times")  # noqa: PLR2004 - of 300

    def clear(self) -> None:
        """Lets the statistics begin anew."""
        forget_statements(self._administer)


def changed_rows(live: Any) -> int:
    """Rows of the table that changed since its last ANALYZE; 0 when it is not there."""
    row = live.execute("SELECT n_mod_since_analyze FROM pg_stat_user_tables WHERE relname = 'notifications'").fetchone()
    return int(row[0]) if row else 0


def dead_percent(live: Any) -> int:
    """Dead rows of the table, in percent of all; 0 when it is not there."""
    if not exists(live, "notifications"):
        return 0
    row = live.execute(
        "SELECT 100 * n_dead_tup / greatest(n_live_tup + n_dead_tup, 1) FROM pg_stat_user_tables "
        "WHERE relname = 'notifications'"
    ).fetchone()
    return int(row[0])
