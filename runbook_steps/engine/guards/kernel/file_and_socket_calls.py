"""What becomes of a system call that the kernel hands over: let through, made here, or refused with a name for it."""

from __future__ import annotations

import errno
import os
import stat
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from runbook_steps.engine.guards.kernel.other_calls import BEYOND, Judge
from runbook_steps.engine.guards.kernel.pidfd import HERE, memory, own_process, placed, text
from runbook_steps.engine.guards.kernel.seccomp import WRITING
from runbook_steps.engine.guards.kernel.socket_calls import bind, connect, fast_open, listen, make_pair, make_socket
from runbook_steps.engine.guards.kernel.system_call import Bounds, Continue, Done, SystemCall, signed
from runbook_steps.engine.guards.kernel.use_of_files import ATTRIBUTES, DEVICES, control, fcntl, flock, reads

__all__ = ["judged"]

_NO_FOLLOW, _EMPTY_PATH = 0x100, 0x1000  # AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
_WITHOUT = errno.EOPNOTSUPP
_UTIME_NOW, _UTIME_OMIT = 0x3FFFFFFF, 0x3FFFFFFE


def judged(call: SystemCall, bounds: Bounds) -> Done:
    """The decision. Raises OSError, to be the call's own error, when a path or an address cannot be looked at."""
    return _JUDGES[call.name](call, bounds)


def _writes(what: str, folder: int | None, path: int, *, flags: int | None = None) -> Judge:
    """Names a write outside of the bounds; the positions are those of the arguments."""

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        real = _real(call, folder, path, follow=what == "opening")
        creating = flags is None or bool(call.arguments[flags] & os.O_CREAT)
        # what is not there cannot be written, what is there cannot be made: the kernel says so without Landlock
        moot = not (
            real.parent.is_dir() if creating and what in {"opening", "making", "moving to"} else os.path.lexists(real)
        )
        moot = moot or (what == "making" and os.path.lexists(real))
        if moot or bounds.writable(str(real)) or _harmless(real, call.task):
            return Continue()
        return Continue(refused=f"{what} {real} for writing" if what == "opening" else f"{what} {real}")

    return judge


def _opens(folder: int | None, path: int, flags: int) -> Judge:
    """For writing within the bounds, as Landlock holds it; for reading whatever reading does not change.

    By the flags to make or to cut a file it is opened for reading all the same, and Landlock leaves a pipe or a device
    that is there to it; by both bits of the mode a device is opened for commands, and Landlock is asked for nothing.
    """
    to_write = _writes("opening", folder, path, flags=flags)

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        if not call.arguments[flags] & WRITING:
            return reads(call, folder, path, bounds)
        found = to_write(call, bounds)
        by_landlock = not found.refused or call.arguments[flags] & os.O_ACCMODE in {os.O_WRONLY, os.O_RDWR}
        return found if by_landlock else reads(call, folder, path, bounds, beside=found.refused)

    return judge


def _real(call: SystemCall, folder: int | None, path: int, *, follow: bool) -> Path:
    """What the arguments at those positions name, links resolved; in the last part only where the call follows them."""
    where = HERE if folder is None else signed(call.arguments[folder])
    name = text(call.task, call.arguments[path])
    at = Path(placed(call.task, where, name))
    real = Path(os.path.realpath(at.parent)) / at.name if name else at
    return Path(os.path.realpath(real)) if follow and real.is_symlink() else real


def _both(first: Judge, second: Judge) -> Judge:
    """Of two paths, each is looked at: the first that goes too far is named."""

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        found = first(call, bounds)
        return found if found.refused else second(call, bounds)

    return judge


def _open_by_structure(call: SystemCall, bounds: Bounds) -> Done:
    """`openat2` has its flags in memory; Landlock holds it as it holds `openat`, this gives it a name."""
    (flags,) = struct.unpack("=Q", memory(call.task, call.arguments[2], 8))
    arguments = (*call.arguments[:2], flags, *call.arguments[3:])
    return _opens(0, 1, 2)(SystemCall(call.name, call.task, arguments), bounds)


def _never(what: str, folder: int | None, path: int | None, error: int) -> Judge:
    """Refused wherever the file lies; named when that is outside of the bounds: `cp -p` goes on without."""

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        handle = f"/proc/{call.task}/fd/{signed(call.arguments[0])}"
        by_name = path is not None and call.arguments[path]
        real = _real(call, folder, path, follow=True) if by_name and path is not None else Path(handle).readlink()
        return Done(error, "" if bounds.writable(str(real)) or not real.exists() else f"{what} {real}")

    return judge


def _harmless(path: Path, task: int) -> bool:
    """One's own entries in /proc have their own rules; Python's caches are tried, and done without."""
    if path.parts[1:2] == ("proc",):
        whose = "".join(path.parts[2:3])
        others = whose.isdigit() and not own_process(task, int(whose))
        return not others and whose != "sys" and not path.name.startswith("sysrq")
    return "__pycache__" in path.parts or str(path) in DEVICES


