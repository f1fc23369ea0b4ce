"""PostgreSQL's messages (PostgreSQL 18, chapter 54): read by their grammar, and written from what was read.

A message of a client that does not fit its grammar to the last byte is `Unreadable`.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runbook_steps.engine.guards.services.relay import Unreadable

__all__ = [
    "CANCEL",
    "Answer",
    "AtWork",
    "Message",
    "Part",
    "Startup",
    "error_message",
    "read_answer",
    "read_message",
    "read_startup",
    "write_message",
    "write_startup",
]

CANCEL, _SSL, _GSS = 80877102, 80877103, 80877104
_SHORTEST_STARTUP, _MAX_STARTUP = 8, 10_000  # bytes, as the server's own limit
_MAX_CANCEL = 12 + 256
_MAX_MESSAGE = 64 * 1024 * 1024
_HEAD, _READY = 5, ord("Z")
_ANSWERED, _WITHOUT = frozenset({b"Q", b"S"}), frozenset({b"P", b"B", b"D", b"C", b"E"})
_VERSIONS = (3 << 16, 3 << 16 | 2)

# z: a text that ends with a zero byte, h and i: numbers of 2 and 4 bytes, 1: S or P, r: the rest;
# [x: a number of 2 bytes and so many x; v: a value, its length (4 bytes, -1: none) before it
_GRAMMAR: Mapping[bytes, str] = {
    b"Q": "z", b"P": "zz[i", b"B": "zz[h[v[h", b"D": "1z", b"C": "1z", b"E": "zi", b"S": "", b"H": "", b"X": "",
    b"d": "r", b"c": "", b"f": "z", b"p": "r", b"F": "r",
}  # fmt: skip
Part = bytes | int | None | tuple["Part", ...]


@dataclass(frozen=True)
class Message:
    """A client's message: its kind, one byte, and its parts as the grammar has them."""

    kind: bytes
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Startup:
    """The first message: parameters by name, or the 8 bytes and more that ask to cancel."""

    parameters: Mapping[str, str]
    version: int = 3 << 16
    cancel: bytes = b""


