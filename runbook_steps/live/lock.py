"""One changing run at a time on a live target: an advisory lock of its database."""

from __future__ import annotations

import getpass
import socket
from typing import Any

import psycopg

from runbook_steps.engine.errors import RefusedError, TargetError

__all__ = ["DatabaseLock"]

_LOCK_KEY = 7_265_116_209  # any number that nobody else takes; the same for every run


class DatabaseLock:
    """One changing run at a time: an advisory lock, held by a session that says whose it is and since when."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @classmethod
    def take(cls, database_url: str, run: str) -> DatabaseLock:
        """Raises RefusedError naming who holds it; TargetError when the database cannot be asked."""
        owner = f"runbooks {run} {getpass.getuser()}@{socket.gethostname()}"[:63]  # NAMEDATALEN - 1
        try:
            connection = psycopg.connect(
                database_url, autocommit=True, connect_timeout=10, application_name=owner, keepalives_idle=10
            )
            taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY]).fetchone()
            if taken is not None and taken[0]:
                return cls(connection)
            holder = connection.execute(_HOLDER, [_LOCK_KEY, _LOCK_KEY]).fetchone()
            connection.close()
        except psycopg.Error as error:
            raise TargetError(f"the lock of the database could not be taken: {type(error).__name__}") from error
        name, since = holder or ("a run that just ended", None)
        raise RefusedError(
            f"another run changes this target: {name}" + (f", since {since:%Y-%m-%d %H:%M:%S %Z}" if since else "")
            + ". Two at once would not know whose fault is whose: wait for it, or end it"
        )  # fmt: skip

    def release(self) -> None:
        """Ends the session, and with it the lock."""
        self._connection.close()


_HOLDER = """
SELECT activity.application_name, activity.backend_start FROM pg_locks
JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND classid = (%s::bigint >> 32)::oid AND objid = (%s::bigint & 4294967295)::oid
"""
