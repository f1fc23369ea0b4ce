"""Which warnings end a run: all but the one that no step could prevent."""

from __future__ import annotations

import gc
import socket
import ssl
import struct
import warnings

import pytest


def test_a_server_that_dies_before_the_handshake_ends_no_run() -> None:
    """Python forgets that socket itself: whoever asked a stopped server over TLS is not at fault."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()  # a reset, as of a process that was killed
        with pytest.raises((ConnectionError, ssl.SSLError)):
            ssl.create_default_context().wrap_socket(client, server_hostname="localhost")

    del client
    gc.collect()


def test_a_socket_that_was_never_closed_is_an_error() -> None:
    """One that still has its other side is ours to close."""
    ours = "unclosed <ssl.SSLSocket fd=9, family=2, type=1, proto=6, laddr=('127.0.0.1', 1), raddr=('127.0.0.1', 2)>"
    with pytest.raises(ResourceWarning):
        warnings.warn(ours, ResourceWarning, stacklevel=1)
