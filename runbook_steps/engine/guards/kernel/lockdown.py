"""Runs a command locked down by Landlock and seccomp, and oversees it. Started as a script; standard library only.

`python -I -S lockdown.py SPEC COMMAND…`, SPEC being JSON: `write` (folders and files that may be written),
`hide` (files and folders that may not be read), `ports` (TCP ports that may be connected to), `sockets` (UNIX
sockets), `report` (the file that refusals are written to). With `past`, the host and port of each service behind the
guard, nothing is held but connections to those.
What is not listed cannot be written, connected to or signalled, whatever the command does: the kernel
holds it, for every child as well. Numbers: Linux uapi/linux/landlock.h, prctl.h, capability.h.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

if __name__ == "__main__":  # as a script it finds its siblings by this
    sys.path.append(str(Path(__file__).resolve().parents[4]))

from runbook_steps.engine.guards.kernel.overseer import accompany, end_as, oversee, receive_listener
from runbook_steps.engine.guards.kernel.seccomp import CALLS, CONNECTING, install
from runbook_steps.engine.guards.kernel.services_past import Past
from runbook_steps.engine.guards.kernel.system_call import Bounds

TYPE_CHECKING = False
if TYPE_CHECKING:  # never here: every import is paid before each command
    from typing import Any, NoReturn

__all__ = ["held_by_overseer_alone", "lacking", "lockable", "main"]

ABI_NEEDED = 4  # Linux 6.7: TCP ports; 6 (Linux 6.12) adds signals
_SIGNALS_ABI, _IOCTL_ABI = 6, 5
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_PATH_RULE, _PORT_RULE = 1, 2
_READ_FILE = 1 << 2
_WRITE = 0x7FF2  # write, remove, make any kind, refer, truncate; bit 2 and 3 are reading
_FILE_WRITE = 1 << 1 | 1 << 14
_IOCTL = 1 << 15
_BIND, _CONNECT = 1 << 0, 1 << 1
_ANY_FREE_PORT = 0
_SCOPED = 1 << 0 | 1 << 1  # abstract sockets, signals
_NO_NEW_PRIVS, _SUBREAPER, _DEATH_SIGNAL, _DROP_CAPABILITY = 38, 36, 1, 24
_KEPT_CAPABILITIES = (1, 2)  # root may read everybody's files; what it may write is for Landlock
_LAST_CAPABILITY = 63
_CANNOT = 126  # the shell's word for "found, but cannot be run"
_ACTIONS = Path("/proc/sys/kernel/seccomp/actions_avail")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/ptmx")  # not the terminals of others


def landlock_abi() -> int:
    """What the kernel offers; 0 when it offers nothing."""
    return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))))


def lockable() -> bool:
    """Whether this machine can hold a command to what it may write, connect to and signal."""
    return not lacking()


def lacking() -> str:
    """What this machine lacks to hold a command, in a few words; empty when it lacks nothing.

    Without it no read-only procedure runs on a live target: half a lock is none.
    """
    if sys.platform != "linux":
        return f"Linux (this is {sys.platform})"
    if os.uname().machine not in CALLS:
        return f"system calls that are known here ({' and '.join(CALLS)}; this is {os.uname().machine})"
    if (abi := landlock_abi()) < ABI_NEEDED:
        found = f"has version {abi} of it" if abi else "has none, or it is switched off"
        return f"Landlock with TCP ports (Linux 6.7; this kernel {found})"
    try:
        actions = _ACTIONS.read_text("ascii").split()
    except OSError:
        actions = []
    return "" if "user_notif" in actions else "seccomp that asks a process (Linux 5.5, CONFIG_SECCOMP_FILTER)"


def held_by_overseer_alone() -> tuple[str, ...]:
    """What a newer kernel would hold by itself as well; here the overseer alone refuses it."""
    abi = landlock_abi()
    newer = ((_IOCTL_ABI, "commands to devices (Linux 6.10)"), (_SIGNALS_ABI, "signals to others (Linux 6.12)"))
    return tuple(what for needed, what in newer if abi < needed)


def main(arguments: list[str]) -> int:
    """The command's exit code; 126 with one line on standard error when it cannot be locked down."""
    spec = json.loads(arguments[0])
    if "past" in spec:
        return _accompanied(spec, arguments[1:])
    _libc().prctl(_SUBREAPER, 1, 0, 0, 0)  # what the command leaves behind becomes a child of this process
    _libc().prctl(_DEATH_SIGNAL, int(signal.SIGTERM), 0, 0, 0)
    own, its = socket.socketpair()
    child = os.fork()
    if child == 0:
        own.close()
        _become(spec, arguments[1:], its)
    its.close()
    try:
        listener = receive_listener(own)
    except OSError:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    write = tuple(os.path.realpath(path) for path in spec["write"])
    bounds = Bounds(write, frozenset(spec["ports"]), tuple(os.path.realpath(path) for path in spec["sockets"]))
    return end_as(oversee(child, listener, bounds, Path(spec["report"])))


