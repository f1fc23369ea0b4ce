"""Judges connections of a command that may change things: to the services behind the guard, only through the guard.

Everything else is open to it. A service is known by its address in every spelling: names are looked up, and the
addresses of this machine are one. Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import time
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

from runbook_steps.engine.guards.kernel.pidfd import HERE, descriptor_of, memory, placed
from runbook_steps.engine.guards.kernel.socket_calls import fast_open
from runbook_steps.engine.guards.kernel.system_call import Bounds, Continue, Done, SystemCall, signed

__all__ = ["Past"]

_LOOKED_UP_S = 5.0
_POSTGRES = ".s.PGSQL."
_LONGEST = 128  # bytes of an address, struct sockaddr_storage
Address = IPv4Address | IPv6Address


class Past:
    """Which connections lead past the guard."""

    def __init__(self, services: tuple[tuple[str, int], ...], ports: frozenset[int]) -> None:
        """`services` are host and port of each service behind the guard, `ports` the guard's own."""
        self.services = services
        self.ports = ports
        self._known: dict[str, tuple[float, frozenset[Address]]] = {}

    def judged(self, call: SystemCall) -> Done:
        """The decision. Raises OSError when the address cannot be looked at."""
        if call.name != "connect":
            return fast_open(call, Bounds((), frozenset()))
        number, address, length = call.arguments[:3]
        raw = memory(call.task, address, min(length, _LONGEST))
        with descriptor_of(call.task, signed(number)) as descriptor:
            return self._connected(call, descriptor, raw) if length <= _LONGEST else Done(errno.EINVAL)

    def _connected(self, call: SystemCall, descriptor: int, raw: bytes) -> Done:
        """Made here, to the address that was looked at: a second thread may write another one there meanwhile."""
        (family,) = struct.unpack_from("=H", raw)
        refused = self._refused(family, raw) if family in {socket.AF_INET, socket.AF_INET6} else None
        if refused is not None:
            return refused
        with socket.socket(fileno=os.dup(descriptor)) as own:
            local = own.family == socket.AF_UNIX  # the other side asks whose process it is: the command's own call
        if local and family == socket.AF_UNIX:
            return self._local(placed(call.task, HERE, os.fsdecode(raw[2:].split(b"\0", 1)[0])))
        failed = ctypes.CDLL(None, use_errno=True).connect(descriptor, raw, len(raw))
        return Done(ctypes.get_errno() if failed else 0)

    def _refused(self, family: int, raw: bytes) -> Done | None:
        (port,) = struct.unpack_from("!H", raw, 2)
        to = _plain(ip_address(raw[4:8] if family == socket.AF_INET else raw[8:24]))
        if port in self.ports and to.is_loopback:
            return None
        if any(port == there and self._is(to, host) for host, there in self.services):
            return Done(errno.EACCES, f"TCP to {to}:{port}, past the guard")
        return None

    def _local(self, path: str) -> Done:
        """PostgreSQL's own socket on this machine is the service as well."""
        folder, name = os.path.split(os.path.realpath(path))
        for host, port in self.services:
            here = os.path.realpath(host) == folder if host.startswith("/") else self._is(ip_address("127.0.0.1"), host)
            if name == f"{_POSTGRES}{port}" and here:
                return Done(errno.EACCES, f"the UNIX socket {folder}/{name}, past the guard")
        return Continue()

    def _is(self, to: Address, host: str) -> bool:
        found = self._addresses(host)
        return to in found or (_of_this_machine(to) and any(_of_this_machine(each) for each in found))

    def _addresses(self, host: str) -> frozenset[Address]:
        """Those that the name has or had: a balancer gives others every minute."""
        at, known = self._known.get(host, (0.0, frozenset[Address]()))
        if not known or time.monotonic() - at > _LOOKED_UP_S:
            with suppress(OSError, ValueError):
                answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                known |= {_plain(ip_address(str(answer[4][0]).partition("%")[0])) for answer in answers}
            self._known[host] = (time.monotonic(), known)
        return known


def _plain(address: Address) -> Address:
    """An address of IPv4 that is spelled as one of IPv6 is that of IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _of_this_machine(address: Address) -> bool:
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((str(address), 0))  # only an address of this machine can be
        return True
    return False
