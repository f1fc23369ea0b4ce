"""Relays PostgreSQL's protocol, reads every statement on its way, and ends the session of one that goes too far.

Protocol: PostgreSQL 18, chapter 54. The client side is plain TCP on the loopback; to the real server
TLS is used when its URL asks for it. Authentication passes through untouched.
"""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass

from runbook_steps.guards.listening import Incoming
from runbook_steps.guards.sql_policy import refused_sql
from runbook_steps.guards.streams import Refusal, Tell, Upstream, both_ways, connect, copy, shut
from runbook_steps.model import Risk

__all__ = ["PostgresRelay"]

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_LENGTH_SIZE, _SHORTEST_STARTUP = 4, 8  # bytes
_MAX_STARTUP = 10_000  # bytes, as the server's own limit
_MAX_STATEMENT = 64 * 1024 * 1024
_READ_ONLY = "-c default_transaction_read_only=on"


@dataclass(frozen=True)
class PostgresRelay:
    """One listening place. `upstream.tls` is started after the server agreed to it, as the protocol wants."""

    upstream: Upstream
    risk: Risk
    tell: Tell

    async def __call__(self, incoming: Incoming) -> None:
        """Serves one client."""
        reader, writer = await incoming.streams()
        server: asyncio.StreamWriter | None = None
        try:
            startup = await _startup(reader, writer)
            if startup is None:
                return
            from_server, server = await self._server()
            server.write(self._opened(startup))
            await both_ways(
                asyncio.create_task(self._judged(reader, server, writer)),
                asyncio.create_task(copy(from_server, writer)),
            )
        except PermissionError as refused:
            self._refuse(writer, str(refused))
        except (OSError, EOFError, ValueError, struct.error) as error:
            writer.write(_error("08006", f"the guard could not reach or follow PostgreSQL: {error}"))
        finally:
            await shut(server, writer)

    async def _server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        plain = Upstream(self.upstream.host, self.upstream.port)
        reader, writer = await connect(plain)
        if self.upstream.tls is not None:
            writer.write(struct.pack("!ii", 8, _SSL))
            if await reader.readexactly(1) != b"S":
                raise ConnectionError("the server offers no TLS, and its URL demands it")
            await writer.start_tls(self.upstream.tls, server_hostname=self.upstream.host)
        return reader, writer

    def _opened(self, startup: bytes) -> bytes:
        """The startup message, its session read-only from the first statement on when only reading is allowed."""
        (code,) = struct.unpack_from("!i", startup)
        if code == _CANCEL or self.risk is not Risk.READONLY:
            return struct.pack("!i", len(startup) + 4) + startup
        texts = startup[4:].rstrip(b"\0").split(b"\0")
        parameters = dict(zip(texts[::2], texts[1::2], strict=False))
        if b"replication" in parameters:
            raise PermissionError("a replication connection")
        options = parameters.get(b"options", b"").decode()
        parameters[b"options"] = f"{options} {_READ_ONLY}".strip().encode()
        body = struct.pack("!i", code) + b"".join(k + b"\0" + v + b"\0" for k, v in parameters.items()) + b"\0"
        return struct.pack("!i", len(body) + 4) + body

    async def _judged(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        """Client to server, message by message."""
        while True:
            try:
                head = await client.readexactly(5)
            except asyncio.IncompleteReadError:
                return
            kind, length = head[:1], struct.unpack("!i", head[1:])[0]
            if not _LENGTH_SIZE <= length <= _MAX_STATEMENT:
                self._refuse(back, "a message of an impossible length")
                return
            body = await client.readexactly(length - 4)
            if refused := self._refused(kind, body):
                self._refuse(back, refused)
                return
            server.write(head + body)
            await server.drain()

    def _refused(self, kind: bytes, body: bytes) -> str | None:
        if kind == b"Q":
            return refused_sql(body.rstrip(b"\0").decode("utf-8", "replace"), self.risk)
        if kind == b"P":
            return refused_sql(body.split(b"\0", 2)[1].decode("utf-8", "replace"), self.risk)
        return "a function call message" if kind == b"F" and self.risk is Risk.READONLY else None

    def _refuse(self, writer: asyncio.StreamWriter, operation: str) -> None:
        self.tell(Refusal("PostgreSQL", operation))
        writer.write(_error("25006", f"refused by the guard: this procedure is {self.risk}, and this is {operation}"))


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
    """The startup message without its length; None when the client left."""
    while True:
        try:
            (length,) = struct.unpack("!i", await reader.readexactly(4))
            if not _SHORTEST_STARTUP <= length <= _MAX_STARTUP:
                return None
            body = await reader.readexactly(length - 4)
        except asyncio.IncompleteReadError:
            return None
        if struct.unpack_from("!i", body)[0] not in {_SSL, _GSS}:
            return body
        writer.write(b"N")


def _error(code: str, message: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields
