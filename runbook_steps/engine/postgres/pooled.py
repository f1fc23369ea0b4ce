"""Whether a session really is one, or a pooler lends a server's session for one transaction at a time."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg

from runbook_steps.engine.errors import RefusedError
from runbook_steps.engine.postgres.address import pooled

__all__ = ["refuse_transaction_pooler"]

_PATIENCE_S = 10.0  # a pool that is full makes the second session wait

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
        other = _process_of_another(again)
    except psycopg.Error as error:
        raise RefusedError(pooled(what, variable, "a pooler, in a mode that could not be seen")) from error
    if other == process or _process(first) != process:
        raise RefusedError(pooled(what, variable, "two sessions were given the same process of the server"))


def _process(connection: Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0


def _process_of_another(again: Callable[[], Connection]) -> int:
    with again() as second:
        handle = os.dup(second.fileno())

        def hang_up() -> None:
            with suppress(OSError), socket.socket(fileno=os.dup(handle)) as line:
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(_PATIENCE_S, hang_up)
        timer.daemon = True
        timer.start()
        try:
            with second.transaction():
                return _process(second)
        finally:
            timer.cancel()
            os.close(handle)
