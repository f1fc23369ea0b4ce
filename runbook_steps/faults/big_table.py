"""A big table that the application asks and nobody indexed; and the index whose build failed half-way."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.slow_query import forget_statements

__all__ = ["INDEX", "TABLE", "IndexBuildFailed", "IndexMissing", "measured_ms", "plan_nodes", "report"]

TABLE = "notifications"
INDEX = "notifications_user_created"
ROWS = 100_000  # a sequential scan takes many times what an index scan takes
ASKINGS = 9
QUERY = "SELECT id, body FROM notifications WHERE user_id = %s ORDER BY created_at DESC LIMIT 20"
_MAKE = """
CREATE TABLE notifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL
)
"""
_FILL = """
INSERT INTO notifications (user_id, kind, body, created_at)
SELECT ids[1 + g %% cardinality(ids)], 'reminder', 'Your appointment number ' || g || ' is confirmed',
       now() - make_interval(secs => g)
FROM (SELECT array_agg(id ORDER BY phone) AS ids FROM users) AS customers, generate_series(1, %s) AS g
"""

_REPORT = """
SELECT customers.id, day, (SELECT count(*) FROM notifications
    WHERE user_id = customers.id AND created_at < now() - make_interval(days => day))
FROM (SELECT id, day FROM users, generate_series(1, 100) AS day ORDER BY day, phone LIMIT %s) AS customers
"""

Connect = Callable[..., AbstractContextManager[Any]]


class IndexMissing:
    """The table of notifications, grown big, and customers who ask it without an index."""

    def __init__(
        self, connect: Connect, administer: Connect | None = None, *, calls: int = 12, rows: int = ROWS
    ) -> None:
        """`connect()` opens a connection in autocommit; `calls` is how often the query has been asked.

        `administer()` opens one of whom the server lets forget its statistics.
        """
        self._connect = connect
        self._administer = administer or connect
        self._calls = calls
        self._rows = rows

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{TABLE} has no index for the question that customers ask it"

    def arrange(self) -> None:
        """Makes and fills the table, and asks it as the application does. Raises FaultError when it exists."""
        with self._connect() as live:
            if exists(live, TABLE):
                raise FaultError(f"there is a table {TABLE}: it is not this drill's to break")
            live.execute(_MAKE)
            live.execute(_FILL, [self._rows])
            live.execute("VACUUM (ANALYZE) notifications")
            forget_statements(self._administer)
            for _ in range(self._calls):
                ask(live)

    def observe(self) -> Observation:
        """Looks for the table, and for a valid index that starts with user_id."""
        with self._connect() as live:
            if not exists(live, TABLE):
                return Observation(False, f"there is no table {TABLE}")
            found = live.execute(
                "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'notifications'::regclass "
                "AND indisvalid AND indkey[0] = (SELECT attnum FROM pg_attribute "
                "WHERE attrelid = 'notifications'::regclass AND attname = 'user_id')"
            ).fetchall()
        names = ", ".join(name for (name,) in found)
        return Observation(not found, f"indexes of {TABLE} on user_id: {names or 'none'}")

    def clear(self) -> None:
        """Drops the table, and with it whatever the procedure made on it."""
        with self._connect() as live:
            live.execute("DROP TABLE IF EXISTS notifications CASCADE")


class IndexBuildFailed:
    """A concurrent build that gave up waiting for an open transaction: it leaves an INVALID index."""

    def __init__(self, connect: Connect, index: str = INDEX) -> None:
        """The table must be there: arrange `IndexMissing` before."""
        self._connect = connect
        self._index = index

    @property
    def name(self) -> str:
        """What is broken."""
        return f"index {self._index} is invalid"

    def arrange(self) -> None:
        """Builds the index while a transaction that has written holds on, with a short lock_timeout."""
        statement = sql.SQL("CREATE INDEX CONCURRENTLY {} ON notifications (user_id, created_at DESC)").format(
            sql.Identifier(self._index)
        )
        with self._connect() as writer, writer.transaction(), self._connect() as builder:
            writer.execute("LOCK TABLE notifications IN ROW EXCLUSIVE MODE")
            builder.execute("SET lock_timeout = '100ms'")
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                builder.execute(statement)

    def observe(self) -> Observation:
        """Asks the catalogue for invalid indexes."""
        with self._connect() as live:
            found = invalid_indexes(live)
        return Observation(bool(found), f"invalid indexes: {', '.join(found) or 'none'}")

    def clear(self) -> None:
        """Drops the index; the table's own fault drops the table."""
        with self._connect() as live:
            live.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(self._index)))


def report(live: Any, lines: int) -> float:
    """Counts the notifications of each customer up to a day, so many lines; gives the seconds that it took."""
    began = time.monotonic()
    live.execute(_REPORT, [lines]).fetchall()
    return time.monotonic() - began


def exists(live: Any, table: str) -> bool:
    """Whether there is such a table."""
    return live.execute("SELECT to_regclass(%s)", [table]).fetchone()[0] is not None


def invalid_indexes(live: Any) -> list[str]:
    """Names of the indexes that no query may use."""
    rows = live.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1").fetchall()
    return [str(name) for (name,) in rows]


def ask(live: Any) -> None:
    """Asks for the newest notifications of one customer, as the application does."""
    customer = live.execute("SELECT id FROM users ORDER BY phone LIMIT 1").fetchone()[0]
    live.execute(QUERY, [customer]).fetchall()


def measured_ms(live: Any, expected_ms: float = math.inf, patience_s: float = 10.0) -> float:
    """The least of nine askings or more, in milliseconds, as the client sees it: other work only ever adds to it.

    On a busy machine nine may all be disturbed: it asks on until one took no longer than expected, or patience ends.
    """
    customer = live.execute("SELECT id FROM users ORDER BY phone LIMIT 1").fetchone()[0]
    until, taken = time.monotonic() + patience_s, list[float]()
    while len(taken) < ASKINGS or (min(taken) > expected_ms and time.monotonic() < until):
        began = time.monotonic()
        live.execute(QUERY, [customer]).fetchall()
        taken.append(1000 * (time.monotonic() - began))
    return min(taken)


def plan_nodes(live: Any, query: str) -> list[dict[str, Any]]:
    """The nodes of the plan of a query, the outermost first; the query is planned, not run."""
    plan = live.execute(f"EXPLAIN (FORMAT JSON) {query}").fetchone()[0][0]["Plan"]
    found, left = [], [plan]
    while left:
        node = left.pop(0)
        found.append(node)
        left.extend(node.get("Plans", ()))
    return found
