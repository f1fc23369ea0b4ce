"""What is others', and what is everybody's: a locked-down program changes, drains and uses up none of it."""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook_steps.engine.guards.kernel import lockdown, room
from runbook_steps.engine.guards.kernel.room import Space, too_many
from tests.gate import NEEDS_LOCK
from tests.unit.guards.kernel.hostile_programs import FILES, LATER, MACHINE, PRELUDE, PROCESSES, SOCKETS
from tests.unit.guards.kernel.test_lockdown import locked

pytestmark = NEEDS_LOCK
X86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls by number")


@dataclass(frozen=True)
class Others:
    """What is not the program's: a file, a pipe with something in it, a terminal, a process, who listens."""

    names: dict[str, object]
    process: subprocess.Popen[bytes]
    pipe: int
    listening: tuple[socket.socket, ...]

    def state(self) -> object:
        """All that a program could change of them."""
        victim, about = Path(str(self.names["V"])), Path(f"/proc/{self.process.pid}")
        told = [(about / name).read_text() for name in ("limits", "comm", "oom_score_adj", "coredump_filter")]
        status = victim.stat()
        how = (os.sched_getaffinity(self.process.pid), os.sched_getscheduler(self.process.pid),
               os.getpriority(os.PRIO_PROCESS, self.process.pid), self.process.poll())  # fmt: skip
        file = (victim.read_text(), status.st_mode, status.st_mtime, status.st_uid, os.listxattr(victim))
        return told, how, file, sorted(each.name for each in victim.parent.iterdir() if each.name != "report")

    def reached(self) -> bool:
        """Whether anybody connected."""
        for each in self.listening:
            try:
                each.accept()
            except BlockingIOError:
                continue
            return True
        return False


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Others]:
    """Beside the program's own folder."""
    victim, pipe = tmp_path / "victim", tmp_path / "pipe"
    victim.write_text("kept")
    os.mkfifo(pipe)
    (tmp_path / "own").mkdir()
    with ExitStack() as stack:
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0others-{os.getpid()}")
        abstract.listen()
        tcp = stack.enter_context(socket.create_server(("0.0.0.0", 0)))  # noqa: S104 - it is to be tried by every address
        for each in (abstract, tcp):
            each.setblocking(False)
        held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        os.write(held, b"for you")
        pair = os.openpty()
        for descriptor in (held, *pair):
            stack.callback(os.close, descriptor)
        process = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        stack.enter_context(process)
        stack.callback(process.kill)
        assert process.stdout is not None
        process.stdout.readline()  # it has started
        names = {"V": str(victim), "D": str(tmp_path), "PIPE": str(pipe), "PTS": os.ttyname(pair[1]), "O": process.pid,
                 "PORT": tcp.getsockname()[1], "ABSTRACT": f"others-{os.getpid()}"}  # fmt: skip
        yield Others(names, process, held, (abstract, tcp))


@X86_64
@pytest.mark.parametrize(
    "lines", [FILES, PROCESSES, SOCKETS, MACHINE, LATER], ids=["files", "processes", "sockets", "machine", "later"]
)
def test_what_is_others_stays(tmp_path: Path, others: Others, lines: str) -> None:
    """Each in a process of its own: none says that it got somewhere, and nothing is another afterwards."""
    before = others.state()
    given = "".join(f"{name} = {value!r}\n" for name, value in others.names.items())
    done = locked(tmp_path, f"{given}{PRELUDE}\neach({lines!r})")
    said = [line for line in done.said.splitlines() if re.fullmatch("[a-z0-9 ]+", line)]  # and no traceback
    assert (said, others.state(), others.reached()) == ([str(lines.count("\n") - 1)], before, False), done.said
    assert os.read(others.pipe, 99) == b"for you"
    assert done.refused != []


def test_a_command_listens_for_itself(tmp_path: Path) -> None:
    """On the loopback, and in its own folder."""
    program = """
for family, at in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0)), (socket.AF_UNIX, "own.socket"),
                   (socket.AF_INET6, ("::ffff:127.0.0.1", 0)), (socket.AF_INET, ("127.9.9.9", 0))):
    own = socket.socket(family); own.bind(at); own.listen(7); print(own.getsockopt(socket.SOL_SOCKET, 30))
"""
    done = locked(tmp_path, program)
    assert (done.said, done.refused) == ("1\n1\n1\n1\n1", [])