def _on_file(
    what: str, folder: int | None, path: int | None, act: Callable[[SystemCall, str], None], **more: int
) -> Judge:
    """Changes mode, owner or times here, on the file that was looked at, if it lies within the bounds."""

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        follow = not ("flags" in more and call.arguments[more["flags"]] & _NO_FOLLOW) and "link" not in more
        where = HERE if folder is None else signed(call.arguments[folder])
        name = text(call.task, call.arguments[path]) if path is not None and call.arguments[path] else ""
        at = placed(call.task, where, name) if name else f"/proc/{call.task}/fd/{where}"
        descriptor = os.open(at, os.O_PATH | os.O_CLOEXEC | (0 if follow or not name else os.O_NOFOLLOW))
        try:
            handle = f"/proc/self/fd/{descriptor}"
            real = str(Path(handle).readlink())
            if not bounds.writable(real):
                return Done() if _harmless(Path(real), call.task) else Done(errno.EPERM, f"{what} {real}")
            if not stat.S_ISLNK(os.fstat(descriptor).st_mode):  # a link's own mode and times interest nobody
                act(call, handle)
        finally:
            os.close(descriptor)
        return Done()

    return judge


def _mode(position: int) -> Callable[[SystemCall, str], None]:
    return lambda call, handle: Path(handle).chmod(call.arguments[position] & 0o1777)


def _owner(position: int) -> Callable[[SystemCall, str], None]:
    return lambda call, handle: os.chown(handle, *(signed(each) for each in call.arguments[position : position + 2]))


def _times(call: SystemCall, handle: str) -> None:
    if not call.arguments[2]:
        os.utime(handle)
        return
    old = Path(handle).stat()
    last, changed = (struct.unpack("=qq", memory(call.task, call.arguments[2] + at, 16)) for at in (0, 16))
    os.utime(handle, ns=(_moment(last, old.st_atime_ns), _moment(changed, old.st_mtime_ns)))


def _moment(value: tuple[int, int], kept: int) -> int:
    """A `struct timespec` in nanoseconds since 1970."""
    seconds, fraction = value
    special = {_UTIME_NOW: time.time_ns(), _UTIME_OMIT: kept}
    return special.get(fraction, seconds * 1_000_000_000 + fraction)


_JUDGES: Mapping[str, Judge] = {
    **BEYOND,
    "socket": make_socket, "socketpair": make_pair, "connect": connect,
    "sendto": fast_open, "sendmsg": fast_open, "sendmmsg": fast_open,
    "open": _opens(None, 0, 1), "openat": _opens(0, 1, 2),
    "creat": _writes("opening", None, 0), "truncate": _writes("truncating", None, 0),
    "unlink": _writes("removing", None, 0), "unlinkat": _writes("removing", 0, 1),
    "rmdir": _writes("removing", None, 0), "mkdir": _writes("making", None, 0), "mkdirat": _writes("making", 0, 1),
    "rename": _both(_writes("moving", None, 0), _writes("moving to", None, 1)),
    "renameat": _both(_writes("moving", 0, 1), _writes("moving to", 2, 3)),
    "renameat2": _both(_writes("moving", 0, 1), _writes("moving to", 2, 3)),
    "mknod": _writes("making", None, 0), "mknodat": _writes("making", 0, 1),
    "symlink": _writes("making", None, 1), "symlinkat": _writes("making", 1, 2),
    "link": _both(_writes("linking", None, 0), _writes("making", None, 1)),
    "linkat": _both(_writes("linking", 0, 1), _writes("making", 2, 3)),
    "openat2": _open_by_structure, "bind": bind, "listen": listen,
    **dict.fromkeys(("setxattr", "lsetxattr", "removexattr", "lremovexattr"), _never(ATTRIBUTES, None, 0, _WITHOUT)),
    **dict.fromkeys(("fsetxattr", "fremovexattr"), _never(ATTRIBUTES, None, None, _WITHOUT)),
    **dict.fromkeys(("setxattrat", "removexattrat", "file_setattr"), _never(ATTRIBUTES, 0, 1, _WITHOUT)),
    "ioctl": control, "flock": flock, "fcntl": fcntl,
    **dict.fromkeys(("utime", "utimes"), _never("changing the times of", None, 0, errno.EPERM)),
    "futimesat": _never("changing the times of", 0, 1, errno.EPERM),
    "chmod": _on_file("changing the mode of", None, 0, _mode(1)),
    "fchmod": _on_file("changing the mode of", 0, None, _mode(1)),
    "fchmodat": _on_file("changing the mode of", 0, 1, _mode(2)),
    "fchmodat2": _on_file("changing the mode of", 0, 1, _mode(2), flags=3),
    "chown": _on_file("changing the owner of", None, 0, _owner(1)),
    "lchown": _on_file("changing the owner of", None, 0, _owner(1), link=1),
    "fchown": _on_file("changing the owner of", 0, None, _owner(1)),
    "fchownat": _on_file("changing the owner of", 0, 1, _owner(2), flags=4),
    "utimensat": _on_file("changing the times of", 0, 1, _times, flags=3),
}  # fmt: skip
