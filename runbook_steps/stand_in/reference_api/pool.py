"""Connections to the database, lost and made again as node-postgres does it, which production uses."""

from __future__ import annotations

import time
from typing import Any

import psycopg
import psycopg_pool

__all__ = ["Pool"]


class Pool(psycopg_pool.AsyncConnectionPool[Any]):
    """Gives no dead connection, and connects when it is asked for one.

    node-postgres drops an idle client as soon as its socket ends, and knows no pause between attempts: the first
    request after an outage is served. This pool would sleep a second behind each dead connection that it finds, and
    longer and longer while it cannot connect.
    """

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, reconnect_timeout=0, open=False, **options)

    async def getconn(self, timeout: float | None = None) -> psycopg.AsyncConnection[Any]:
        """A connection that answers. Raises PoolTimeout."""
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            connection: psycopg.AsyncConnection[Any] = await super().getconn(end - time.monotonic())
            try:
                await self.check_connection(connection)
            except BaseException as error:
                await self.putconn(connection)  # one that is dead is not taken back
                if not isinstance(error, psycopg.OperationalError):
                    raise
            else:
                return connection