NO_SOCKETS = {
    "listening on a file": "L.listen(os.open('/etc/passwd', 0), 7)",
    "listening on a pipe": "L.listen(os.pipe()[0], 7)",
    "listening on a counter": "L.listen(L.eventfd(0, 0), 7)",
    "a file that is connected": "L.connect(os.open('/etc/passwd', 0), b'\\1\\0own.socket', 12)",
    "a pipe that is connected": "L.connect(os.pipe()[1], b'\\1\\0own.socket', 12)",
}


@pytest.mark.parametrize("case", NO_SOCKETS)
def test_the_guard_has_as_many_descriptors_as_before(tmp_path: Path, case: str) -> None:
    """A call on what is no socket leaves it none, and what is refused afterwards is still named."""
    program = (
        "L = ctypes.CDLL(None)\nown = socket.socket(1); own.bind('own.socket'); own.listen()\n"
        "def held(): return len(os.listdir(f'/proc/{os.getppid()}/fd'))\nbefore = held()\n"
        f"for _ in range(50):\n    {NO_SOCKETS[case]}\nprint(held() - before)\n"
        "with contextlib.suppress(OSError): socket.socket().listen()"
    )
    done = locked(tmp_path, program)
    assert (done.said, done.refused) == ("0", ["listening for others than this machine"])


@pytest.mark.parametrize(
    "program", ["socket.socket(1, socket.SOCK_DGRAM)", "os.setxattr('/etc/passwd', 'user.a', b'')"]
)
def test_a_refusal_that_cannot_be_written_down_fails_the_command(tmp_path: Path, program: str) -> None:
    """Nobody would hear of it where the command swallows it."""
    (tmp_path / "report").mkdir()
    spec = {"write": [], "hide": [], "ports": [], "sockets": [], "report": str(tmp_path / "report")}
    swallowed = f"import contextlib, os, socket\nwith contextlib.suppress(OSError): {program}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", lockdown.__file__, json.dumps(spec), sys.executable, "-I", "-S", "-c", swallowed],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "could not be written down" in done.stderr) == (1, True)


def test_threads_are_counted_as_processes_are(tmp_path: Path) -> None:
    """They take the numbers of processes: where there are 32,768, others could start none any more."""
    program = (
        "import threading, time; threading.stack_size(65536)\n"
        "with contextlib.suppress(RuntimeError):\n"
        "    for _ in range(5000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "print(threading.active_count(), flush=True); os._exit(0)"
    )
    done = locked(tmp_path, program)
    assert done.refused == ["more than 2000 threads at once"]
    assert not done.said or int(done.said.split()[0]) < 2200


def test_not_all_watches_of_a_user_are_taken(tmp_path: Path) -> None:
    """Others are told of changes as well: `tail -f`, systemd."""
    done = locked(tmp_path, "L = ctypes.CDLL(None)\nprint(sum(L.inotify_init1(0) >= 0 for _ in range(200)))")
    assert (done.said, done.refused) == (str(room.MOST_WATCHES), ["watching files in too many ways"])


def test_a_command_is_the_first_to_go_where_memory_runs_out(tmp_path: Path) -> None:
    """Not the database beside it, and it cannot say otherwise."""
    done = locked(tmp_path, "print(open('/proc/self/oom_score_adj').read())\nopen('/proc/self/oom_score_adj', 'w')")
    assert done.said.splitlines()[0] == "1000"
    assert "PermissionError" in done.said


def test_half_of_the_files_of_a_disk_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without room for another file is full, however many bytes are free."""
    free = os.statvfs(tmp_path)
    space = Space([str(tmp_path)])
    assert space.taken() == ""
    fewer = os.statvfs_result((*free[:7], free.f_favail // 3, *free[8:10]))
    monkeypatch.setattr(os, "statvfs", lambda _: fewer)
    assert space.taken() == str(tmp_path)


def test_too_many_is_said_by_what_there_is_too_much_of() -> None:
    """Processes, or their threads."""
    assert too_many([(1, "a", 1, 1)] * 400) == ""
    assert "processes" in too_many([(1, "a", 1, 1)] * 401)
    assert "threads" in too_many([(1, "a", 1, 1001)] * 2)
