"""The Redis protocol, version 2, as far as a command line needs it: error replies keep their exact words."""

from __future__ import annotations

import socket
from typing import Any

__all__ = ["ErrorReply", "Resp"]


class ErrorReply(str):
    """What the server answers when it refuses."""

    __slots__ = ()


class Resp:
    """A connection. Raises OSError when it cannot be made, or breaks."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._socket.settimeout(None)
        self._stream = self._socket.makefile("rb")

    def ask(self, *words: str | bytes) -> Any:
        """A reply: bytes, int, None, a list of those, or an ErrorReply."""
        parts = [word.encode() if isinstance(word, str) else word for word in words]
        message = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(message)
        return self._read()

    def close(self) -> None:
        """Ends it."""
        self._stream.close()
        self._socket.close()

    def _read(self) -> Any:
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return ErrorReply(rest.decode("utf-8", errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
        raise ConnectionError(f"Protocol error, got {line!r}")

    def _bulk(self, length: int) -> bytes | None:
        if length < 0:
            return None
        data = self._stream.read(length + 2)
        if len(data) != length + 2:
            raise ConnectionError("Server closed the connection")
        return data[:-2]