def _accompanied(spec: dict[str, Any], command: list[str]) -> int:
    own, its = socket.socketpair()
    child = os.fork()
    if child == 0:
        own.close()
        try:
            if os.geteuid() != 0:  # root may have a filter, and still start programs of others
                _no_new_privileges()
            _hand_over(its, command, CONNECTING)
        except OSError as error:
            _cannot(error)
    its.close()
    try:
        listener = receive_listener(own)
    except OSError:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    past = Past(tuple((str(host), int(port)) for host, port in spec["past"]), frozenset(spec["ports"]))
    return end_as(accompany(child, listener, past.judged, Path(spec["report"])))


def _hand_over(to_overseer: socket.socket, command: list[str], only: frozenset[str] = frozenset()) -> NoReturn:
    """Becomes the command, its filter in place. Raises OSError."""
    for usual in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a command would inherit that
        signal.signal(usual, signal.SIG_DFL)
    socket.send_fds(to_overseer, [b"!"], [install(only)])
    os.execv(command[0], command)  # noqa: S606 - it becomes the command


def _cannot(error: OSError) -> NoReturn:
    sys.stderr.write(f"the command was not run: it cannot be locked down here ({error})\n")
    sys.stderr.flush()
    os._exit(_CANNOT)


def _become(spec: dict[str, Any], command: list[str], to_overseer: socket.socket) -> NoReturn:
    try:
        _give_way()
        for number in range(_LAST_CAPABILITY + 1):
            if number not in _KEPT_CAPABILITIES:
                _libc().prctl(_DROP_CAPABILITY, number, 0, 0, 0)  # refused to who has none anyway
        _restrict(spec["write"], [Path(item) for item in spec["hide"]], spec["ports"])
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))  # 1 is too small for a file, and for a program that gets it
        _hand_over(to_overseer, command)
    except OSError as error:
        _cannot(error)


def _give_way() -> None:
    """Where memory runs out the kernel ends this command, not the database beside it. It may not take that back."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123 - no detours: see below
            score.write("1000")
    except OSError:
        return  # no /proc that is written: the command is held all the same


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _restrict(write: Iterable[str], hide: list[Path], ports: Iterable[int]) -> None:
    abi = landlock_abi()
    if abi < ABI_NEEDED:
        raise OSError(f"Landlock has ABI {abi}, {ABI_NEEDED} is needed")
    files = _WRITE | (_READ_FILE if hide else 0) | (_IOCTL if abi >= _IOCTL_ABI else 0)
    rules = struct.pack("=QQQ", files, _BIND | _CONNECT, _SCOPED if abi >= _SIGNALS_ABI else 0)
    ruleset = _call(_CREATE, rules, len(rules), 0)
    for path in write:
        rights = files if Path(path).is_dir() else _FILE_WRITE | (_IOCTL if abi >= _IOCTL_ABI else 0)
        _allow(ruleset, path, rights)
    for device in _DEVICES:
        _allow(ruleset, device, (_FILE_WRITE | _IOCTL) & files)
    if hide:
        for readable in _all_but(hide):
            _allow(ruleset, str(readable), _READ_FILE)
    _call(_ADD, ruleset, _PORT_RULE, struct.pack("=QQ", _BIND, _ANY_FREE_PORT), 0)
    for port in ports:
        _call(_ADD, ruleset, _PORT_RULE, struct.pack("=QQ", _CONNECT, port), 0)
    _no_new_privileges()
    _call(_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _no_new_privileges() -> None:
    if _libc().prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError("no_new_privs was refused")


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    try:
        _call(_ADD, ruleset, _PATH_RULE, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _all_but(hidden: list[Path]) -> Iterator[Path]:
    """What to allow so that everything can be read but `hidden`: the siblings along each way down."""
    above = {parent for path in hidden for parent in path.parents}
    for folder in above:
        try:
            entries = [Path(entry.path) for entry in os.scandir(folder)]
        except OSError:
            continue
        yield from (entry for entry in entries if entry not in above and entry not in hidden)


def _call(number: int, *arguments: int | bytes) -> int:
    libc = _libc()
    values = [ctypes.c_char_p(each) if isinstance(each, bytes) else ctypes.c_size_t(each) for each in arguments]
    result = int(libc.syscall(number, *values))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # nothing to tidy up, and a thread that may wait for ever
