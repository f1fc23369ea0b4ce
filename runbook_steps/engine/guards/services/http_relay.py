"""Relays HTTP/1.1, one request a connection, and refuses a request that goes beyond the risk.

To the real server every request is sent with `Connection: close`, so that the answer is all bytes up to
the end and needs no reading. With TLS the guard shows a mirror of the real certificate.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import escape

from runbook_steps.engine.guards.services.http_policy import Head, needs_body
from runbook_steps.engine.guards.services.listening import Incoming
from runbook_steps.engine.guards.services.streams import CHUNK, Refusal, Tell, Upstream, connect, shut
from runbook_steps.engine.guards.services.tls_mirror import Mirror
from runbook_steps.engine.model import Risk

__all__ = ["HttpRelay", "Judge", "aws_refusal"]

_MAX_HEAD = 65536
_MAX_JUDGED_BODY = 1_048_576
_INTERIM = re.compile(rb"HTTP/1\.1 1\d\d ")  # RFC 9110, 15.2: another head follows
_CONNECTION = (b"connection", b"keep-alive")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # a bare line feed ends a line for one server and not for another
_REFUSED = "RefusedByTheGuard"
_PER_HOP = ("connection", "keep-alive", "proxy-connection", "upgrade", "te", "trailer", "expect")

Judge = Callable[[Head, bytes, Risk], str | None]


class Signer(Protocol):
    """Signs a request for the server it is meant for."""

    def needs_body(self, head: Head) -> bool:
        """Whether the signature covers the body, which must then be read whole."""

    def signed(self, head: Head, lines: list[str], body: bytes) -> tuple[Upstream, list[str]]:
        """Where it goes, and the lines of its head, signed. Raises ValueError for what cannot be signed."""


@dataclass(frozen=True)
class _Judged:
    """A request that may pass: where to, what is sent first, and how many bytes of its body are still to come."""

    head: Head
    upstream: Upstream
    raw: bytes
    left: int


@dataclass(frozen=True)
class HttpRelay:
    """One listening place for one origin. `part` is what a refusal names, `extra` are headers for the real server.

    With a `signer`, each request says where it goes, and `upstream` is not used. `refusal` words the answer to a
    refused request; JSON of our own without it.
    """

    part: str
    upstream: Upstream
    judge: Judge
    risk: Risk
    tell: Tell
    mirror: Mirror | None = None
    extra: tuple[tuple[str, str], ...] = ()
    signer: Signer | None = None
    refusal: Callable[[Head, str], bytes] | None = None

    async def __call__(self, incoming: Incoming) -> None:
        """Serves one client; its connection ends when the real server cannot be reached, as its own would."""
        server = writer = None
        try:
            # a mirror needs the real server first; without one a request is judged, and named, also when that is away
            there = await connect(self.upstream) if self.mirror is not None else None
            tls, server = (await self._mirrored(there[1]), there[1]) if there else (None, None)
            reader, writer = await incoming.streams(tls)
            try:
                if judged := await self._judged(reader, writer):
                    from_server, server = there or await connect(judged.upstream)
                    await self._hand_on(judged, reader, writer, from_server, server)
            except (ValueError, asyncio.LimitOverrunError) as error:
                self.tell(Refusal(self.part, f"a request that cannot be judged ({error})"))
                writer.write(_answer(400, f"refused by the guard: {error}"))
            except EOFError:
                pass  # the client left in the middle
        finally:
            await shut(server, writer)

    async def _mirrored(self, server: asyncio.StreamWriter) -> ssl.SSLContext:
        tls: ssl.SSLObject = server.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True)
        if self.mirror is None or certificate is None:
            raise ConnectionError("the server showed no certificate")
        return await asyncio.to_thread(self.mirror.context, certificate, self.upstream.host, self.upstream.port)

    async def _judged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Judged | None:
        """The request, as far as it was read; None when it was refused, or there is none. Raises ValueError."""
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        head, lines = _parse(raw)
        length = int(head.headers.get("content-length", "0"))
        body = b""
        if (needs_body(head) or (self.signer and self.signer.needs_body(head))) and length <= _MAX_JUDGED_BODY:
            body = await _body(reader, writer, head, length)
        if refused := self.judge(head, body, self.risk):
            self.tell(Refusal(self.part, refused))
            said = f"refused by the guard: this procedure is {self.risk}, and this is {refused}"
            writer.write(self.refusal(head, said) if self.refusal else _answer(403, said, self.risk))
            return None
        if "transfer-encoding" in head.headers and self.risk is Risk.READONLY:
            raise ValueError("it does not tell its length")
        upstream = self.upstream
        if self.signer is not None:
            upstream, lines = self.signer.signed(head, lines, body)
        return _Judged(head, upstream, _handed_on(lines, self.extra) + body, length - len(body))

    async def _hand_on(
        self,
        judged: _Judged,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        server: asyncio.StreamWriter,
    ) -> None:
        server.write(judged.raw)
        upload = asyncio.create_task(_upload(reader, server, writer, judged.head, judged.left))
        try:
            writer.write(await _answered_head(from_server))
            while chunk := await from_server.read(CHUNK):
                writer.write(chunk)
                await writer.drain()
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)


async def _body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: Head, length: int) -> bytes:
    if head.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await reader.readexactly(length)


async def _upload(
    reader: asyncio.StreamReader, server: asyncio.StreamWriter, writer: asyncio.StreamWriter, head: Head, left: int
) -> None:
    """What is left of the body; a chunked one (never at readonly) until the client is done."""
    if head.headers.get("expect", "").lower() == "100-continue" and left:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    chunked = "transfer-encoding" in head.headers
    while chunked or left > 0:
        chunk = await reader.read(CHUNK if chunked else min(left, CHUNK))
        if not chunk:
            return
        left -= len(chunk)
        server.write(chunk)
        await server.drain()


async def _answered_head(from_server: asyncio.StreamReader) -> bytes:
    """The head of the answer, saying that the connection ends: a server that ends it need not say so.

    A client that was not told would send its next request into a connection that is just being closed.
    """
    heads = b""
    while True:
        try:
            raw = await from_server.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            return heads + error.partial
        first, *lines = raw[: -len(b"\r\n\r\n")].split(b"\r\n")
        if _INTERIM.match(first):
            heads += raw
            continue
        kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in _CONNECTION]
        return heads + b"\r\n".join([first, *kept, b"Connection: close", b"", b""])


def _parse(raw: bytes) -> tuple[Head, list[str]]:
    """Raises ValueError when it is no HTTP/1.x request, or one that two servers could read differently."""
    lines = raw.decode("latin-1").split("\r\n")[:-2]
    if any(_CONTROL.search(line) for line in lines):
        raise ValueError("a control character in its head")
    method, target, version = lines[0].split(" ")
    if not version.startswith("HTTP/1.") or not method.isalpha() or len(raw) > _MAX_HEAD:
        raise ValueError("not an HTTP/1.1 request")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name != name.strip() or (name == "content-length" and name in headers):
            raise ValueError("a malformed header")
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    if not re.fullmatch(r"[0-9]{1,18}", headers.get("content-length", "0"), re.ASCII):
        raise ValueError("a malformed Content-Length")
    if "content-length" in headers and "transfer-encoding" in headers:
        raise ValueError("both Content-Length and Transfer-Encoding")
    return Head(method.upper(), target, headers), lines


def _handed_on(lines: list[str], extra: tuple[tuple[str, str], ...]) -> bytes:
    replaced = {name.lower() for name, _ in extra}
    kept = [line for line in lines[1:] if line.partition(":")[0].lower() not in {*_PER_HOP, *replaced}]
    added = [f"{name}: {value}" for name, value in extra]
    return "\r\n".join([lines[0], *kept, *added, "Connection: close", "", ""]).encode("latin-1")


def _answer(status: int, message: str, risk: Risk | None = None) -> bytes:
    return _response(status, "application/json", json.dumps({"error": message} | ({"risk": str(risk)} if risk else {})))


def aws_refusal(head: Head, message: str) -> bytes:
    """As its clients understand it: they show code and message, and would stumble over anything else."""
    if "x-amz-target" in head.headers:
        return _response(403, "application/json", json.dumps({"__type": _REFUSED, "message": message}))
    error = f"<Error><Code>{_REFUSED}</Code><Message>{escape(message)}</Message></Error>"
    return _response(403, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>")


def _response(status: int, kind: str, text: str) -> bytes:
    body = text.encode() + b"\n"
    head = f"HTTP/1.1 {status} Guard\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + "Connection: close\r\n\r\n").encode() + body
