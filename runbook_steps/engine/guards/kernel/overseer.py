"""Stays with a locked-down command: decides the system calls that the kernel hands over, and ends what it leaves.

What is refused is written down for the run, one JSON line each, `["Kernel", "TCP to 10.0.0.1:5432"]`, whatever
the command makes of the refusal. A call that is let through by its path is either made here, on the file that
was looked at, or still held by Landlock: another thread that changes the path meanwhile gains nothing.
Standard library only.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from runbook_steps.engine.guards.kernel.file_and_socket_calls import judged
from runbook_steps.engine.guards.kernel.other_calls import name_of
from runbook_steps.engine.guards.kernel.room import MOST_WATCHES, Descendant, Space, too_many
from runbook_steps.engine.guards.kernel.seccomp import CALLS, FORKS, WATCHES
from runbook_steps.engine.guards.kernel.system_call import Bounds, Continue, Done, SystemCall

__all__ = ["accompany", "oversee"]

_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND
_SET_FLAGS, _SAME_PROCESSOR = 0x40082104, 1  # SECCOMP_IOCTL_NOTIF_SET_FLAGS, _FD_SYNC_WAKE_UP (Linux 6.6)
_NOTICE, _ANSWER = struct.Struct("=QIIiIQ6Q"), struct.Struct("=QqiI")
_CONTINUE = 1
_LOOK_MS = 200
_GRACE_MS = 800  # less than the second after which the run would kill this process itself
_ROUNDS = 100
_THREADS = 13  # behind the session in /proc/PID/stat
_LEFT_S = 10.0  # for a connection that is just being made by what a command left running
_COUNT_EVERY = 50
_FAILED = 1 << 8  # the wait status of exit code 1

Decide = Callable[[SystemCall], Done]
"""What becomes of a call; it raises OSError to be the call's own error."""


class _Ended:
    """`asked` is set by a signal to this process, or by a command that takes too much: the command is to end."""

    def __init__(self) -> None:
        """Nothing has ended."""
        self.asked = False
        self.closed = False  # no process is made any more
        self.made = 0
        self.watches = 0


def oversee(child: int, listener: int, bounds: Bounds, report: Path) -> int:
    """Until the child ends, or this process is told to end; gives the child's wait status."""
    ended = _Ended()
    signal.signal(signal.SIGTERM, lambda *_: setattr(ended, "asked", True))
    told = _Report(report)

    def decide(call: SystemCall) -> Done:
        if call.name in WATCHES:
            return _watched(ended)
        return _forked(call.task, ended) if call.name in FORKS else judged(call, bounds)

    threading.Thread(target=_answer_all, args=(listener, decide, told), daemon=True).start()
    status = _follow(child, ended, Space(bounds.write), told)
    ended.closed = True
    left = _end_everything()
    if left and not ended.asked:
        told.write("Kernel", f"left running when it ended: {', '.join(sorted(left))}")
    status = told.unless_lost(status)
    return status if status is not None else int(signal.SIGTERM)


def accompany(child: int, listener: int, decide: Decide, report: Path) -> int:
    """Until the child ends, whose wait status it gives; it holds nothing but what `decide` refuses.

    What the child leaves running, a service that it has started again, is its own affair from then on. Its calls
    still come to the listener, which would be an error once nobody answers.
    """
    for asked in (signal.SIGTERM, signal.SIGINT):  # they are for the command, which gets them as well
        signal.signal(asked, signal.SIG_IGN)
    under_way: set[threading.Thread] = set()
    told = _Report(report)
    arguments = (listener, decide, told, under_way)
    threading.Thread(target=_answer_all, args=arguments, daemon=True).start()
    status = os.waitpid(child, 0)[1]
    if not _hung_up(listener):
        for each in tuple(under_way):
            each.join(_LEFT_S)
        _stay_behind(listener, told)
    return told.unless_lost(status) or 0


def _hung_up(listener: int) -> bool:
    watch = select.poll()
    watch.register(listener, 0)
    return bool(dict(watch.poll(0)).get(listener, 0) & select.POLLHUP)


def _stay_behind(listener: int, told: _Report) -> None:
    """In a process of its own, which holds none of the command's streams open."""
    if os.fork():
        return
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    _answer_all(listener, lambda _: Continue(), told)
    os._exit(0)


class _Report:
    """Every refusal once: a loop of a million attempts is one line."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._said: set[str] = set()
        self._lost: OSError | None = None

    def write(self, part: str, operation: str) -> None:
        """Appends a line. A full disk must not let the call through: it is refused all the same."""
        line = json.dumps([part, operation]) + "\n"
        if line not in self._said:
            self._said.add(line)
            try:
                with self._file.open("a", encoding="utf-8") as out:
                    out.write(line)
            except OSError as error:
                self._lost = error

    def unless_lost(self, status: int | None) -> int | None:
        """The command's wait status; it failed where a refusal is nowhere written, or nobody would hear of it."""
        if self._lost is None:
            return status
        with suppress(OSError):
            os.write(2, f"what the guard refused could not be written down, make room for it: {self._lost}\n".encode())
        return status or _FAILED


