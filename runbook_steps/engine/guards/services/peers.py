"""Which process is at the other end of a connection on the loopback, and whether it is this run's own.

A port of the guard leads to a service with rights that others of this machine do not have: another user, or
another program of this user, gets nothing from it. TCP has no SO_PEERCRED, so the kernel's table of connections
says which socket it is, and the descriptors of this process and of what it started say whose. Linux only.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path

__all__ = ["Peer", "peer_of"]

_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LOCAL, _REMOTE, _INODE = 1, 2, 9  # columns


class Peer(Enum):
    """Whose connection it is. `GONE`: it was closed already, so that nobody can tell any more."""

    OWN = "own"
    STRANGER = "stranger"
    GONE = "gone"


def peer_of(client: socket.socket) -> Peer:
    """Who connected. `client` is an accepted connection of AF_INET on the loopback."""
    if sys.platform != "linux":
        return Peer.OWN  # no live target is worked on from there: its commands cannot be held
    try:
        inode = _inode(client.getpeername(), client.getsockname())
    except OSError:
        return Peer.GONE
    if inode in {"", "0"}:
        return Peer.GONE
    wanted = f"socket:[{inode}]"
    # who connects has mostly just been started
    return Peer.OWN if any(_has(pid, wanted) for pid in sorted(_family(os.getpid()), reverse=True)) else Peer.STRANGER


def _inode(theirs: tuple[str, int], ours: tuple[str, int]) -> str:
    """Of the socket at their end; empty when the table does not know it."""
    ends = (_spelled(theirs), _spelled(ours))
    for table in _TABLES:
        with suppress(OSError), Path(table).open(encoding="ascii") as lines:
            next(lines, "")
            for line in lines:
                if ends[0] not in line:
                    continue
                fields = line.split()
                # a client may well have a socket of IPv6 for an address of IPv4
                if fields[_LOCAL][-13:] == ends[0] and fields[_REMOTE][-13:] == ends[1]:
                    return fields[_INODE]
    return ""


def _spelled(address: tuple[str, int]) -> str:
    """As the kernel's table spells it: the bytes of the address as a number of this machine, in hexadecimal."""
    (number,) = struct.unpack("=I", socket.inet_aton(address[0]))
    return f"{number:08X}:{address[1]:04X}"


def _family(root: int) -> Iterator[int]:
    """The process and everything below it."""
    waiting = [root]
    for pid in waiting:
        yield pid
        with suppress(OSError):
            for task in list(Path(f"/proc/{pid}/task").iterdir()):
                with suppress(OSError):
                    waiting += map(int, (task / "children").read_text("ascii").split())


def _has(pid: int, wanted: str) -> bool:
    with suppress(OSError):
        for descriptor in list(Path(f"/proc/{pid}/fd").iterdir()):
            with suppress(OSError):
                if str(descriptor.readlink()) == wanted:
                    return True
    return False
