"""Queries that wait for a lock, and the session that holds it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.sessions import refuse_hidden, wait_until

__all__ = ["LockHeld", "Queue", "queues_of"]

BLOCKER = "beautycort-billing"  # holds the lock
WAITER = "beautycort-checkout"  # waits for it
UNKNOWN = "hidden"  # what is said of the state of a session that this role may not see
_HOW = {
    "works": ("UPDATE services SET price = price", "SELECT pg_sleep(600)"),
    "was forgotten": ("UPDATE services SET price = price", None),
    "changes the table": ("SELECT count(*) FROM services", None),
}
_WAITS = {"changes the table": "SELECT count(*) FROM services"}

Connect = Callable[..., AbstractContextManager[Any]]


@dataclass
class _Held:
    """The sessions of the drill, and the threads that wait in them."""

    sessions: list[psycopg.Connection[Any]] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Queue:
    """Sessions that wait, and the one they wait for. `ddl`: one would change a table, and others wait behind it."""

    pid: int
    application: str
    state: str
    waiting: int
    ddl: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the session at the root does, in the words of the procedures."""
        root = "was forgotten" if self.state.startswith("idle in transaction") else "works"
        return (root, "changes the table") if self.ddl else (root,)

    def __str__(self) -> str:
        who = f"process {self.pid} ({self.application or 'no name'}, {self.state})"
        return f"{self.waiting} wait for {who}" + (", one of them to change the table" if self.ddl else "")


_QUEUES = r"""
SELECT root.pid, root.application_name, coalesce(root.state, 'hidden'), count(DISTINCT waiter.pid)::int,
       bool_or(waiter.query ~* '^\s*(alter|create|drop|truncate|reindex|cluster|refresh|vacuum|lock)'
               AND EXISTS (SELECT FROM pg_stat_activity AS behind WHERE waiter.pid = ANY(pg_blocking_pids(behind.pid))))
FROM pg_stat_activity AS root JOIN pg_stat_activity AS waiter ON waiter.datname = current_database()
WHERE cardinality(pg_blocking_pids(root.pid)) = 0 AND root.pid = ANY(pg_blocking_pids(waiter.pid))
GROUP BY root.pid, root.application_name, root.state ORDER BY 4 DESC, 1
"""


def queues_of(admin: Any) -> list[Queue]:
    """Every queue of the database, the longest first."""
    return [Queue(*row) for row in admin.execute(_QUEUES).fetchall()]


class LockHeld:
    """A lock that others wait for, held in one of three ways.

    `how` is `works` (a long statement), `was forgotten` (idle in its transaction) or `changes the table`: an
    ALTER TABLE that itself waits for a reader, while every query of the table waits behind it.
    """

    def __init__(self, connect: Connect, how: str) -> None:
        self._connect = connect
        self._how = how
        self._held = _Held()

    @property
    def name(self) -> str:
        """What is broken."""
        return f"queries wait for a session that {self._how}"

    @property
    def done(self) -> list[str]:
        """What became of the statements that waited: `done`, or the name of the error."""
        return self._held.done

    def arrange(self) -> None:
        """Takes the lock, and lets two others wait for it."""
        first, then = _HOW[self._how]
        reader = self._how == "changes the table"
        holder = self._session("beautycort-reports" if reader else BLOCKER)
        holder.execute("BEGIN")
        holder.execute(first.encode())
        if then:
            self._run(holder, then, keep=False)
        if reader:
            self._run(self._session(BLOCKER), "ALTER TABLE services ADD COLUMN drill integer", keep=False)
            wait_until(lambda: self._waiting(BLOCKER) == 1, "the change waits")
        for _ in range(2):
            self._run(self._session(WAITER), _WAITS.get(self._how, "UPDATE services SET active = active"), keep=True)
        wait_until(lambda: self._waiting(WAITER) == 2, "both queries wait")  # noqa: PLR2004 - the two above

    def _session(self, application: str) -> psycopg.Connection[Any]:
        with self._connect() as admin:
            info = admin.info
            session = psycopg.connect(
                host=info.host, port=info.port, dbname=info.dbname, user=info.user, password=info.password,
                application_name=application, autocommit=True, connect_timeout=5,
            )  # fmt: skip
        self._held.sessions.append(session)
        return session

    def _run(self, session: psycopg.Connection[Any], statement: str, *, keep: bool) -> None:
        def wait() -> None:
            result = "done"
            try:
                session.execute(statement.encode())
            except psycopg.Error as error:
                result = type(error).__name__
            if keep:
                self._held.done.append(result)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        self._held.threads.append(thread)

    def _waiting(self, application: str) -> int:
        with self._connect() as admin:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'",
                [application],
            ).fetchone()
        return int(row[0])

    def observe(self) -> Observation:
        """Looks for the session at the root of a queue, and at what it does."""
        with self._connect() as admin:
            queues = queues_of(admin)
            if any(queue.state == UNKNOWN for queue in queues):
                refuse_hidden(admin)
        ours = [queue for queue in queues if self._how in queue.kinds]
        others = "" if ours else "".join(f"; {queue}" for queue in queues)
        shown = "; ".join(map(str, ours)) or f"nobody waits for a session that {self._how}"
        return Observation(bool(ours), shown + others)

    def clear(self) -> None:
        """Ends the sessions of the drill, waits for their threads, and drops the column if it was added."""
        with self._connect() as admin:
            for session in self._held.sessions:
                with contextlib.suppress(psycopg.Error):
                    admin.execute("SELECT pg_terminate_backend(%s)", [session.info.backend_pid])
        for thread in self._held.threads:
            thread.join(20)
        for session in self._held.sessions:
            session.close()
        self._held = _Held()
        with self._connect() as admin:
            admin.execute("ALTER TABLE services DROP COLUMN IF EXISTS drill")
