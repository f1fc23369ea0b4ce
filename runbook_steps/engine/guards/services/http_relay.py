"""Relays HTTP/1.1, one request a connection: read strictly, judged for the risk, written anew, sent.

To the real server every request is sent with `Connection: close`, so that the answer is all bytes up to
the end and needs no reading. With TLS the guard shows a mirror of the real certificate.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Protocol
from xml.sax.saxutils import escape

import h11

from runbook_steps.engine.guards.services.http_message import CannotBeAsked, RequestHead, read_request, written
from runbook_steps.engine.guards.services.http_message import Incoming as Request
from runbook_steps.engine.guards.services.http_policy import Policy
from runbook_steps.engine.guards.services.listening import Incoming
from runbook_steps.engine.guards.services.looks import Answer, Look, Question
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.guards.services.streams import CHUNK, Refusal, Tell, Upstream, connect, shut
from runbook_steps.engine.guards.services.tls_mirror import Mirror
from runbook_steps.engine.model import Risk
from runbook_steps.engine.text.not_held import BY_THE_GUARD

__all__ = ["HttpRelay", "aws_refusal", "kubernetes_refusal"]

_MAX_JUDGED_BODY = 1_048_576
_MAX_LOOKED_AT, _LOOK_S = 64 << 20, 10.0
_INTERIM = re.compile(rb"HTTP/1\.1 1\d\d ")  # RFC 9110, 15.2: another head follows
_CONNECTION = (b"connection", b"keep-alive")
_REFUSED = "RefusedByTheGuard"
_THERE = re.compile(rb"HTTP/1\.[01] (412|409)\b")  # RFC 9110, 15.5.13; S3 says 409 while another one is written


class Signer(Protocol):
    """Signs a request for the server it is meant for."""

    def needs_body(self, head: RequestHead) -> bool:
        """Whether the signature covers the body, which must then be read whole."""

    def signed(self, head: RequestHead, body: bytes) -> tuple[Upstream, RequestHead]:
        """Where it goes, and its head, signed. Raises Unreadable for what cannot be signed."""


@dataclass(frozen=True)
class _Judged:
    """A request that may pass: where to, its head as it is sent, and its body when that was read already.

    `new`: it is on the condition that there is nothing of that name. `look` is what has to be seen before.
    """

    request: Request
    upstream: Upstream
    head: RequestHead
    body: bytes | None
    new: bool = False
    look: Look | None = None


@dataclass(frozen=True)
class HttpRelay:
    """One listening place for one origin. `part` is what a refusal names, `extra` are headers for the real server.

    With a `signer`, each request says where it goes, and `upstream` is not used. `refusal` words the answer to a
    refused request; JSON of our own without it. `extra` is asked for each request, in a thread: it may fetch.
    """

    part: str
    upstream: Upstream
    policy: Policy
    risk: Risk
    tell: Tell
    mirror: Mirror | None = None
    extra: Callable[[], tuple[tuple[str, str], ...]] = tuple
    signer: Signer | None = None
    refusal: Callable[[RequestHead | None, str], bytes] | None = None
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)

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
                    # of those that are looked at, one at a time: from the look to the answer
                    async with self.looking if judged.look else nullcontext():
                        if not await self._seen_and_refused(judged, writer):
                            from_server, server = there or await connect(judged.upstream)
                            await self._hand_on(judged, writer, from_server, server)
            except Unreadable as error:
                self.tell(Refusal(self.part, f"a request that cannot be judged ({error})"))
                said = f"{BY_THE_GUARD}{error}"
                writer.write(self.refusal(None, said) if self.refusal else _answer(400, said))
            except CannotBeAsked as error:
                said = f"the guard cannot ask {self.part}: {error}"
                writer.write(self.refusal(None, said) if self.refusal else _answer(502, said))
        finally:
            await shut(server, writer)

    async def _mirrored(self, server: asyncio.StreamWriter) -> ssl.SSLContext:
        tls: ssl.SSLObject = server.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True)
        if self.mirror is None or certificate is None:
            raise ConnectionError("the server showed no certificate")
        return await asyncio.to_thread(self.mirror.context, certificate, self.upstream.host, self.upstream.port)

    async def _judged(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Judged | None:
        """The request, as far as it was read; None when it was refused, or there is none. Raises Unreadable."""
        try:
            return await self._looked_at(reader, writer)
        except (Unreadable, CannotBeAsked, OSError):
            raise
        except Exception as fault:  # whatever is wrong with the guard, it lets nothing through
            raise Unreadable(f"the guard failed: {type(fault).__name__}") from fault

    async def _looked_at(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Judged | None:
        request = await read_request(reader, writer.write)
        if request is None:
            return None
        head, body = request.head, None if request.head.has_body else b""
        if body is None and (self.policy.needs_body(head) or (self.signer and self.signer.needs_body(head))):
            body = await request.whole(_MAX_JUDGED_BODY)
        if refused := self.policy.refused(head, body or b"", self.risk):
            self._refuse(head, refused, writer)
            return None
        look = self.policy.looked(head, body or b"", self.risk)
        body = self.policy.written(head, body) if body else body
        new = self.policy.as_new(head, self.risk)
        if new:
            head = RequestHead(head.method, head.target, {**head.headers, "if-none-match": "*"})
        upstream, head = await asyncio.to_thread(self._addressed, head, body or b"")
        return _Judged(request, upstream, head, body, new, look)

    def _refuse(self, head: RequestHead, refused: str, writer: asyncio.StreamWriter) -> None:
        self.tell(Refusal(self.part, refused))
        said = f"{BY_THE_GUARD}this procedure is {self.risk}, and this is {refused}"
        writer.write(self.refusal(head, said) if self.refusal else _answer(403, said, self.risk))

    def _addressed(self, head: RequestHead, body: bytes) -> tuple[Upstream, RequestHead]:
        """Where it goes, with the headers that it needs there: credentials may have to be fetched for them."""
        upstream = self.upstream
        if self.signer is not None:
            upstream, head = self.signer.signed(head, body)
        extra = {name.lower(): value for name, value in self.extra()}
        return upstream, RequestHead(head.method, head.target, {**head.headers, **extra})

    async def _seen_and_refused(self, judged: _Judged, writer: asyncio.StreamWriter) -> bool:
        """Whether what is there forbids the request. Raises Unreadable when that could not be seen."""
        if judged.look is None:
            return False
        try:
            refused = await self._seen(judged.look)
        except (CannotBeAsked, Unreadable):
            raise
        except OSError as error:
            raise CannotBeAsked(error.strerror or type(error).__name__) from error
        except Exception as fault:  # whatever is wrong with the server's answer, it lets nothing through
            raise Unreadable(f"what is there could not be looked at: {type(fault).__name__}") from fault
        if refused:
            self._refuse(judged.request.head, refused, writer)
        return bool(refused)

    async def _seen(self, look: Look) -> str | None:
        try:
            question = next(look)
            while True:
                question = look.send(await asyncio.wait_for(self._asked(question), _LOOK_S))
        except StopIteration as end:
            return str(end.value) if end.value else None

    async def _asked(self, question: Question) -> Answer:
        """The server's answer to the guard's own question. Raises OSError, ValueError."""
        upstream, head = await asyncio.to_thread(self._addressed, question.head, question.body)
        reader, writer = await connect(upstream)
        try:
            connection, sent = written(head, length=len(question.body))
            sent += (connection.send(h11.Data(data=question.body)) or b"") if question.body else b""
            writer.write(sent + (connection.send(h11.EndOfMessage()) or b""))
            await writer.drain()
            return await _whole_answer(connection, reader)
        finally:
            await shut(writer)

    async def _hand_on(
        self,
        judged: _Judged,
        writer: asyncio.StreamWriter,
        from_server: asyncio.StreamReader,
        server: asyncio.StreamWriter,
    ) -> None:
        upload = asyncio.create_task(_upload(judged, server))
        answer = asyncio.create_task(self._answered(judged, from_server, writer))
        try:
            await asyncio.wait({upload, answer}, return_when=asyncio.FIRST_COMPLETED)
            if upload.done() and isinstance(error := upload.exception(), Unreadable):
                raise error
            await answer  # a server may answer, and close, before it was sent everything
        finally:
            upload.cancel()
            answer.cancel()
            await asyncio.gather(upload, answer, return_exceptions=True)

    async def _answered(self, judged: _Judged, from_server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await _answered_head(from_server)
        if judged.new and _THERE.match(head):
            self.tell(Refusal(self.part, f"{judged.head.method} {judged.head.path}, which is there already"))
        writer.write(head)
        while chunk := await from_server.read(CHUNK):
            writer.write(chunk)
            await writer.drain()


async def _upload(judged: _Judged, server: asyncio.StreamWriter) -> None:
    """Sends the request; its body as it comes when it was not read yet. Raises Unreadable, OSError."""
    length = None if judged.head.chunked else int(judged.head.headers.get("content-length", "0"))
    connection, head = written(judged.head, length=length if judged.body is None else len(judged.body))
    server.write(head)
    if judged.body is None:
        async for piece in judged.request.pieces():
            server.write(connection.send(h11.Data(data=piece)) or b"")
            await server.drain()
    elif judged.body:
        server.write(connection.send(h11.Data(data=judged.body)) or b"")
    server.write(connection.send(h11.EndOfMessage()) or b"")
    await server.drain()


async def _whole_answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    status, body = 0, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
            if len(body) > _MAX_LOOKED_AT:
                raise ValueError("an answer without end")
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, body)


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


def _answer(status: int, message: str, risk: Risk | None = None) -> bytes:
    return _response(status, "application/json", json.dumps({"error": message} | ({"risk": str(risk)} if risk else {})))


def aws_refusal(head: RequestHead | None, message: str) -> bytes:
    """As its clients understand it: they show code and message, and would stumble over anything else."""
    if head is not None and "x-amz-target" in head.headers:
        return _response(403, "application/json", json.dumps({"__type": _REFUSED, "message": message}))
    error = f"<Error><Code>{_REFUSED}</Code><Message>{escape(message)}</Message></Error>"
    return _response(403, "text/xml", f"<ErrorResponse>{error}</ErrorResponse>")


def kubernetes_refusal(head: RequestHead | None, message: str) -> bytes:
    """As kubectl understands it: a Status, whose message it shows."""
    del head
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Forbidden"}
    return _response(403, "application/json", json.dumps({**status, "message": message, "code": 403}))


def _response(status: int, kind: str, text: str) -> bytes:
    body = text.encode() + b"\n"
    head = f"HTTP/1.1 {status} Guard\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + "Connection: close\r\n\r\n").encode() + body
