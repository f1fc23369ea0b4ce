"""A proxy before S3 that cuts connections, goes away for a while, or forbids what a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["BreakingProxy", "breaking_proxy"]

_DENIED = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


class BreakingProxy:
    """Listens on `port`. `cut_after` bytes of one connection end it, so many times; `denied` methods answer 403."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.denied: tuple[bytes, ...] = ()
        self.breaks: list[int] = []
        self.done = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listens no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._upstream) as server:
            back = threading.Thread(target=self._pump, args=[server, client, False], daemon=True)
            back.start()
            self._pump(client, server, True)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, to_server: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                if to_server and self.denied and piece.startswith(self.denied):
                    source.sendall(
                        b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n"
                        b"Connection: close\r\n\r\n%s" % (len(_DENIED), _DENIED)
                    )
                    break
                if self._breaks_now(len(piece)):
                    sink.sendall(piece[: len(piece) // 2])
                    break
                sink.sendall(piece)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _breaks_now(self, size: int) -> bool:
        """Whether the next break is due after these bytes."""
        with self._lock:
            if not self.breaks:
                return False
            self.breaks[0] -= size
            if self.breaks[0] > 0:
                return False
            self.breaks.pop(0)
            self.done += 1
            return True


@contextmanager
def breaking_proxy(upstream: tuple[str, int]) -> Iterator[BreakingProxy]:
    """One before that address."""
    proxy = BreakingProxy(upstream)
    try:
        yield proxy
    finally:
        proxy.close()
