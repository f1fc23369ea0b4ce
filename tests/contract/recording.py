"""A proxy that writes down what clients send, and knows nothing of what it means."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Recording", "recorded"]

_CHUNK = 65536
_END_S = 5.0


class Recording:
    """What every client sent, one entry a connection."""

    def __init__(self, upstream: tuple[str, int], certificate: Path | None = None) -> None:
        """With `certificate`, a folder with server.pem and server.key, it ends the TLS to see what is inside."""
        self._upstream = upstream
        self._certificate = certificate
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
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            server = socket.create_connection(self._upstream, timeout=10)
            server.settimeout(None)
            kept = bytearray()
            self.sent.append(kept)
            if self._certificate is not None:
                inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                inside.load_cert_chain(self._certificate / "server.pem", self._certificate / "server.key")
                client = inside.wrap_socket(client, server_side=True)
                trusted = ssl.create_default_context(cafile=str(self._certificate / "ca.pem"))
                server = trusted.wrap_socket(server, server_hostname="localhost")
            self._open += [client, server]
            if self._certificate is not None:
                _copy_tls(client, server, kept)
                return
            there = threading.Thread(target=_copy, args=(client, server, kept), daemon=True)
            there.start()
            _copy(server, client, None)
            there.join()
            for each in (client, server):
                each.close()


def _copy(source: socket.socket, sink: socket.socket, kept: bytearray | None) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            if kept is not None:
                kept += chunk
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _readable(*sockets: socket.socket) -> list[socket.socket]:
    """Those that have something, or have ended: by `poll`, which takes descriptors of any number."""
    watch = select.poll()
    for each in sockets:
        watch.register(each, select.POLLIN)
    found = {number for number, _ in watch.poll()}
    return [each for each in sockets if each.fileno() in found]


def _copy_tls(client: Any, server: Any, kept: bytearray) -> None:
    """Both ways in one thread: a TLS connection must not be read and written at the same time."""
    with contextlib.suppress(OSError), client, server:
        while True:
            waiting = [each for each in (client, server) if each.pending()]
            for source in waiting or _readable(client, server):
                source.setblocking(False)
                try:
                    chunk = source.recv(_CHUNK)
                except ssl.SSLWantReadError:
                    continue  # a part of TLS itself, no data
                finally:
                    source.setblocking(True)
                sink = server if source is client else client
                if not chunk:
                    sink.settimeout(_END_S)
                    sink.unwrap()  # says that this is the end, and hears that it was understood
                    return
                if source is client:
                    kept += chunk
                sink.sendall(chunk)


@contextmanager
def recorded(upstream: tuple[str, int], certificate: Path | None = None) -> Iterator[Recording]:
    """A recording proxy before that address."""
    recording = Recording(upstream, certificate)
    try:
        yield recording
    finally:
        recording.close()
