"""Takes connections without reading from them: a relay with TLS must look at the real server first.

Only this run's own processes are served: a stranger's connection is closed unread, here, for every protocol.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from runbook_steps.engine.guards.services.peers import Peer, peer_of

__all__ = ["Incoming", "Listener", "Relay"]

_HANDSHAKE_S = 10.0
_MOST_CLIENTS = 64
"""At once, of one service: each is a connection to it as well, and PostgreSQL has a hundred for everybody."""
_GONE = "a request whose sender had gone before anybody could see whose it was"
_TOO_MANY = f"more than {_MOST_CLIENTS} connections at once, of which others need some"
_BUFFER = 1_048_576  # bytes that may wait unread; also the longest line of a protocol


@dataclass(frozen=True)
class Incoming:
    """A client that was accepted, nothing read yet."""

    client: socket.socket

    async def streams(self, tls: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Its streams, after the handshake when there is TLS. Raises OSError, ssl.SSLError."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_BUFFER)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, self.client, ssl=tls, ssl_handshake_timeout=_HANDSHAKE_S if tls else None
        )
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


Relay = Callable[[Incoming], Awaitable[None]]


class Listener:
    """A free port on the loopback whose every client is served by a relay, each in a task of its own."""

    def __init__(self, relay: Relay, tell: Callable[[str], None] = lambda _: None) -> None:
        """Listens at once; clients wait until `accept` runs. Raises OSError.

        `tell` is told of a client that sent something and had closed before it could be seen whose it was, and of one
        more than may be served at once.
        """
        self._relay = relay
        self._tell = tell
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._socket.setblocking(False)
        self._clients: set[asyncio.Task[None]] = set()
        self._served = 0
        self.port: int = self._socket.getsockname()[1]

    async def accept(self) -> None:
        """Until it is cancelled, or closed."""
        loop = asyncio.get_running_loop()
        with suppress(OSError, asyncio.CancelledError):
            while True:
                client, _ = await loop.sock_accept(self._socket)
                task = loop.create_task(self._serve(Incoming(client)))
                self._clients.add(task)
                task.add_done_callback(self._clients.discard)
        self._socket.close()

    async def _serve(self, incoming: Incoming) -> None:
        try:
            with suppress(asyncio.CancelledError, OSError, ssl.SSLError):
                peer = peer_of(incoming.client)
                if peer is Peer.OWN:
                    await self._relayed(incoming)
                elif peer is Peer.GONE and await asyncio.get_running_loop().sock_recv(incoming.client, 1):
                    self._tell(_GONE)
        finally:
            incoming.client.close()

    async def _relayed(self, incoming: Incoming) -> None:
        if self._served >= _MOST_CLIENTS:
            self._tell(_TOO_MANY)
            return
        self._served += 1
        try:
            await self._relay(incoming)
        finally:
            self._served -= 1