@dataclass(frozen=True)
class Answer:
    """A server's message."""

    kind: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        """As it is on the wire."""
        return self.kind + struct.pack("!i", len(self.body) + 4) + self.body


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message after the first; None at the end."""
    try:
        head = await reader.readexactly(5)
    except asyncio.IncompleteReadError:
        return None
    kind, length = head[:1], struct.unpack("!i", head[1:])[0]
    if kind not in _GRAMMAR:
        raise Unreadable("a message of an unknown kind")
    if not 4 <= length <= _MAX_MESSAGE:  # noqa: PLR2004 - the length counts itself
        raise Unreadable("a message of an impossible length")
    body = _Body(await reader.readexactly(length - 4))
    parts = tuple(body.parts(_GRAMMAR[kind]))
    body.end()
    return Message(kind, parts)


def write_message(message: Message) -> bytes:
    """From the parts alone."""
    body = b"".join(_written(_GRAMMAR[message.kind], message.parts))
    return message.kind + struct.pack("!i", len(body) + 4) + body


class _Body:
    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def parts(self, grammar: str) -> Iterator[Part]:
        signs = iter(grammar)
        for sign in signs:
            if sign == "[":
                each, count = next(signs), self._number("!H")
                yield tuple(self._one(each) for _ in range(count))
            else:
                yield self._one(sign)

    def end(self) -> None:
        if self._at != len(self._raw):
            raise Unreadable("a message with something after its end")

    def _one(self, sign: str) -> Part:
        if sign == "z":
            return self._text()
        if sign == "h":
            return self._number("!H")
        if sign == "i":
            return self._number("!i")
        if sign == "v":
            length = self._number("!i")
            return None if length == -1 else self._bytes(length)
        if sign == "1":
            what = self._bytes(1)
            if what not in {b"S", b"P"}:
                raise Unreadable("a message about neither a statement nor a portal")
            return what
        return self._bytes(len(self._raw) - self._at)

    def _bytes(self, length: int) -> bytes:
        if not 0 <= length <= len(self._raw) - self._at:
            raise Unreadable("a message that is shorter than it says")
        self._at += length
        return self._raw[self._at - length : self._at]

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._bytes(struct.calcsize(form)))[0])

    def _text(self) -> bytes:
        end = self._raw.find(b"\0", self._at)
        if end < 0:
            raise Unreadable("a text without an end")
        return self._bytes(end + 1 - self._at)[:-1]


def _written(grammar: str, parts: tuple[Part, ...]) -> Iterator[bytes]:
    signs = iter(grammar)
    for part in parts:
        sign = next(signs)
        if sign == "[":
            each = next(signs)
            assert isinstance(part, tuple)  # noqa: S101 - as the reader made it
            yield struct.pack("!H", len(part))
            for one in part:
                yield _one_written(each, one)
        else:
            yield _one_written(sign, part)


def _one_written(sign: str, part: Part) -> bytes:
    if sign == "v":
        return struct.pack("!i", -1) if part is None else struct.pack("!i", len(part)) + part  # type: ignore[arg-type,operator]
    if isinstance(part, int):
        return struct.pack("!H" if sign == "h" else "!i", part)
    assert isinstance(part, bytes)  # noqa: S101 - as the reader made it
    return part + b"\0" if sign == "z" else part


async def read_startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Startup | None:
    """The first message; asking for TLS or GSSAPI before it is answered with no. None when the client left."""
    for _ in range(3):  # each may be asked once
        try:
            (length,) = struct.unpack("!i", await reader.readexactly(4))
            if not _SHORTEST_STARTUP <= length <= _MAX_STARTUP:
                raise Unreadable("a first message of an impossible length")
            body = await reader.readexactly(length - 4)
        except asyncio.IncompleteReadError:
            return None
        (code,) = struct.unpack_from("!i", body)
        if code in {_SSL, _GSS} and length == _SHORTEST_STARTUP:
            writer.write(b"N")
            continue
        if code == CANCEL:
            if not 16 <= length <= _MAX_CANCEL:  # noqa: PLR2004 - process and key
                raise Unreadable("a malformed request to cancel")
            return Startup({}, cancel=body)
        if code not in _VERSIONS:
            raise Unreadable("a version of the protocol other than 3.0 and 3.2")
        return Startup(_parameters(body[4:]), code)
    raise Unreadable("a client that asks for TLS again and again")


def _parameters(raw: bytes) -> Mapping[str, str]:
    if raw[-2:] != b"\0\0" and raw != b"\0":
        raise Unreadable("a first message without its end")
    try:
        texts = [each.decode("utf-8") for each in raw[:-2].split(b"\0")] if len(raw) > 1 else []
    except UnicodeDecodeError:
        raise Unreadable("a first message that is not UTF-8") from None
    names = texts[::2]
    if len(texts) % 2 or len(set(names)) != len(names) or "" in names:
        raise Unreadable("a first message that says a parameter twice, or half")
    return dict(zip(names, texts[1::2], strict=True))


def write_startup(startup: Startup) -> bytes:
    """From its parameters alone."""
    body = (
        startup.cancel
        or struct.pack("!i", startup.version)
        + b"".join(f"{name}\0{value}\0".encode() for name, value in startup.parameters.items())
        + b"\0"
    )
    return struct.pack("!i", len(body) + 4) + body


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """A server's next message. Raises IncompleteReadError at the end, ValueError for no message."""
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    if length < 4:  # noqa: PLR2004 - the length counts itself
        raise ValueError("the server's answer is no message of PostgreSQL")
    return Answer(head[:1], await reader.readexactly(length - 4))


class AtWork:
    """Whether a server is at something for a client: by what it was sent, and how often it said that it is ready."""

    def __init__(self) -> None:
        """It is ready, and was asked for nothing."""
        self._asked, self._ready, self._loose = 0, 0, False
        self._head, self._skip = b"", 0

    def sent(self, kind: bytes) -> None:
        """A message of the client went to the server. Each query and each sync is answered by one that it is ready."""
        if kind in _ANSWERED:
            self._asked, self._loose = self._asked + 1, False
        elif kind in _WITHOUT:
            self._loose = True

    def answered(self, chunk: bytes) -> None:
        """The next bytes of the server, wherever they are cut."""
        found, at = self._head + chunk, self._skip
        while at + _HEAD <= len(found):
            self._ready += found[at] == _READY
            at += 1 + int(struct.unpack_from("!I", found, at + 1)[0])
        self._head, self._skip = found[at:], max(at - len(found), 0)

    def __bool__(self) -> bool:
        return self._loose or self._ready < self._asked


def error_message(code: str, message: str) -> bytes:
    """An ErrorResponse that ends the session."""
    return Answer(b"E", f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()).whole