def _follow(child: int, ended: _Ended, space: Space, told: _Report) -> int | None:
    """The child's wait status; None when it outlives the moment it has after this process was told to end."""
    watch = select.poll()
    watch.register(os.pidfd_open(child), select.POLLIN)
    while not ended.asked:
        if watch.poll(_LOOK_MS):
            return os.waitpid(child, 0)[1]
        _bury(child)
        if full := space.taken():
            told.write("Kernel", f"filling the disk of {full}")
            ended.asked = True
    # the command got the signal too, being in the same group: it may tidy up
    return os.waitpid(child, 0)[1] if watch.poll(_GRACE_MS) else None


def _bury(child: int) -> None:
    """Orphans that ended are children of this process, and count as processes until they are waited for."""
    with suppress(ChildProcessError):
        while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and found.si_pid != child:
            os.waitpid(found.si_pid, 0)


def _answer_all(listener: int, decide: Decide, told: _Report, under_way: set[threading.Thread] | None = None) -> None:
    """In a thread of its own: a call that its signal took back leaves the next receive waiting.

    With `under_way`, each call gets a thread as well, which stands there meanwhile: a connection may take minutes.
    """
    names = {number: name for name, number in CALLS[os.uname().machine].numbers.items()}
    with suppress(OSError):
        # who asks waits for the answer: it is given fastest where it is asked
        fcntl.ioctl(listener, _SET_FLAGS, _SAME_PROCESSOR)
    watch = select.poll()
    watch.register(listener, select.POLLIN)
    while dict(watch.poll()).get(listener, 0) & select.POLLIN:  # it hangs up with the last process of the command
        _answer(listener, names, decide, told, under_way)


def _forked(task: int, ended: _Ended) -> Done:
    """A process more, as long as the command runs and has not too many. It is made by the kernel, in the command."""
    ended.made += 1
    if not ended.closed and ended.made % _COUNT_EVERY == 0 and (found := too_many(_descendants(os.getpid()))):
        ended.asked = ended.closed = True
        return Done(errno.EAGAIN, found)
    if not ended.closed:
        return Continue()
    with suppress(OSError):
        if os.getsid(task) != os.getsid(0):
            return Done(errno.EAGAIN, f"left running when it ended: {name_of(task)}")
    return Done(errno.EAGAIN)


def _watched(ended: _Ended) -> Done:
    ended.watches += 1
    return Continue() if ended.watches <= MOST_WATCHES else Done(errno.EMFILE, "watching files in too many ways")


def _answer(
    listener: int, names: dict[int, str], decide: Decide, told: _Report, under_way: set[threading.Thread] | None
) -> None:
    notice = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
    except OSError:
        return  # whoever asked has gone meanwhile
    key, task, _, number, _, _, *arguments = _NOTICE.unpack(notice)
    call = SystemCall(names.get(number, ""), task, tuple(arguments))
    if under_way is None:
        _settle(listener, key, call, decide, told)
        return

    def settle() -> None:
        try:
            _settle(listener, key, call, decide, told)
        finally:
            under_way.discard(threading.current_thread())

    thread = threading.Thread(target=settle, daemon=True)
    under_way.add(thread)
    thread.start()


def _settle(listener: int, key: int, call: SystemCall, decide: Decide, told: _Report) -> None:
    try:
        outcome = decide(call)
    except (OSError, ValueError, LookupError, OverflowError, struct.error) as error:
        code = error.errno if isinstance(error, OSError) and error.errno else errno.EPERM
        answer = _ANSWER.pack(key, 0, -code, 0)
    else:
        if outcome.refused:
            told.write("Kernel", outcome.refused)
        flags = _CONTINUE if isinstance(outcome, Continue) else 0
        answer = _ANSWER.pack(key, 0, -outcome.error, flags)
    with suppress(OSError):
        fcntl.ioctl(listener, _SEND, bytearray(answer))


def _end_everything() -> set[str]:
    """Kills every descendant: orphans are children of this process. Gives those that had left its session."""
    strangers: set[str] = set()
    for _ in range(_ROUNDS):
        found = _descendants(os.getpid())
        for pid, name, session, _ in found:
            if session != os.getsid(0):
                strangers.add(name)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0 if found else os.WNOHANG)[0]:
                pass
        if not found:
            break
    return strangers


def _descendants(root: int) -> Sequence[Descendant]:
    """Pid, name, session and number of threads of every living process below `root`."""
    children: dict[int, list[Descendant]] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError, IndexError, ValueError):
            head, _, tail = (folder / "stat").read_text("utf-8", "replace").rpartition(")")
            state, parent, _, session, *more = tail.split()
            if state not in "ZX":
                entry = (int(folder.name), head.partition("(")[2], int(session), int(more[_THREADS]))
                children.setdefault(int(parent), []).append(entry)
    found: list[Descendant] = []
    waiting = [root]
    while waiting:
        for entry in children.get(waiting.pop(), []):
            found.append(entry)
            waiting.append(entry[0])
    return found


def receive_listener(end: socket.socket) -> int:
    """The descriptor that the child sends once its filter is in place. Raises OSError when the child failed before."""
    _, descriptors, _, _ = socket.recv_fds(end, 1, 1)
    if not descriptors:
        raise OSError("the command could not be locked down")
    return descriptors[0]


def end_as(status: int) -> int:
    """Ends this process as the child ended: by the same signal, or gives its exit code."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_DFL)
        sys.stdout.flush()
        os.kill(os.getpid(), number)
    return os.waitstatus_to_exitcode(status)
