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
from ipaddress import IPv4Address, ip_address

from runbook_steps.engine.guards.kernel.pidfd import HERE, descriptor_of, memory, placed
from runbook_steps.engine.guards.kernel.socket_calls import fast_open
from runbook_steps.engine.guards.kernel.sockets import Address, as_socket, plain
from runbook_steps.engine.guards.kernel.system_call import Bounds, Continue, Done, SystemCall, signed
from runbook_steps.engine.guards.kernel.use_of_files import resolved

__all__ = ["Past"]

_LOOKED_UP_S = 5.0
_POSTGRES = ".s.PGSQL."
_LOOPBACK = IPv4Address("127.0.0.1")
_LONGEST = 128  # bytes of an address, struct sockaddr_storage


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
        with as_socket(descriptor) as own:
            if own.family == family == socket.AF_UNIX:
                return self._local(call, own, raw[2:])
        failed = ctypes.CDLL(None, use_errno=True).connect(descriptor, raw, len(raw))
        return Done(ctypes.get_errno() if failed else 0)

    def _refused(self, family: int, raw: bytes) -> Done | None:
        (port,) = struct.unpack_from("!H", raw, 2)
        to = plain(ip_address(raw[4:8] if family == socket.AF_INET else raw[8:24]))
        if port in self.ports and to.is_loopback:
            return None
        if any(port == there and self._is(to, host) for host, there in self.services):
            return Done(errno.EACCES, f"TCP to {to}:{port}, past the guard")
        return None

    def _local(self, call: SystemCall, own: socket.socket, name: bytes) -> Done:
        """PostgreSQL's own socket on this machine is the service as well.

        Where there can be one, the connection is made here, to the file that was looked at; the name that it was bound
        to tells of a link to it, or of another name that it got. Elsewhere it is the command's own call, because the
        other side may ask whose process it is.
        """
        if name.startswith(b"\0") or not any(
            host.startswith("/") or self._is(_LOOPBACK, host) for host, _ in self.services
        ):
            return Continue()
        path = placed(call.task, HERE, os.fsdecode(name.split(b"\0", 1)[0]))
        there = os.open(resolved(call.task, path), os.O_PATH | os.O_CLOEXEC)
        try:
            handle = f"/proc/self/fd/{there}"
            with socket.socket(socket.AF_UNIX, own.type) as probe:
                probe.connect(handle)
                bound = os.fsdecode(probe.getpeername() or "")
            for each in (os.path.realpath(handle), bound):
                if self._is_database(each):
                    return Done(errno.EACCES, f"the UNIX socket {each}, past the guard")
            own.connect(handle)
        finally:
            os.close(there)
        return Done()

    def _is_database(self, path: str) -> bool:
        folder, name = os.path.split(path)
        return any(
            name == f"{_POSTGRES}{port}"
            and (
                os.path.realpath(host) == os.path.realpath(folder)
                if host.startswith("/")
                else self._is(_LOOPBACK, host)
            )
            for host, port in self.services
        )

    def _is(self, to: Address, host: str) -> bool:
        found = self._addresses(host)
        return to in found or (_of_this_machine(to) and any(_of_this_machine(each) for each in found))

    def _addresses(self, host: str) -> frozenset[Address]:
        """Those that the name has or had: a balancer gives others every minute."""
        at, known = self._known.get(host, (0.0, frozenset[Address]()))
        if not known or time.monotonic() - at > _LOOKED_UP_S:
            with suppress(OSError, ValueError):
                answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
                known |= {plain(ip_address(str(answer[4][0]).partition("%")[0])) for answer in answers}
            self._known[host] = (time.monotonic(), known)
        return known


def _of_this_machine(address: Address) -> bool:
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((str(address), 0))  # only an address of this machine can be
        return True
    return False
