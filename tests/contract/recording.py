"""A proxy that writes down what clients send, and knows nothing of what it means."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Recording", "recorded"]

_CHUNK = 65536


class Recording:
    """What every client sent, one entry a connection."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
        self.sent: list[bytearray] = []
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more clients, and ends those there are."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        for each in (self._listening, *self._open):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._upstream, timeout=10)
                server.settimeout(None)
                self._open += [client, server]
                kept = bytearray()
                self.sent.append(kept)
                threading.Thread(target=_copy, args=(client, server, kept), daemon=True).start()
                threading.Thread(target=_copy, args=(server, client, None), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket, kept: bytearray | None) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            if kept is not None:
                kept += chunk
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def recorded(upstream: tuple[str, int]) -> Iterator[Recording]:
    """A recording proxy before that address."""
    recording = Recording(upstream)
    try:
        yield recording
    finally:
        recording.close()
