"""An advisory lock that holds: one session of its own, watched, that says who holds it and since when.

PostgreSQL gives a lock back with its session. So the session is told not to end by itself, a transaction pooler
(which would lend it to others, and keep the lock after us) is refused, and a watcher notices at once when the
session ends all the same: then another run may begin, and this one must stop.
"""

from __future__ import annotations

import getpass
import re
import select
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runbook_steps.engine.errors import RefusedError
from runbook_steps.engine.postgres.pooled import refuse_transaction_pooler

__all__ = ["HeldLock", "quiet_settings"]

WATCH_EVERY_S = 5.0
_NAME_BYTES = 63  # NAMEDATALEN - 1
_NAMED = re.compile(r"(?P<name>.*) (?P<time>\d\d:\d\d:\d\dZ)")
_KEEPALIVE: Mapping[str, str] = {
    "keepalives": "1", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3",
    "tcp_user_timeout": "20000", "connect_timeout": "10",
}  # fmt: skip
_TIME_LIMITS = (
    "idle_session_timeout", "idle_in_transaction_session_timeout", "statement_timeout", "transaction_timeout",
    "lock_timeout",
)  # fmt: skip
_HELD = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid = pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = (%(key)s::bigint >> 32)::int::oid AND objid = (%(key)s::bigint & 4294967295)::oid
"""
_HOLDER = """
SELECT a.application_name, a.usename, a.pid, host(a.client_addr), a.backend_start AT TIME ZONE 'UTC'
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = (%(key)s::bigint >> 32)::int::oid AND l.objid = (%(key)s::bigint & 4294967295)::oid
"""


def quiet_settings(connection: psycopg.Connection[Any]) -> None:
    """Lifts the time limits that roles and databases set for the application's sessions, for this session alone."""
    known = connection.execute(
        "SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting <> '0'", [list(_TIME_LIMITS)]
    ).fetchall()
    for (found,) in known:  # by SET, which a guard of read-only commands can read, where set_config() is any function
        name = found.decode() if isinstance(found, bytes) else found  # bytes, where the session's encoding is none
        connection.execute(sql.SQL("SET {} = 0").format(sql.Identifier(name)))


class HeldLock:
    """One lock, from `take` to `release`. `lost` says why it is no longer held, empty while it is."""

    def __init__(self, connection: psycopg.Connection[Any], key: int, on_lost: Callable[[], object]) -> None:
        self._connection = connection
        self._key = key
        self._on_lost = on_lost
        self._ours, self._theirs = socket.socketpair()
        self.lost = ""
        self._watcher = threading.Thread(target=self._watch, name="lock", daemon=True)
        self._watcher.start()

    @classmethod
    def take(
        cls, conninfo: str, key: int, who: str, *, on_lost: Callable[[], object] = lambda: None,
        variable: str = "DATABASE_URL", busy: str = "another run is under way",
    ) -> HeldLock:  # fmt: skip
        """`who` is shown to others, with the user, the host and the time; `busy` begins what a second one is told.

        Raises RefusedError when another session holds the lock, naming it, or when a pooler is in between;
        psycopg.Error when the database cannot be asked.
        """
        name = f"{who} {getpass.getuser()}@{socket.gethostname()}"
        since = f" {datetime.now(UTC):%H:%M:%SZ}"

        full = make_conninfo(
            conninfo,
            **{
                **_KEEPALIVE,
                **conninfo_to_dict(conninfo),
                "application_name": _cut(name, _NAME_BYTES - len(since)) + since,
            },
        )

        def opened() -> psycopg.Connection[Any]:
            return psycopg.connect(full, autocommit=True)

        connection = opened()
        try:
            refuse_transaction_pooler(connection, opened, "a lock", variable)
            quiet_settings(connection)
            _take(connection, key, busy)
        except BaseException:
            connection.close()
            raise
        return cls(connection, key, on_lost)

    def refuse_lost(self) -> None:
        """Raises RefusedError when the lock is no longer held: another run may have begun."""
        if self.lost:
            raise RefusedError(f"the lock against a second run was lost ({self.lost}): stopped, another may have begun")

    def release(self) -> None:
        """Ends the session, and with it the lock; idempotent."""
        with suppress(OSError):
            self._ours.send(b".")
        self._watcher.join(timeout=10)
        with suppress(psycopg.Error):  # a pooler would keep the session, and the lock with it
            self._connection.execute("SELECT pg_advisory_unlock(%s)", [self._key])
        self._connection.close()
        self._ours.close()
        self._theirs.close()

    def _watch(self) -> None:
        while not self.lost:
            try:
                sockets = [self._connection.fileno(), self._theirs.fileno()]
                ready, _, _ = select.select(sockets, [], [], WATCH_EVERY_S)
                if self._theirs.fileno() in ready:
                    return
                row = self._connection.execute(_HELD, {"key": self._key}).fetchone()
                self.lost = "" if row and row[0] else "its session is another one now"
            except (psycopg.Error, OSError, ValueError) as error:
                said = str(error).strip().splitlines()
                self.lost = said[0][:200] if said else type(error).__name__
        self._on_lost()


def _take(connection: psycopg.Connection[Any], key: int, busy: str) -> None:
    taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [key]).fetchone()
    if not taken or not taken[0]:
        raise RefusedError(_holder(connection, key, busy))


def _holder(connection: psycopg.Connection[Any], key: int, busy: str) -> str:
    row = connection.execute(_HOLDER, {"key": key}).fetchone()
    if row is None:
        return f"{busy}, or just ended; nothing was done"
    name, user, process, address, since = row
    shape = _NAMED.fullmatch(name or "")
    # the exact time is hidden from who may not see other sessions: the name has it too
    when = f"{since:%Y-%m-%d %H:%M:%S}Z" if since else shape["time"] if shape else "when is hidden"
    where = f" from {address}" if address else ""
    return (
        f"{busy}: {shape['name'] if shape else name or 'without a name'}, since {when} (role {user}, process "
        f"{process}{where}). Two at once would not know whose work is whose: wait for it, nothing was done"
    )


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")
