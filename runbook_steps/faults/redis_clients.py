"""Redis that lets nobody in: every place for a client is taken."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

import redis

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["RedisClientsFull"]

LIMIT = 40  # places; the platform itself takes about ten
ANSWER_S = 5.0
TRIES = 5  # of which one hears why
SAYS = "max number of clients reached"
CLIENT_NAME = b"leaking-worker"


class RedisClientsFull:
    """`connect` gives a new client of the server each time; `kept` is one that is connected already."""

    def __init__(self, kept: redis.Redis, connect: Callable[[], redis.Redis], password: str) -> None:
        self._kept: Any = kept
        self._connect = connect
        self._password = password
        self._before: int | None = None
        self._sockets: list[socket.socket] = []

    @property
    def name(self) -> str:
        """What is broken."""
        return "Redis has no place for another client"

    def arrange(self) -> None:
        """Lowers the limit and takes every place that is left with connections that do nothing."""
        self._kept.ping()
        self._before = int(self._kept.config_get("maxclients")["maxclients"])
        self._kept.config_set("maxclients", LIMIT)
        with self._connect() as one:
            address = one.connection_pool.connection_kwargs
        host, port = str(address["host"]), int(address["port"])
        for _ in range(LIMIT):
            self._sockets.append(socket.create_connection((host, port), timeout=ANSWER_S))
            self._sockets[-1].sendall(self._greeting())
            if SAYS.encode() in self._sockets[-1].recv(200):
                return
        raise FaultError(f"Redis takes more than {LIMIT} clients, whatever its limit says")

    def _greeting(self) -> bytes:
        words = (b"AUTH", self._password.encode(), b"CLIENT", b"SETNAME", CLIENT_NAME)
        sent = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        return b"*2\r\n" + b"".join(sent[:2]) + b"*3\r\n" + b"".join(sent[2:])

    def observe(self) -> Observation:
        """Tries to get in. Raises what the client raises when nobody answers, or the password is wrong.

        A server that is full ends the connection as it says so: its word may be lost, and is asked for again.
        """
        for left in reversed(range(TRIES)):
            with self._connect() as one:
                try:
                    one.ping()
                except redis.exceptions.RedisError as error:
                    if SAYS in str(error).lower():
                        return Observation(True, f"a new client is refused: {error}")
                    if not left or not isinstance(error, redis.exceptions.ConnectionError):
                        raise
                else:
                    break
        return Observation(False, "a new client is let in")

    def clear(self) -> None:
        """Leaves, and puts the limit back."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.close()
        self._sockets.clear()
        if self._before is not None:
            self._kept.config_set("maxclients", self._before)
        end = time.monotonic() + ANSWER_S
        while self.observe().present and time.monotonic() < end:
            pass
