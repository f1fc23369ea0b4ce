"""Judges of system calls that reach beyond files and connections: other processes, shared memory, the machine itself.

Landlock holds signals (Linux 6.12) and what a debugger does; limits, priorities, System V objects and keys of the
same user it leaves alone. Everything here is decided by registers, so that what is refused is refused here.
Standard library only.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from runbook_steps.engine.guards.kernel.pidfd import own_process
from runbook_steps.engine.guards.kernel.system_call import Bounds, Continue, Done, SystemCall, signed

__all__ = ["BEYOND", "Judge", "name_of"]

Judge = Callable[[SystemCall, Bounds], Done]
_CLEARING = range(4, 9)  # actions of `syslog`
_CHANGING = {"shmctl": (1, {0, 1, 11, 12}), "semctl": (2, {0, 1, 16, 17}), "msgctl": (1, {0, 1})}
_TRACE_ME, _SET_OWNER = 0, 8


def name_of(pid: int) -> str:
    """The process' name, empty when there is none of that number."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    return ""


def _kill(call: SystemCall, bounds: Bounds) -> Done:
    del bounds
    pid, number = signed(call.arguments[0]), call.arguments[1]
    if pid == -1 and number:
        return Done(errno.EPERM, "a signal to every process")
    return _on(call, abs(pid), "a signal to") if number else Continue()


def _on(call: SystemCall, pid: int, what: str) -> Done:
    """Let through to the command's own processes only."""
    if pid <= 1 or own_process(call.task, pid):  # 0 is oneself or one's own group
        return Continue() if pid != 1 else Done(errno.EPERM, f"{what} process 1")
    name = name_of(pid)
    return Done(errno.EPERM, f"{what} {name} ({pid})") if name else Done(errno.ESRCH)


def _process(what: str, position: int, *, reads: Callable[[SystemCall], bool] = lambda _: False) -> Judge:
    """Of calls that name a process by its number."""

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        del bounds
        return Continue() if reads(call) else _on(call, signed(call.arguments[position]), what)

    return judge


def _held(what: str) -> Judge:
    """Of calls that name a process by a descriptor."""

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        del bounds
        told = Path(f"/proc/{call.task}/fdinfo/{signed(call.arguments[0])}").read_text("utf-8", "replace")
        found = re.search(r"^Pid:\s*(\d+)", told, re.MULTILINE)
        return _on(call, int(found[1]), what) if found else Done(errno.EBADF)

    return judge


def _priority(of_process: int) -> Judge:
    """`which` and `who`: of one process by its number, or of oneself; behind it stand a group, and a user.

    A user who is not named is oneself, with all that runs as that one.
    """

    def judge(call: SystemCall, bounds: Bounds) -> Done:
        del bounds
        which, who = signed(call.arguments[0]), signed(call.arguments[1])
        if which == of_process or (which == of_process + 1 and not who):
            return _on(call, who, "the priority of")
        return Done(errno.EPERM, "the priority of a group of processes")

    return judge


def _refused(what: str) -> Judge:
    def judge(call: SystemCall, bounds: Bounds) -> Done:
        del bounds
        if call.name in _CHANGING:
            position, changing = _CHANGING[call.name]
            if call.arguments[position] & 0xFF not in changing:
                return Continue()  # `ipcs` looks
        return Done(errno.EPERM, what)

    return judge


def _told_of_input(call: SystemCall, bounds: Bounds) -> Done:
    """`F_SETOWN` names who gets a signal when there is input; with a structure that is in memory, and refused."""
    del bounds
    if signed(call.arguments[1]) != _SET_OWNER:
        return Done(errno.EPERM, "a signal to others, at input")
    return _on(call, abs(signed(call.arguments[2])), "a signal, at input, to")


def _log(call: SystemCall, bounds: Bounds) -> Done:
    del bounds
    return Done(errno.EPERM, "clearing the kernel's log") if call.arguments[0] in _CLEARING else Continue()


BEYOND: Mapping[str, Judge] = {
    "kill": _kill,
    **dict.fromkeys(("tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"), _process("a signal to", 0)),
    "pidfd_send_signal": _held("a signal to"), "pidfd_getfd": _held("taking a file from"),
    "ptrace": _process("debugging", 1, reads=lambda call: call.arguments[0] == _TRACE_ME),
    "process_vm_writev": _process("writing to the memory of", 0),
    "prlimit64": _process("the limits of", 0, reads=lambda call: not call.arguments[2]),
    "migrate_pages": _process("moving the memory of", 0), "move_pages": _process("moving the memory of", 0),
    "setpriority": _priority(0), "ioprio_set": _priority(1),
    **dict.fromkeys(("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"),
                    _process("the schedule of", 0)),
    **dict.fromkeys(("shmget", "shmat", "shmctl"), _refused("System V shared memory")),
    **dict.fromkeys(("semget", "semop", "semtimedop", "semctl"), _refused("a System V semaphore")),
    **dict.fromkeys(("msgget", "msgsnd", "msgrcv", "msgctl"), _refused("a System V message queue")),
    **dict.fromkeys(("mq_open", "mq_unlink"), _refused("a message queue")),
    **dict.fromkeys(("add_key", "keyctl", "request_key"), _refused("the kernel's keys")),
    **dict.fromkeys(("sethostname", "setdomainname"), _refused("the name of the machine")),
    **dict.fromkeys(("settimeofday", "clock_settime"), _refused("the clock of the machine")),
    **dict.fromkeys(("mount", "umount2", "move_mount", "pivot_root", "open_tree", "open_tree_attr", "fsopen", "fsmount",
                     "fspick", "mount_setattr"), _refused("what is mounted where")),
    "chroot": _refused("another root of the file system"),
    **dict.fromkeys(("swapon", "swapoff", "reboot", "acct"), _refused("the state of the machine")),
    **dict.fromkeys(("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf",
                     "iopl", "ioperm"), _refused("the kernel itself")),
    "fanotify_init": _refused("a say in what others open"), "vhangup": _refused("the terminal of others"),
    "setns": _refused("a place among other processes"),
    **dict.fromkeys(("process_madvise", "process_mrelease"), _held("the memory of")),
    "open_by_handle_at": _refused("opening a file by its handle"),
    "syslog": _log, "fcntl": _told_of_input,
}  # fmt: skip
