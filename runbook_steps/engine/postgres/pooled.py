"""Whether a session really is one, or a pooler lends a server's session for one transaction at a time."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from runbook_steps.engine.errors import RefusedError
from runbook_steps.engine.postgres.address import pooled

__all__ = ["keeps_sessions", "refuse_transaction_pooler"]

_PATIENCE_S = 10.0  # a pool that is full makes the second session wait
_ROUNDS = 20  # others may come in between

Connection = psycopg.Connection[Any]


def refuse_transaction_pooler(
    first: Connection, again: Callable[[], Connection], what: str, variable: str = "DATABASE_URL"
) -> None:
    """Raises RefusedError when `first`, idle and in autocommit, goes through a transaction pooler.

    `again` opens another session. A pooler tells a process number of its own, so that a number which the server
    confirms needs no further look. Otherwise a second session opens a transaction: in session mode it cannot get
    the process that the first one has; in transaction mode it gets exactly that one, which was given back last.
    A pool that cannot be looked through is refused too.
    """
    process = _process(first)
    if process == first.info.backend_pid:
        return
    try:
        shared = _shared(first, process, again)
    except psycopg.Error as error:
        raise RefusedError(pooled(what, variable, "a pooler, in a mode that could not be seen")) from error
    if shared:
        raise RefusedError(pooled(what, variable, "two sessions were given the same process of the server"))


def keeps_sessions(parameters: Mapping[str, str]) -> bool:
    """Whether each client there has a session of the server for itself; no where that cannot be seen."""

    def again() -> Connection:
        waits: dict[str, Any] = {"connect_timeout": int(_PATIENCE_S)}
        return psycopg.connect(**{**waits, **parameters}, autocommit=True, prepare_threshold=None)

    try:
        with again() as first:
            refuse_transaction_pooler(first, again, "a session")
    except (RefusedError, psycopg.Error):
        return False
    return True


def _process(connection: Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0


def _shared(first: Connection, process: int, again: Callable[[], Connection]) -> bool:
    """Whether the first session changes its process, or a second one gets it; the pool may be busy with others."""
    with again() as second, _hung_up_in_time(second):
        for _ in range(_ROUNDS):
            if _process(first) != process:
                return True
            with second.transaction():
                if _process(second) == process:
                    return True
    return _process(first) != process


@contextmanager
def _hung_up_in_time(connection: Connection) -> Iterator[None]:
    """Ends a session that a pooler keeps waiting."""
    handle = os.dup(connection.fileno())

    def hang_up() -> None:
        with suppress(OSError), socket.socket(fileno=os.dup(handle)) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_PATIENCE_S, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        os.close(handle)
