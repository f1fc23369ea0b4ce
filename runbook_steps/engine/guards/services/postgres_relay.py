"""Relays PostgreSQL's protocol, reads every statement on its way, and ends the session of one that goes too far.

Protocol: PostgreSQL 18, chapter 54. The client side is plain TCP on the loopback; to the real server
TLS is used when its URL asks for it. Authentication passes through untouched.
"""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from runbook_steps.engine.guards.services.listening import Incoming
from runbook_steps.engine.guards.services.sql_policy import refused_setting, refused_sql
from runbook_steps.engine.guards.services.streams import CHUNK, Refusal, Tell, Upstream, both_ways, connect, shut
from runbook_steps.engine.model import Risk

__all__ = ["PostgresRelay"]

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_LENGTH_SIZE, _SHORTEST_STARTUP = 4, 8  # bytes
_MAX_STARTUP = 10_000  # bytes, as the server's own limit
_MAX_STATEMENT = 64 * 1024 * 1024
# and as the judge of the statements reads them, whatever a role or a database has for a default
_READ_ONLY = "-c default_transaction_read_only=on -c standard_conforming_strings=on"
_OPTION = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)(?:\s+|$)")
_CONNECTING = frozenset({"user", "database", "options", "client_encoding"})
_WROTE = b"\0C25006\0"  # of an error: the read-only session refused what a function or a rule does


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
                asyncio.create_task(self._answered(from_server, writer)),
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
        texts = [text.decode("utf-8", "replace") for text in startup[4:].rstrip(b"\0").split(b"\0")]
        parameters = dict(zip(texts[::2], texts[1::2], strict=False))
        if refused := _refused_parameters(parameters):
            raise PermissionError(refused)
        parameters["options"] = f"{parameters.get('options', '')} {_READ_ONLY}".strip()
        parameters["client_encoding"] = "UTF8"
        body = struct.pack("!i", code) + b"".join(f"{k}\0{v}\0".encode() for k, v in parameters.items()) + b"\0"
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
        if kind in {b"Q", b"P"}:
            text = body.rstrip(b"\0") if kind == b"Q" else body.split(b"\0", 2)[1]
            try:
                return refused_sql(text.decode("utf-8"), self.risk)
            except UnicodeDecodeError:
                return "SQL that is not UTF-8" if self.risk is Risk.READONLY else None
        return "a function call message" if kind == b"F" and self.risk is Risk.READONLY else None

    async def _answered(self, server: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        """Server to client; what only the read-only session stopped is named as well."""
        before = b""
        while chunk := await server.read(CHUNK):
            if self.risk is Risk.READONLY and _WROTE in before + chunk:
                self.tell(Refusal("PostgreSQL", "a write by a function or a rule, in a read-only session"))
            before = chunk[-len(_WROTE) :]
            client.write(chunk)
            await client.drain()

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


def _refused_parameters(parameters: Mapping[str, str]) -> str | None:
    """What of a session's first message could take it out of reading: they are settings, by another way."""
    if "replication" in parameters:
        return "a replication connection"
    options = parameters.get("options", "").strip()
    if rest := _OPTION.sub("", options):
        return f"the option {rest[:40]}"
    asked = [(name.replace("-", "_"), value) for name, value in _OPTION.findall(options)]
    asked += [item for item in parameters.items() if item[0] not in _CONNECTING and not item[0].startswith("_pq_.")]
    return next((refused for name, value in asked if (refused := refused_setting(name, value))), None)


def _error(code: str, message: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields
