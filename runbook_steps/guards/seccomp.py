"""The system calls of a locked-down command that its overseer decides about, as a filter for the kernel.

Landlock does not hold UDP, UNIX sockets, MPTCP, TCP Fast Open, nor the mode, owner and times of a file.
Those calls are stopped by seccomp and handed to the overseer (`SECCOMP_RET_USER_NOTIF`, Linux 5.5), and so
are those that Landlock refuses silently, to be named. Numbers: Linux asm/unistd.h, linux/seccomp.h, linux/filter.h.
Standard library only: this runs before the command, without site-packages.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["CALLS", "Calls", "install", "program"]

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ASK, _REFUSE = 0x7FFF0000, 0x7FC00000, 0x00050000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; little-endian halves of each argument
_X32 = 0x40000000
_EPERM, _ENOSYS, _NOT_SUPPORTED = 1, 38, 95
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FAST_OPEN = 0x20000000  # MSG_FASTOPEN: a connection that Landlock does not see
_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 8, 32  # once it is looked at, only SIGKILL takes a call back


@dataclass(frozen=True)
class Calls:
    """One architecture: its audit number, the number of `seccomp`, and the calls by name."""

    audit: int
    seccomp: int
    numbers: Mapping[str, int]


_SHARED = {
    "openat2": 437, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "io_uring_setup": 425,
}  # fmt: skip
_X86_64 = {
    "socket": 41, "connect": 42, "sendto": 44, "sendmsg": 46, "socketpair": 53, "sendmmsg": 307,
    "open": 2, "openat": 257, "creat": 85, "truncate": 76, "unlink": 87, "unlinkat": 263, "rename": 82,
    "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "symlink": 88, "symlinkat": 266,
    "link": 86, "linkat": 265, "chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "fchown": 93, "lchown": 94,
    "fchownat": 260, "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280, "setxattr": 188,
    "kill": 62, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
}  # fmt: skip
_AARCH64 = {
    "socket": 198, "connect": 203, "sendto": 206, "sendmsg": 211, "socketpair": 199, "sendmmsg": 269,
    "openat": 56, "truncate": 45, "unlinkat": 35, "renameat": 38, "renameat2": 276, "mkdirat": 34, "symlinkat": 36,
    "linkat": 37, "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "utimensat": 88, "setxattr": 5,
    "kill": 129, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
}  # fmt: skip
CALLS: Mapping[str, Calls] = {
    "x86_64": Calls(0xC000003E, 317, {**_X86_64, **_SHARED}),
    "aarch64": Calls(0xC00000B7, 277, {**_AARCH64, **_SHARED}),
}
"""By `platform.machine()`; on any other a command cannot be locked down."""

_IF_ARGUMENT_HAS = {  # only with one of these bits is there something to decide
    "open": (1, _WRITING), "openat": (2, _WRITING), "sendto": (3, _FAST_OPEN), "sendmsg": (2, _FAST_OPEN),
    "sendmmsg": (3, _FAST_OPEN),
}  # fmt: skip
_NEVER = {
    "io_uring_setup": _ENOSYS,  # it would do all of the above unseen
    **dict.fromkeys(("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
                     "setxattrat", "removexattrat"), _NOT_SUPPORTED),  # `cp -p` goes on without
    **dict.fromkeys(("utime", "utimes", "futimesat"), _EPERM),
}  # fmt: skip


def program(calls: Calls) -> bytes:
    """The filter: `struct sock_filter` after `struct sock_filter`."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _instructions(calls))


def _instructions(calls: Calls) -> Iterator[tuple[int, int, int, int]]:
    yield _LOAD, 0, 0, _ARCH
    yield _EQUAL, 1, 0, calls.audit
    yield _RETURN, 0, 0, _REFUSE | _EPERM  # 32-bit calls have other numbers
    yield _LOAD, 0, 0, _NUMBER
    yield _AT_LEAST, 0, 1, _X32
    yield _RETURN, 0, 0, _REFUSE | _EPERM
    for name, number in calls.numbers.items():
        if name in _NEVER:
            block = [(_RETURN, 0, 0, _REFUSE | _NEVER[name])]
        elif name in _IF_ARGUMENT_HAS:
            position, bits = _IF_ARGUMENT_HAS[name]
            block = [
                (_LOAD, 0, 0, _ARGUMENTS + 8 * position),
                (_ANY_BIT, 0, 1, bits),
                (_RETURN, 0, 0, _ASK),
                (_RETURN, 0, 0, _ALLOW),
            ]
        else:
            block = [(_RETURN, 0, 0, _ASK)]
        yield _EQUAL, 0, len(block), number
        yield from block
    yield _RETURN, 0, 0, _ALLOW


def install() -> int:
    """Puts the filter on this process and its children to be; gives the descriptor on which the overseer is asked.

    Needs `no_new_privs`. Raises OSError when the kernel refuses.
    """
    calls = CALLS[platform.machine()]
    code = program(calls)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(calls.seccomp, _MODE_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, ctypes.c_char_p(header)))
    if found < 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
    return found
