"""The system calls of a locked-down command that its overseer decides about, as a filter for the kernel.

Landlock does not hold UDP, UNIX sockets, MPTCP, TCP Fast Open, nor the mode, owner and times of a file.
Those calls are stopped by seccomp and handed to the overseer (`SECCOMP_RET_USER_NOTIF`, Linux 5.5), and so
are those that Landlock refuses silently, to be named. Numbers: Linux asm/unistd.h, linux/seccomp.h, linux/filter.h.
Standard library only: this runs before the command, without site-packages.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Mapping

from runbook_steps.engine.guards.kernel.known_commands import FCNTL, IOCTL

__all__ = ["CALLS", "CONNECTING", "FORKS", "WATCHES", "WRITING", "install"]

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ASK, _REFUSE = 0x7FFF0000, 0x7FC00000, 0x00050000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; little-endian halves of each argument
_X32 = 0x40000000
_EPERM, _ENOSYS = 1, 38
_UNKNOWN = 470  # system calls of Linux 6.18 and later, on every architecture: not known here
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FAST_OPEN = 0x20000000  # MSG_FASTOPEN: a connection that Landlock does not see
_MODE_FILTER, _NEW_LISTENER, _WAIT_KILLABLE = 1, 8, 32  # once it is looked at, only SIGKILL takes a call back


class Calls:
    """One architecture: its audit number, the number of `seccomp`, and the calls by name."""

    __slots__ = ("audit", "numbers", "seccomp")

    def __init__(self, audit: int, seccomp: int, numbers: Mapping[str, int]) -> None:
        """From Linux' own headers."""
        self.audit = audit
        self.seccomp = seccomp
        self.numbers = numbers


_SHARED = {
    "openat2": 437, "fchmodat2": 452, "setxattrat": 463, "removexattrat": 466, "io_uring_setup": 425,
    "file_setattr": 469, "clone3": 435, "pidfd_send_signal": 424, "pidfd_getfd": 438, "move_mount": 429,
    "open_tree": 428, "fsopen": 430, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "open_tree_attr": 467,
    "process_madvise": 440, "process_mrelease": 448,
}  # fmt: skip
_X86_64 = {
    "socket": 41, "connect": 42, "sendto": 44, "sendmsg": 46, "socketpair": 53, "sendmmsg": 307,
    "open": 2, "openat": 257, "creat": 85, "truncate": 76, "unlink": 87, "unlinkat": 263, "rename": 82,
    "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84, "symlink": 88, "symlinkat": 266,
    "link": 86, "linkat": 265, "chmod": 90, "fchmod": 91, "fchmodat": 268, "chown": 92, "fchown": 93, "lchown": 94,
    "fchownat": 260, "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280, "setxattr": 188,
    "kill": 62, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
    "clone": 56, "fork": 57, "vfork": 58, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297, "ptrace": 101, "process_vm_writev": 311, "prlimit64": 302, "setpriority": 141,
    "ioprio_set": 251, "sched_setaffinity": 203, "sched_setscheduler": 144, "sched_setparam": 142,
    "sched_setattr": 314, "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semctl": 66, "semop": 65,
    "semtimedop": 220, "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "mq_open": 240, "mq_unlink": 241,
    "add_key": 248, "keyctl": 250, "request_key": 249, "bind": 49, "mknod": 133, "mknodat": 259, "ioctl": 16,
    "sethostname": 170, "setdomainname": 171, "settimeofday": 164, "clock_settime": 227, "mount": 165, "umount2": 166,
    "swapon": 167, "swapoff": 168, "reboot": 169, "init_module": 175, "finit_module": 313, "delete_module": 176,
    "acct": 163, "syslog": 103, "pivot_root": 155, "kexec_load": 246, "migrate_pages": 256, "move_pages": 279,
    "open_by_handle_at": 304, "fcntl": 72, "flock": 73, "chroot": 161, "kexec_file_load": 320, "bpf": 321,
    "fanotify_init": 300, "iopl": 172, "ioperm": 173, "vhangup": 153, "setns": 308, "inotify_init": 253,
    "inotify_init1": 294, "io_setup": 206, "listen": 50,
}  # fmt: skip
_AARCH64 = {
    "socket": 198, "connect": 203, "sendto": 206, "sendmsg": 211, "socketpair": 199, "sendmmsg": 269,
    "openat": 56, "truncate": 45, "unlinkat": 35, "renameat": 38, "renameat2": 276, "mkdirat": 34, "symlinkat": 36,
    "linkat": 37, "fchmod": 52, "fchmodat": 53, "fchownat": 54, "fchown": 55, "utimensat": 88, "setxattr": 5,
    "kill": 129, "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
    "clone": 220, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "ptrace": 117,
    "process_vm_writev": 271, "prlimit64": 261, "setpriority": 140, "ioprio_set": 30, "sched_setaffinity": 122,
    "sched_setscheduler": 119, "sched_setparam": 118, "sched_setattr": 274, "shmget": 194, "shmat": 196,
    "shmctl": 195, "semget": 190, "semctl": 191, "semop": 193, "semtimedop": 192, "msgget": 186, "msgsnd": 189,
    "msgrcv": 188, "msgctl": 187, "mq_open": 180, "mq_unlink": 181, "add_key": 217, "keyctl": 219, "request_key": 218,
    "bind": 200, "mknodat": 33, "ioctl": 29, "sethostname": 161, "setdomainname": 162, "settimeofday": 170,
    "clock_settime": 112, "mount": 40, "umount2": 39, "swapon": 224, "swapoff": 225, "reboot": 142,
    "init_module": 105, "finit_module": 273, "delete_module": 106, "acct": 89, "syslog": 116, "pivot_root": 41,
    "kexec_load": 104, "migrate_pages": 238, "move_pages": 239, "open_by_handle_at": 265, "fcntl": 25,
    "flock": 32, "chroot": 51, "kexec_file_load": 294, "bpf": 280, "fanotify_init": 262, "vhangup": 58, "setns": 268,
    "inotify_init1": 26, "io_setup": 0, "listen": 201,
}  # fmt: skip
CALLS: Mapping[str, Calls] = {
    "x86_64": Calls(0xC000003E, 317, {**_X86_64, **_SHARED}),
    "aarch64": Calls(0xC00000B7, 277, {**_AARCH64, **_SHARED}),
}
"""By `os.uname().machine`; on any other a command cannot be locked down."""

