"""Judges of what may be done with a file without writing to it: to lock it, to control it, to drain it by reading.

Standard library only.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import struct
import sys
from pathlib import Path

from runbook_steps.engine.guards.kernel.known_commands import LOCKS, READ_LOCKING
from runbook_steps.engine.guards.kernel.other_calls import BEYOND
from runbook_steps.engine.guards.kernel.pidfd import HERE, memory, own_process, placed, text
from runbook_steps.engine.guards.kernel.system_call import Bounds, Continue, Done, SystemCall, signed

__all__ = ["ATTRIBUTES", "DEVICES", "control", "fcntl", "flock", "reads", "resolved"]

ATTRIBUTES = "changing the attributes of"
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx", "/dev/random", "/dev/urandom")
_READABLE_DEVICES = (*DEVICES, "/dev/kmsg")
_DESCRIPTOR = re.compile(r"/proc/([0-9]+)/(?:task/[0-9]+/)?fd/[0-9]+")
_MOST_STEPS = 500
_PLAIN = (  # most of what is opened: kept by packages
    "/usr/lib/", "/usr/share/", "/usr/local/lib/", "/lib/", "/lib64/", "/etc/",
    f"{Path(sys.executable).parents[1]}/lib/", f"{sys.base_prefix}/lib/",
)  # fmt: skip
_UNLOCK, _WRITE_LOCK = 8, 1  # LOCK_UN, F_WRLCK
_OWNER = (8, 15)  # F_SETOWN, F_SETOWN_EX


def reads(call: SystemCall, folder: int | None, path: int, bounds: Bounds, beside: str = "") -> Done:
    """What is read from a pipe or a terminal is gone for whom it was meant; opening a device may set it off.

    `beside` names what else is tried, and left to Landlock.
    """
    where = HERE if folder is None else signed(call.arguments[folder])
    name = text(call.task, call.arguments[path])
    if name.startswith(_PLAIN) and "/../" not in name:
        return Continue(refused=beside)
    try:
        real = resolved(call.task, placed(call.task, where, name))
        mode = os.stat(real).st_mode  # noqa: PTH116 - asked for every file that is opened
    except OSError:
        return Continue(refused=beside)  # the kernel says so too
    if not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        return Continue(refused=beside)
    of = _DESCRIPTOR.fullmatch(real)  # without a name of its own
    if of is not None and own_process(call.task, int(of[1])):
        return Continue(refused=beside)
    if of is None and (real in _READABLE_DEVICES or bounds.writable(real)):
        return Continue(refused=beside)
    return Done(errno.EACCES, f"reading the {'pipe' if stat.S_ISFIFO(mode) else 'device'} {real}")


def resolved(task: int, path: str) -> str:
    """The path without links, as the task sees it: `/proc/self` is another process there than here. Raises OSError."""
    done, left = "", path.split("/")[::-1]
    for _ in range(_MOST_STEPS):
        if not left:
            return done or "/"
        part = left.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            done = done.rpartition("/")[0]
            continue
        done = f"{done}/{part}"
        if done in {"/proc/self", "/proc/thread-self"}:
            done = f"/proc/{task}"
            continue
        try:
            link = os.readlink(done)  # noqa: PTH115 - asked for every part of a path
        except OSError:
            continue
        if link.startswith("/"):
            done = ""
        elif _DESCRIPTOR.fullmatch(done):
            continue  # `pipe:[7]`: the link is the thing itself
        else:
            done = done.rpartition("/")[0]
        left += link.split("/")[::-1]
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _of_descriptor(call: SystemCall) -> str:
    """The file behind the first argument; what is no file has no slash before it."""
    return str(Path(f"/proc/{call.task}/fd/{signed(call.arguments[0])}").readlink())


def _anybodys(path: str, bounds: Bounds) -> bool:
    """Whether a lock or a control there concerns nobody else: its own files, pipes and memory, and `/dev/null`."""
    return not path.startswith("/") or path.startswith("/memfd:") or bounds.writable(path) or path in DEVICES


def control(call: SystemCall, bounds: Bounds) -> Done:
    """A command that is not known to look only: done without on its own files, named on those of others."""
    real = _of_descriptor(call)
    if _anybodys(real, bounds):
        return Done(errno.ENOTTY)
    return Done(errno.EPERM, f"{ATTRIBUTES} {real}")


def flock(call: SystemCall, bounds: Bounds) -> Done:
    """On its own files only; another's would hold up whoever writes there."""
    if signed(call.arguments[1]) & _UNLOCK:
        return Continue()
    real = _of_descriptor(call)
    return Continue() if _anybodys(real, bounds) else Done(errno.EACCES, f"locking {real}")


def fcntl(call: SystemCall, bounds: Bounds) -> Done:
    """What is not known to look, or to act on the descriptor: locks and leases on its own files only."""
    command = signed(call.arguments[1])
    if command in _OWNER:
        return BEYOND["fcntl"](call, bounds)
    if command not in LOCKS:
        return Done(errno.EINVAL, f"a command of fcntl that is not known, {command}")
    real = _of_descriptor(call)
    if _anybodys(real, bounds):
        return Continue()
    if command in READ_LOCKING:
        (kind,) = struct.unpack("=h", memory(call.task, call.arguments[2], 2))
        if kind != _WRITE_LOCK:
            return Done()  # reading without the lock that its reader asks for: `who` and SQLite give up otherwise
    return Done(errno.EACCES, f"{LOCKS[command]} {real}")
