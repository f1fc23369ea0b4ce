"""Reads one HTTP/1.1 request strictly, and writes it anew: what is sent is what was read, and nothing else.

The framing is h11's. Before h11 sees a head, its lines are held to the one spelling that every server reads
alike: what one of them takes for the end of a line, a header or a length, another does not. A request that cannot
be read is refused with a name for it (`Unreadable`); there is no second way to read it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

import h11

from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.guards.services.streams import CHUNK

__all__ = [
    "METHODS",
    "READING_METHODS",
    "CannotBeAsked",
    "Incoming",
    "RequestHead",
    "decoded",
    "host_of",
    "json_of",
    "pairs_of",
    "read_request",
    "written",
]

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = READING_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
_MAX_HEAD = 65536
_MAX_HEADERS = 100
_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")  # a line that ends for one server, and not for another
_HELD = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f\x0b\x0c]")
_FOLDED = re.compile(rb"\r\n[ \t]")
_NAME = re.compile(r"[a-z0-9-]+")  # a gateway may take `_` for `-`
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*")
_UNQUOTED = "!$&'()*+,;=:@/?-._~%"
_LISTS = frozenset({  # the headers that may be said more than once: their values are one list
    "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "forwarded", "if-match",
    "if-none-match", "pragma", "via", "x-forwarded-for",
})  # fmt: skip
_PER_HOP = frozenset({
    "connection", "keep-alive", "proxy-connection", "proxy-authorization", "upgrade", "http2-settings", "te", "trailer",
    "expect", "transfer-encoding", "content-length",
})  # fmt: skip
_CONNECTION = frozenset({"close", "keep-alive", "upgrade", "http2-settings", "te"})


class CannotBeAsked(Exception):
    """What a request needs for the real server cannot be had, a credential mostly. Says why, without a secret."""


@dataclass(frozen=True)
class RequestHead:
    """A request's first lines. `headers` has lower-case names; `target` is the path with its query, percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """Percent-encoded, as it is sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """Percent-encoded, empty when there is none."""
        return self.target.partition("?")[2]

    @property
    def chunked(self) -> bool:
        """Whether its length is not said."""
        return "transfer-encoding" in self.headers

    @property
    def has_body(self) -> bool:
        """Whether anything follows the head."""
        return self.chunked or self.headers.get("content-length", "0").strip("0") != ""


@dataclass
class Incoming:
    """A request whose head was read; its body comes by `whole` or by `pieces`, once."""

    head: RequestHead
    _connection: h11.Connection
    _reader: asyncio.StreamReader
    _ask: Callable[[bytes], None]

    async def whole(self, most: int) -> bytes:
        """The body, of at most that many bytes. Raises Unreadable when it is longer, chunked, cut off or malformed."""
        if self.head.chunked:
            raise Unreadable("its body is chunked, and has to be judged as a whole")
        if int(self.head.headers.get("content-length", "0")) > most:
            raise Unreadable(f"its body is longer than the {most} bytes that are judged")
        return b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, without its framing. Raises Unreadable when it is cut off or malformed."""
        if self._connection.they_are_waiting_for_100_continue:
            self._ask(
                _sent(self._connection, h11.InformationalResponse(status_code=100, headers=[], reason="Continue"))
            )
        while True:
            event = _next(self._connection)
            if event is h11.NEED_DATA:
                chunk = await self._reader.read(CHUNK)
                _receive(self._connection, chunk)
            elif isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                if event.headers:
                    raise Unreadable("headers after its body")
                if self._connection.trailing_data[0]:
                    raise Unreadable("more than one request at once")
                return
            else:
                raise Unreadable("its body is cut off")


async def read_request(reader: asyncio.StreamReader, ask: Callable[[bytes], None]) -> Incoming | None:
    """The next request; None when the client leaves without one. `ask` writes to the client. Raises Unreadable."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if _BARE.search(data) or _HELD.search(data):
            raise Unreadable("a control character in its head")
        if len(data) > _MAX_HEAD:
            raise Unreadable(f"its head is longer than {_MAX_HEAD} bytes")
        chunk = await reader.read(CHUNK)
        if not chunk and not data:
            return None
        if not chunk:
            raise Unreadable("its head is cut off")
        data += chunk
    raw = data[: end + 4]
    _refuse_ambiguous(raw)
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD + 1)
    _receive(connection, data)
    event = _next(connection)
    if not isinstance(event, h11.Request):
        raise Unreadable("not an HTTP/1.1 request")
    head = _head(event)
    incoming = Incoming(head, connection, reader, ask)
    if not head.has_body:
        async for _ in incoming.pieces():  # what stands behind a request without a body is another one
            pass
    return incoming


def host_of(host: str, port: int) -> str:
    """As a Host header has it: a number of IPv6 in brackets, and no port for 0, the usual one."""
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name