_IF_ARGUMENT_HAS = {  # only with one of these bits is there something to decide
    "sendto": (3, _FAST_OPEN), "sendmsg": (2, _FAST_OPEN), "sendmmsg": (3, _FAST_OPEN),
}  # fmt: skip
_FLAGS_OF = {"openat": 2, "open": 1}
_UNNAMED = os.O_TMPFILE & ~os.O_DIRECTORY
"""What opens a folder and nothing else is decided by the kernel: it opens no pipe and no device, it says ENOTDIR."""
_UNLESS_ARGUMENT_IS = {
    "ioctl": (1, IOCTL),
    "fcntl": (1, FCNTL),
}  # the values that are known to change nothing of others
_NEVER = {"io_uring_setup": _ENOSYS, "io_setup": _ENOSYS}  # it would do the above unseen; of these a machine has few
WATCHES = frozenset({"inotify_init", "inotify_init1"})
"""What takes one of the few that a user has for being told of changes of files."""
FORKS = frozenset({"clone", "clone3", "fork", "vfork"})
"""What makes processes and threads: the overseer lets nothing be made any more when the command has ended."""


CONNECTING = frozenset({"connect", "sendto", "sendmsg", "sendmmsg", "io_uring_setup"})
"""What leads to another service: all that is looked at where a command may change things."""


def program(calls: Calls, only: frozenset[str] = frozenset()) -> bytes:
    """The filter: `struct sock_filter` after `struct sock_filter`. `only` names the calls, all when it is empty."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in _instructions(calls, only))


def _instructions(calls: Calls, only: frozenset[str]) -> Iterator[tuple[int, int, int, int]]:
    yield _LOAD, 0, 0, _ARCH
    yield _EQUAL, 1, 0, calls.audit
    yield _RETURN, 0, 0, _REFUSE | _EPERM  # 32-bit calls have other numbers
    yield _LOAD, 0, 0, _NUMBER
    yield _AT_LEAST, 0, 1, _X32
    yield _RETURN, 0, 0, _REFUSE | _EPERM
    yield _AT_LEAST, 0, 1, _UNKNOWN
    yield _RETURN, 0, 0, _REFUSE | _ENOSYS
    for name, number in calls.numbers.items():
        if only and name not in only:
            continue
        block = _block(name)
        yield _EQUAL, 0, len(block), number
        yield from block
    yield _RETURN, 0, 0, _ALLOW


def _block(name: str) -> list[tuple[int, int, int, int]]:
    """What becomes of a call of that name."""
    if name in _NEVER:
        return [(_RETURN, 0, 0, _REFUSE | _NEVER[name])]
    if name in _UNLESS_ARGUMENT_IS:
        position, values = _UNLESS_ARGUMENT_IS[name]
        tests = [(_EQUAL, len(values) - index, 0, value) for index, value in enumerate(sorted(values))]
        return [(_LOAD, 0, 0, _ARGUMENTS + 8 * position), *tests, (_RETURN, 0, 0, _ASK), (_RETURN, 0, 0, _ALLOW)]
    if name in _FLAGS_OF:
        return [
            (_LOAD, 0, 0, _ARGUMENTS + 8 * _FLAGS_OF[name]),
            (_ANY_BIT, 2, 0, WRITING | _UNNAMED),
            (_ANY_BIT, 0, 1, os.O_DIRECTORY),
            (_RETURN, 0, 0, _ALLOW),
            (_RETURN, 0, 0, _ASK),
        ]
    if name in _IF_ARGUMENT_HAS:
        position, bits = _IF_ARGUMENT_HAS[name]
        return [
            (_LOAD, 0, 0, _ARGUMENTS + 8 * position),
            (_ANY_BIT, 0, 1, bits),
            (_RETURN, 0, 0, _ASK),
            (_RETURN, 0, 0, _ALLOW),
        ]
    return [(_RETURN, 0, 0, _ASK)]


def install(only: frozenset[str] = frozenset()) -> int:
    """Puts the filter on this process and its children to be; gives the descriptor on which the overseer is asked.

    Needs `no_new_privs`, or root. Raises OSError when the kernel refuses.
    """
    calls = CALLS[os.uname().machine]
    code = program(calls, only)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    found = int(libc.syscall(calls.seccomp, _MODE_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, ctypes.c_char_p(header)))
    if found < 0:
        raise OSError(ctypes.get_errno(), f"seccomp: {os.strerror(ctypes.get_errno())}")
    return found
