"""Judges of system calls that make, bind and connect sockets. By allowlist: what is not known is refused.

Standard library only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from ipaddress import ip_address
from pathlib import Path

from runbook_steps.engine.guards.kernel.pidfd import HERE, descriptor_of, memory, placed
from runbook_steps.engine.guards.kernel.sockets import as_socket, plain
from runbook_steps.engine.guards.kernel.system_call import Bounds, Continue, Done, SystemCall, signed

__all__ = ["bind", "connect", "fast_open", "listen", "make_pair", "make_socket"]

_KIND, _NON_BLOCKING = 0xF, os.O_NONBLOCK
_CONNECTED = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
_NETLINK = 16
_NETLINK_READING = (0, 4)  # routes and addresses, socket lists: what `ip` and `ss` read
_QUIET_SOCKETS = ("/nscd/", "/systemd/userdb/", "/sssd/", "/lib/sss/")  # every lookup of a user's name tries these


def make_socket(call: SystemCall, bounds: Bounds) -> Done:
    """By allowlist: TCP, UNIX streams, and what tells of routes and sockets."""
    del bounds
    family, kind, protocol = (signed(each) for each in call.arguments[:3])
    base = kind & _KIND
    if family in {socket.AF_INET, socket.AF_INET6}:
        if base == socket.SOCK_STREAM and protocol in {0, socket.IPPROTO_TCP}:
            return Continue()
        # looking names up, and ordering the answers, tries UDP; that is no message to anybody
        quiet = base == socket.SOCK_DGRAM and (family == socket.AF_INET6 or kind & _NON_BLOCKING)
        what = "UDP" if base == socket.SOCK_DGRAM else f"protocol {protocol}, kind {base}, instead of TCP"
        return Done(errno.EACCES, "" if quiet else f"a socket for {what}")
    if family == socket.AF_UNIX:
        return _unix(base)
    if family == _NETLINK:
        known = protocol in _NETLINK_READING and base in {socket.SOCK_RAW, socket.SOCK_DGRAM}
        return Continue() if known else Done(errno.EACCES)
    return Done(errno.EAFNOSUPPORT, f"a socket of address family {family}")


def _unix(base: int) -> Done:
    """Streams, which say where they lead when they are connected; a raw one is one of datagrams in the kernel."""
    if base in _CONNECTED:
        return Continue()
    datagrams = base in {socket.SOCK_DGRAM, socket.SOCK_RAW}
    return Done(errno.EACCES, "a UNIX datagram socket" if datagrams else f"a UNIX socket of kind {base}")


def make_pair(call: SystemCall, bounds: Bounds) -> Done:
    """A pair of datagrams could be connected elsewhere later."""
    del bounds
    family, kind = (signed(each) for each in call.arguments[:2])
    return _unix(kind & _KIND) if family == socket.AF_UNIX else Done(errno.EOPNOTSUPP)


def connect(call: SystemCall, bounds: Bounds) -> Done:
    """To the guard's ports and the sockets that are allowed, and made here: the command cannot change it meanwhile."""
    number, address, length = call.arguments[:3]
    raw = memory(call.task, address, min(length, 128))
    family = struct.unpack_from("=H", raw)[0]
    if family == socket.AF_UNIX:
        return _connect_unix(call, signed(number), raw[2:], bounds)
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return _connect_as_read(call, signed(number), family, raw)
    port = struct.unpack_from("!H", raw, 2)[0]
    host = socket.inet_ntop(family, raw[4:8] if family == socket.AF_INET else raw[8:24])
    if port not in bounds.ports or not plain(ip_address(host)).is_loopback:
        return Done(errno.EACCES, f"TCP to {host}:{port}, past the guard")
    with descriptor_of(call.task, signed(number)) as descriptor, as_socket(descriptor) as own:
        return Done(own.connect_ex((host, port)))  # made here, to the address that was looked at: see below


def _connect_as_read(call: SystemCall, number: int, family: int, raw: bytes) -> Done:
    """To the kernel by netlink, or to nowhere, which ends a connection.

    Made here as well: were the address read anew, it could be that of a UNIX socket meanwhile.
    """
    if not (family == socket.AF_UNSPEC or (family == _NETLINK and not any(raw[4:]))):
        return Done(errno.EAFNOSUPPORT, f"an address of family {family}")
    with descriptor_of(call.task, number) as descriptor:
        libc = ctypes.CDLL(None, use_errno=True)
        failed = libc.connect(descriptor, raw, len(raw))
        return Done(ctypes.get_errno() if failed else 0)


def _connect_unix(call: SystemCall, number: int, raw: bytes, bounds: Bounds) -> Done:
    path = os.fsdecode(raw.split(b"\0", 1)[0])
    if not path:
        return Done(errno.EACCES, "an abstract UNIX socket")
    real = os.path.realpath(placed(call.task, HERE, path))
    if not (real in bounds.sockets or bounds.writable(real)):
        exists = Path(real).exists()
        quiet = not exists or any(each in real for each in _QUIET_SOCKETS)
        return Done(errno.EACCES if exists else errno.ENOENT, "" if quiet else f"the UNIX socket {real}")
    there = os.open(real, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        handle = f"/proc/self/fd/{there}"
        if str(Path(handle).readlink()) != real:
            return Done(errno.EACCES, f"a UNIX socket in place of {real}")
        with descriptor_of(call.task, number) as descriptor, as_socket(descriptor) as own:
            # the command could change its memory or a link meanwhile, and be let through to another place
            own.connect(handle)
    finally:
        os.close(there)
    return Done()


def bind(call: SystemCall, bounds: Bounds) -> Done:
    """Landlock judges as well: it lets a socket listen on a free port only, and be made in the folder only."""
    raw = memory(call.task, call.arguments[1], min(call.arguments[2], 128))
    family = struct.unpack_from("=H", raw)[0]
    if family in {socket.AF_INET, socket.AF_INET6}:
        port = struct.unpack_from("!H", raw, 2)[0]
        return Done(errno.EACCES, f"listening on TCP port {port}") if port else Continue()
    if family != socket.AF_UNIX:
        return Continue()
    path = os.fsdecode(raw[2:].split(b"\0", 1)[0])
    if not path:
        return Done(errno.EACCES, "an abstract UNIX socket") if raw[2:] else Continue()
    real = os.path.realpath(placed(call.task, HERE, path))
    return Continue() if bounds.writable(real) else Done(errno.EACCES, f"making the UNIX socket {real}")


def listen(call: SystemCall, bounds: Bounds) -> Done:
    """For this machine alone, and made here; a socket that has no address would get one for everybody."""
    del bounds
    number, waiting = signed(call.arguments[0]), signed(call.arguments[1])
    with descriptor_of(call.task, number) as descriptor, as_socket(descriptor) as own:
        if own.family not in {socket.AF_INET, socket.AF_INET6}:
            return Continue()
        if not plain(ip_address(own.getsockname()[0].partition("%")[0])).is_loopback:
            return Done(errno.EACCES, "listening for others than this machine")
        own.listen(waiting)
    return Done()


def fast_open(call: SystemCall, bounds: Bounds) -> Done:
    """A connection that Landlock does not see."""
    del call, bounds
    return Done(errno.EACCES, "TCP Fast Open, past the guard")