def _refuse_ambiguous(raw: bytes) -> None:
    if len(raw) > _MAX_HEAD:
        raise Unreadable(f"its head is longer than {_MAX_HEAD} bytes")
    if _BARE.search(raw) or _HELD.search(raw):
        raise Unreadable("a control character in its head")
    if _FOLDED.search(raw[:-2]):
        raise Unreadable("a malformed header: it is folded")
    lines = [line.partition(b":") for line in raw.split(b"\r\n")[1:-2]]
    names = [name.lower().decode("latin-1") for name, _, _ in lines]
    for name in names:  # h11 makes one of two that are equal
        if name not in _LISTS and names.count(name) > 1:
            raise Unreadable(f"the header {_shown(name)} is said twice")
    lengths = [value.strip(b" \t") for name, _, value in lines if name.lower() == b"content-length"]
    if lengths and not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        raise Unreadable("a malformed Content-Length")


def _head(request: h11.Request) -> RequestHead:
    method, target = request.method.decode("ascii"), request.target.decode("ascii")
    if method not in METHODS:
        raise Unreadable(f"the method {method} is not known")
    if request.http_version not in {b"1.0", b"1.1"}:
        raise Unreadable("not an HTTP/1.1 request")
    path, mark, query = target.partition("?")
    if not _PATH.fullmatch(path) or "#" in query or _PERCENT.search(target):
        # a whole URL, a host, `*`, or what servers decode in ways of their own
        raise Unreadable(f"{method} of something that is no plain path")
    if path.startswith("//"):
        raise Unreadable(f"{method} of a path that begins with two slashes: some servers make one of them")
    headers = _headers((name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers)
    if "host" not in headers:
        raise Unreadable("it names no Host")
    if request.http_version == b"1.0" and "transfer-encoding" in headers:
        raise Unreadable("a chunked body in HTTP/1.0")
    return RequestHead(method, path + mark + quote(query, safe=_UNQUOTED), headers)


def _headers(said: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By lower-case name. h11 has seen to one Host, one length, and only `chunked` as a transfer coding."""
    headers: dict[str, str] = {}
    for count, (name, value) in enumerate(said):
        if count >= _MAX_HEADERS:
            raise Unreadable(f"more than {_MAX_HEADERS} headers")
        if not _NAME.fullmatch(name):
            raise Unreadable("a malformed header: its name has other characters than letters, digits and -")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if "content-length" in headers and "transfer-encoding" in headers:
        raise Unreadable("both Content-Length and Transfer-Encoding")
    if headers.get("expect", "100-continue").lower() != "100-continue":
        raise Unreadable("it expects something other than 100-continue")
    if not {word.strip().lower() for word in headers.get("connection", "close").split(",")} <= _CONNECTION:
        raise Unreadable("its Connection names other headers")
    return headers


def written(head: RequestHead, *, length: int | None) -> tuple[h11.Connection, bytes]:
    """The head as it is sent on, and what frames the body that follows; `length` is None for a chunked one."""
    connection = h11.Connection(h11.CLIENT)
    kept = [(name.title(), value) for name, value in head.headers.items() if name not in _PER_HOP]
    if length is None:
        kept.append(("Transfer-Encoding", "chunked"))
    elif length or "content-length" in head.headers:
        kept.append(("Content-Length", str(length)))
    kept.append(("Connection", "close"))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept]
    request = h11.Request(method=head.method.encode(), target=head.target.encode(), headers=headers)
    return connection, _sent(connection, request)


def json_of(body: bytes) -> Any:
    """What a JSON body in UTF-8 says. Raises Unreadable, also for a name that is said twice: readers differ there."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_said_once)
    except (ValueError, RecursionError) as error:
        raise Unreadable("a body that is no JSON, or says a name twice") from error


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name that is said twice")
    return dict(pairs)


def pairs_of(query: str) -> list[tuple[str, str]]:
    """Names and values of a query or a form, in their order, decoded. Raises Unreadable when they are not UTF-8."""
    if ";" in query or _PERCENT.search(query):
        raise Unreadable("a query that servers split in different places")
    found = []
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        try:
            found.append(tuple(unquote_to_bytes(each.replace("+", " ")).decode("utf-8") for each in (name, value)))
        except UnicodeDecodeError as error:
            raise Unreadable("a query that is not UTF-8") from error
    return [(name, value) for name, value in found]


def decoded(path: str) -> str:
    """A path as a server reads it. Raises Unreadable when it is not UTF-8."""
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError as error:
        raise Unreadable("a path that is not UTF-8") from error


def _shown(name: str) -> str:
    return name if _NAME.fullmatch(name) else "of another name"


def _receive(connection: h11.Connection, data: bytes) -> None:
    try:
        connection.receive_data(data)
    except h11.RemoteProtocolError as error:
        raise Unreadable(f"a malformed request: {_plain(error)}") from error


def _next(connection: h11.Connection) -> object:
    try:
        return connection.next_event()
    except h11.RemoteProtocolError as error:
        raise Unreadable(f"a malformed request: {_plain(error)}") from error


def _plain(error: h11.RemoteProtocolError) -> str:
    """Without the values that h11 quotes: they may hold a credential."""
    return str(error).partition(":")[0].partition("b'")[0].partition('b"')[0].strip()


def _sent(connection: h11.Connection, event: h11.Event) -> bytes:
    try:
        return connection.send(event) or b""
    except h11.LocalProtocolError as error:
        raise Unreadable(f"a malformed request: {error}") from error
