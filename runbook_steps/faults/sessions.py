"""Sessions that hold what others need: all connections, or a lock."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import CheckFailed, FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["APPLICATION", "FORGOTTEN_S", "ConnectionsExhausted", "TransactionForgotten", "refuse_hidden"]

APPLICATION = "beautycort-reports"  # the application that forgets to end its transactions
ROLE = "beautycort_drill_reports"  # an ordinary role: the reserved connections are not for it
# in English, and the code that the guard adds to a refusal in any language
_FULL = (
    "remaining connection slots are reserved",
    "too many clients already",
    "too many connections",
    "SQLSTATE 53300",
)
FORGOTTEN_S = 0.5  # after that long a transaction of the drill counts as forgotten
DEADLINE_S = 20.0

Connect = Callable[..., AbstractContextManager[Any]]


@dataclass(frozen=True)
class _Address:
    """Where the live database is."""

    host: str
    port: int
    database: str


class ConnectionsExhausted:
    """An application that opened every connection there is: some idle, some idle in a transaction, one at work."""

    def __init__(self, connect: Connect, *, share: float = 1.0, administer: Connect | None = None) -> None:
        """Below 1.0, `share` of max_connections is taken. `administer()` gets in where `connect()` is refused."""
        self._connect = connect
        self._administer = administer or connect
        self._share = share
        self._password = secrets.token_urlsafe(16)
        self._held: list[psycopg.Connection[Any]] = []
        self._stop = threading.Event()
        self._worker: threading.Thread | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return "the connections of the database are exhausted" if self._share >= 1 else "connections are running short"

    def arrange(self) -> None:
        """Makes a role, and opens sessions with it until the server refuses, or the share is reached."""
        with self._connect() as admin:
            most = int(admin.execute("SHOW max_connections").fetchone()[0])
            _make_role(admin, self._password)
            info = admin.info
            where = _Address(info.host, info.port, info.dbname)
            busy = self._open(where)
            self._held.append(busy)
        while len(self._held) < self._share * most:
            try:
                session = self._open(where)
            except psycopg.OperationalError:
                break
            self._held.append(session)
            if len(self._held) % 2:
                session.autocommit = False
                session.execute("SELECT count(*) FROM pg_class")
        self._worker = threading.Thread(target=self._work, args=(busy,), daemon=True)
        self._worker.start()
        time.sleep(FORGOTTEN_S)  # a transaction is forgotten when it is that old

    def _open(self, where: _Address) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=where.host, port=where.port, dbname=where.database, user=ROLE, password=self._password,
            application_name=APPLICATION, autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def _work(self, session: psycopg.Connection[Any]) -> None:
        """A long transaction that does something all the time: not one that was forgotten."""
        with contextlib.suppress(psycopg.Error):
            session.execute("BEGIN")
            while not self._stop.wait(0.02):
                session.execute("SELECT 1")

    def try_to_connect(self) -> str:
        """What the server says to one more session of the application; empty when it lets it in."""
        with self._administer() as admin:
            where = _Address(admin.info.host, admin.info.port, admin.info.dbname)
        try:
            self._open(where).close()
        except psycopg.OperationalError as error:
            return str(error)
        return ""

    def observe(self) -> Observation:
        """Counts sessions against max_connections, the reserved ones left out; or is refused, which says the same."""
        try:
            return self._counted()
        except psycopg.OperationalError as error:
            if not (full := any(words in str(error) for words in _FULL)):
                raise
            return Observation(full, f"the server says: {str(error).strip().splitlines()[-1]}")

    def _counted(self) -> Observation:
        with self._connect() as admin:
            refuse_hidden(admin)
            used, most, reserved = admin.execute(
                "SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                "AND pid <> pg_backend_pid()), current_setting('max_connections')::int, "
                "current_setting('superuser_reserved_connections')::int"
            ).fetchone()
        limit = most - reserved if self._share >= 1 else 0.8 * most  # the alert's threshold, 80 %
        return Observation(used >= limit, f"{used} sessions of {most}, {reserved} reserved")

    def clear(self) -> None:
        """Closes the sessions and drops the role."""
        self._stop.set()
        if self._worker is not None:
            self._worker.join(DEADLINE_S)
        for session in self._held:
            session.close()
        self._held.clear()
        with self._administer() as admin:
            _drop_role(admin)


class TransactionForgotten:
    """A session that began a transaction, read something, and went away without an end."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._session: psycopg.Connection[Any] | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return "a transaction was forgotten"

    def arrange(self) -> None:
        """Opens it."""
        with self._connect() as admin:
            info = admin.info
            self._session = psycopg.connect(
                host=info.host, port=info.port, dbname=info.dbname, user=info.user, password=info.password,
                application_name=APPLICATION, connect_timeout=5,
            )  # fmt: skip
        self._session.execute("SELECT count(*) FROM bookings")

    def observe(self) -> Observation:
        """Looks for sessions that are idle in a transaction."""
        with self._connect() as admin:
            found = forgotten(admin)
            if not found:
                refuse_hidden(admin)
        return Observation(bool(found), f"{len(found)} sessions idle in a transaction")

    def clear(self) -> None:
        """Closes the session, and puts the database's own setting back."""
        if self._session is not None:
            self._session.close()
            self._session = None
        with self._connect() as admin:
            admin.execute(
                sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} RESET idle_in_transaction_session_timeout").format(
                    sql.Identifier(admin.info.dbname)
                )
            )
            wait_until(lambda: not forgotten(admin), "its session is gone")


def forgotten(admin: Any, *, after_s: float = 0) -> list[int]:
    """Process ids of the sessions that are idle in a transaction: the drill's after `after_s`, of others after minutes.

    One that works is idle between two statements too: only the time tells them apart.
    """
    rows = admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%' "
        "AND clock_timestamp() - state_change >= "
        "CASE WHEN application_name = %s THEN make_interval(secs => %s) ELSE interval '5 minutes' END",
        [APPLICATION, after_s],
    ).fetchall()
    return [int(pid) for (pid,) in rows]


def refuse_hidden(admin: Any) -> None:
    """Raises CheckFailed where PostgreSQL hides what sessions of other roles do: a list without them is no good news.

    Of a hidden session neither the state nor the kind is told: it is in no count of clients.
    """
    hidden, role = admin.execute(
        "SELECT count(*) FILTER (WHERE backend_type IS NULL AND usesysid IS NOT NULL), current_user::text "
        "FROM pg_stat_activity"
    ).fetchone()
    if hidden:
        raise CheckFailed(
            f"could not look: PostgreSQL hides {hidden} sessions of other roles from {role}; "
            f"GRANT pg_read_all_stats TO {role}"
        )


def wait_until(condition: Callable[[], object], what: str, limit_s: float = DEADLINE_S) -> None:
    """Waits for a condition. Raises FaultError after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise FaultError(f"waited {limit_s:g} s in vain until {what}")
        time.sleep(0.01)


def _make_role(admin: Any, password: str) -> None:
    _drop_role(admin)
    admin.execute(
        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER PASSWORD {}").format(sql.Identifier(ROLE), sql.Literal(password))
    )


def _drop_role(admin: Any) -> None:
    admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s", [ROLE])
    admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(ROLE)))
