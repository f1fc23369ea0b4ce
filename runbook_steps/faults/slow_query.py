"""A query that takes longer than a second, asked for real."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.run.situation import Observation

__all__ = ["SlowQueryAsked", "forget_statements", "refuse_uncounted", "slow_queries"]

SLOW_MS = 1000.0  # version 1.0, "Daily Database Check"

Connect = Callable[..., AbstractContextManager[Any]]


class SlowQueryAsked:
    """A report that takes a little more than a second, once."""

    def __init__(self, connect: Connect, administer: Connect | None = None) -> None:
        """`administer()` opens a connection of whom the server lets forget its statistics."""
        self._connect = connect
        self._administer = administer or connect

    @property
    def name(self) -> str:
        """What is broken."""
        return f"a query takes more than {SLOW_MS:g} ms"

    def arrange(self) -> None:
        """Asks it."""
        forget_statements(self._administer)
        with self._connect() as live:
            live.execute(
                "SELECT status, count(*) AS nightly_report FROM bookings, (SELECT pg_sleep(1.05)) AS slow "
                "GROUP BY status"
            )

    def observe(self) -> Observation:
        """Asks pg_stat_statements."""
        with self._connect() as live:
            found = slow_queries(live)
            if not found:
                refuse_uncounted(live)
        return Observation(bool(found), f"{len(found)} queries above {SLOW_MS:g} ms on average")

    def clear(self) -> None:
        """Lets the statistics begin anew."""
        forget_statements(self._administer)


def forget_statements(administer: Connect) -> None:
    """The statistics of all statements begin anew: of this server, whose administrator alone may do that."""
    with administer() as live:
        live.execute("SELECT pg_stat_statements_reset()")


def refuse_uncounted(live: Any) -> None:
    """Raises CheckFailed where no query of this database is counted: then none is slow, whatever happens."""
    row = live.execute(
        "SELECT count(*), current_setting('pg_stat_statements.track', true) FROM pg_stat_statements "
        "JOIN pg_database ON pg_database.oid = dbid WHERE datname = current_database()"
    ).fetchone()
    if not row[0] or row[1] == "none":
        raise CheckFailed(
            f"could not look: pg_stat_statements counts no query of this database (pg_stat_statements.track = {row[1]})"
        )


def slow_queries(live: Any) -> list[str]:
    """Queries of this database that take longer than SLOW_MS on average. Raises NotRunnableHere without statistics."""
    if live.execute("SELECT to_regclass('pg_stat_statements')").fetchone()[0] is None:
        raise NotRunnableHere("the database has no extension pg_stat_statements: let its administrator create it")
    rows = live.execute(
        "SELECT query FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid "
        "WHERE datname = current_database() AND mean_exec_time > %s",
        [SLOW_MS],
    ).fetchall()
    return [str(query) for (query,) in rows]
