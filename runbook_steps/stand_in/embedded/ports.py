"""Free ports that stay ours: bound before anything else may take them, and held while the run lives.

On Linux a bound socket that does not listen keeps the port from being handed out to others, and lets a
server with SO_REUSEADDR bind and listen on it (PostgreSQL, Valkey, nginx, uvicorn and werkzeug all set it).
So a stopped service's port answers "connection refused", and nobody else gets it meanwhile.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable

__all__ = ["hold_ports"]


def hold_ports(names: Iterable[str]) -> dict[str, socket.socket]:
    """One held TCP port on 127.0.0.1 for each name; `sock.getsockname()[1]` is its number."""
    held = {}
    for name in names:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", 0))
        held[name] = sock
    return held
