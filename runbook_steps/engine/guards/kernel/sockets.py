"""A socket of another process, and an address, as they are used here. Standard library only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address

__all__ = ["Address", "as_socket", "plain"]

Address = IPv4Address | IPv6Address


@contextmanager
def as_socket(descriptor: int) -> Iterator[socket.socket]:
    """The descriptor as a socket, without a copy, which would be left where it is none. Raises OSError there."""
    own = socket.socket(fileno=descriptor)
    try:
        yield own
    finally:
        own.detach()


def plain(address: Address) -> Address:
    """An address of IPv4 that is spelled as one of IPv6 is that of IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
