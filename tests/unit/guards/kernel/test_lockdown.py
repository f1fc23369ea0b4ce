"""What the kernel side refuses a locked-down command, and leaves it: each by a program under the real lock."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from runbook_steps.engine.guards.kernel import lockdown
from runbook_steps.engine.guards.kernel.seccomp import CALLS
from runbook_steps.engine.guards.services.guard import can_lock_down, lock_words
from tests.gate import NEEDS_LOCK

pytestmark = NEEDS_LOCK
IMPORTS = "import contextlib, ctypes, fcntl, os, socket, struct, sys\n"


@dataclass(frozen=True)
class Done:
    """What a locked-down program printed, and what of it was refused, by name."""

    said: str
    refused: list[str]


def locked(folder: Path, program: str, *, stdin: str = "") -> Done:
    """The program in Python, which may write in `folder`/own only."""
    own, report = folder / "own", folder / "report"
    own.mkdir(exist_ok=True)
    spec = {"write": [str(own)], "hide": [], "ports": [], "sockets": [], "report": str(report)}
    prefix = [sys.executable, "-I", "-S", str(Path(lockdown.__file__)), json.dumps(spec)]
    done = subprocess.run(
        [*prefix, sys.executable, "-I", "-S", "-c", IMPORTS + program],
        cwd=own, input=stdin, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    lines = report.read_text().splitlines() if report.exists() else []
    return Done((done.stdout + done.stderr).strip(), [json.loads(line)[1] for line in lines])


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file that is not the command's."""
    file = tmp_path / "victim"
    file.write_text("kept")
    return file


SOCKETS = {
    "datagrams": ("socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)", "a UNIX datagram socket"),
    "raw ones, which are datagrams": ("socket.socket(socket.AF_UNIX, socket.SOCK_RAW)", "a UNIX datagram socket"),
    "raw ones that do not wait": ("socket.socket(1, 3 | socket.SOCK_NONBLOCK)", "a UNIX datagram socket"),
    "reliable datagrams": ("socket.socket(socket.AF_UNIX, socket.SOCK_RDM)", "a UNIX socket of kind 4"),
    "a kind that is not known": ("socket.socket(1, 10)", "a UNIX socket of kind 10"),
    "a pair of datagrams": ("socket.socketpair(1, socket.SOCK_DGRAM)", "a UNIX datagram socket"),
    "a raw pair": ("socket.socketpair(1, socket.SOCK_RAW)", "a UNIX datagram socket"),
    "raw IP": ("socket.socket(2, 3, 1)", "a socket for protocol 1, kind 3"),
    "SCTP": ("socket.socket(2, 5, 132)", "a socket for protocol 132"),
    "packets": ("socket.socket(17, 3, 0)", "a socket of address family 17"),
    "the kernel's ciphers": ("socket.socket(38, 5, 0)", "a socket of address family 38"),
    "virtual machines": ("socket.socket(40, 1, 0)", "a socket of address family 40"),
}


@pytest.mark.parametrize("case", SOCKETS)
def test_only_sockets_that_are_known_are_made(tmp_path: Path, case: str) -> None:
    """By allowlist; H1."""
    program, named = SOCKETS[case]
    done = locked(tmp_path, f"with contextlib.suppress(OSError):\n    {program}; print('made')")
    assert done.said == ""
    assert [each for each in done.refused if each.startswith(named)] == done.refused != []


USES = {  # of a file of another, open for reading: what it is called, and the words
    "flock": ("fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)", "locking"),
    "flock, shared": ("fcntl.flock(f, fcntl.LOCK_SH)", "locking"),
    "lockf": ("fcntl.fcntl(f, 7, struct.pack('hhqqi', 1, 0, 0, 0, 0))", "locking"),
    "a lock of a description": ("fcntl.fcntl(f, 37, struct.pack('hhqqi', 1, 0, 0, 0, 0))", "locking"),
    "a lock of a description, waiting": ("fcntl.fcntl(f, 38, struct.pack('hhqqi', 1, 0, 0, 0, 0))", "locking"),
    "a lease": ("fcntl.fcntl(f, 1024, 0)", "leasing"),
    "a lease to write": ("fcntl.fcntl(f, 1024, 1)", "leasing"),
    "a notice": ("fcntl.fcntl(f, 1026, 2)", "being told of changes in"),
    "a hint": ("fcntl.fcntl(f, 1036, struct.pack('Q', 2))", "hints for"),
    "flags": ("fcntl.ioctl(f, 0x40086602, struct.pack('q', 0x40))", "changing the attributes of"),
    "flags, 32 bits": ("fcntl.ioctl(f, 0x40046602, struct.pack('i', 0x40))", "changing the attributes of"),
    "a version": ("fcntl.ioctl(f, 0x40087602, struct.pack('q', 7))", "changing the attributes of"),
    "extended flags": ("fcntl.ioctl(f, 0x401C5820, bytes(28))", "changing the attributes of"),
    "encryption": ("fcntl.ioctl(f, 0x800C6613, bytes(12))", "changing the attributes of"),
    "deduplication": ("fcntl.ioctl(f, 0xC0189436, bytes(64))", "changing the attributes of"),
    "a freeze": ("fcntl.ioctl(f, 0xC0045877, bytes(4))", "changing the attributes of"),
    "a command of no meaning": ("fcntl.ioctl(f, 0x12345678, bytes(4))", "changing the attributes of"),
}


@pytest.mark.parametrize("case", USES)
def test_a_file_of_another_is_not_locked_leased_or_controlled(tmp_path: Path, victim: Path, case: str) -> None:
    """By allowlist; M4. And nothing of it is held."""
    program, words = USES[case]
    opened = f"f = os.open({str(victim)!r}, os.O_RDONLY)\n"
    done = locked(tmp_path, f"{opened}with contextlib.suppress(OSError):\n    {program}; print('done')")
    assert (done.said, done.refused) == ("", [f"{words} {victim}"])


def test_a_command_of_fcntl_that_is_not_known_is_refused(tmp_path: Path, victim: Path) -> None:
    """A newer kernel has others."""
    program = f"f = os.open({str(victim)!r}, 0)\nwith contextlib.suppress(OSError):\n    fcntl.fcntl(f, 1099, 0)"
    assert locked(tmp_path, program).refused == ["a command of fcntl that is not known, 1099"]


def test_a_reader_goes_on_without_its_lock(tmp_path: Path, victim: Path) -> None:
    """`who` and SQLite ask for one before they read; it is granted to them, and holds up nobody."""
    program = (
        f"f = os.open({str(victim)!r}, os.O_RDONLY)\nfcntl.fcntl(f, 7, struct.pack('hhqqi', 0, 0, 0, 0, 0))\n"
        "print(os.read(f, 9).decode(), flush=True); sys.stdin.read()"
    )
    own = tmp_path / "own"
    own.mkdir()
    spec = {"write": [str(own)], "hide": [], "ports": [], "sockets": [], "report": str(tmp_path / "report")}
    command = [sys.executable, "-I", "-S", str(Path(lockdown.__file__)), json.dumps(spec), sys.executable, "-c"]
    with subprocess.Popen(
        [*command, IMPORTS + program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "kept\n"
        with victim.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # while the command still thinks that it has its own
        process.communicate("", timeout=30)
    assert process.returncode == 0
    assert not (tmp_path / "report").exists()


DRAINS = {
    "by its name": "os.read(os.open({pipe!r}, os.O_RDONLY | os.O_NONBLOCK), 9)",
    "by a link": "os.symlink({pipe!r}, 'l'); os.read(os.open('l', os.O_RDONLY | os.O_NONBLOCK), 9)",
    "by a folder": "os.read(os.open('pipe', os.O_NONBLOCK, dir_fd=os.open({folder!r}, os.O_DIRECTORY)), 9)",
    "by a way round": "os.read(os.open('/usr/lib/../..' + {pipe!r}, os.O_NONBLOCK), 9)",
    "by a handle": "p = os.open({pipe!r}, os.O_PATH); os.read(os.open(f'/proc/self/fd/{{p}}', os.O_NONBLOCK), 9)",
    "by a handle in /dev": "p = os.open({pipe!r}, os.O_PATH); os.read(os.open(f'/dev/fd/{{p}}', os.O_NONBLOCK), 9)",
    "by its thread": "p = os.open({pipe!r}, os.O_PATH); os.read(os.open(f'/proc/thread-self/fd/{{p}}', 2048), 9)",
    "from its folder": "os.chdir({folder!r}); os.read(os.open('pipe', os.O_NONBLOCK), 9)",
}


@pytest.mark.parametrize("case", DRAINS)
def test_a_pipe_of_others_is_not_drained(tmp_path: Path, case: str) -> None:
    """What is read from it is gone for whom it was meant; M4."""
    others = tmp_path / "others"
    others.mkdir()
    pipe = others / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(held, b"for you")
        program = DRAINS[case].format(pipe=str(pipe), folder=str(others))
        done = locked(tmp_path, f"with contextlib.suppress(OSError):\n    {program}; print('drained')")
        assert (done.said, done.refused) == ("", [f"reading the pipe {pipe}"])
        assert os.read(held, 20) == b"for you"
    finally:
        os.close(held)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the system calls are named by their numbers on x86-64")
@pytest.mark.parametrize(
    ("number", "arguments", "named"),
    [
        (161, "b'/tmp'", "another root of the file system"),
        (428, "-100, b'/', 1", "what is mounted where"),
        (430, "b'tmpfs', 0", "what is mounted where"),
        (442, "-100, b'/', 0, 0, 0", "what is mounted where"),
    ],
)
def test_another_view_of_the_files_is_refused(tmp_path: Path, number: int, arguments: str, named: str) -> None:
    """There the same path would be another file than the one that is looked at."""
    assert locked(tmp_path, f"ctypes.CDLL(None).syscall({number}, {arguments})").refused == [named]


def test_a_system_call_of_a_newer_kernel_is_not_there(tmp_path: Path) -> None:
    """What nobody has heard of here cannot be judged."""
    program = "l = ctypes.CDLL(None, use_errno=True); print(l.syscall(500), ctypes.get_errno())"
    assert locked(tmp_path, program).said == "-1 38"


OWN = {
    "locks": "f = open('own', 'w'); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); print('ok')",
    "a lease": "open('own', 'w').close(); f = open('own'); fcntl.fcntl(f, 1024, 0); print('ok')",
    "a pipe": "os.mkfifo('p'); a = os.open('p', os.O_RDONLY | os.O_NONBLOCK); os.open('p', os.O_WRONLY); print('ok')",
    "its input": "print(open('/dev/stdin').read())",
    "its input, by number": "print(open('/dev/fd/0').read())",
    "its input, by its process": "print(open('/proc/self/fd/0').read())",
    "a pipe without a name": (
        "a, b = os.pipe(); os.write(b, b'ok'); print(os.read(os.open(f'/dev/fd/{a}', 0), 9).decode())"
    ),
    "a pair": "a, b = socket.socketpair(); a.send(b'ok'); print(b.recv(9).decode())",
    "a pair of packets": "a, b = socket.socketpair(1, 5); a.send(b'ok'); print(b.recv(9).decode())",
    "nothing at all": "open('/dev/null').read(); open('/dev/urandom', 'rb').read(1); print('ok')",
    "the flags of a file": "f = open('/usr/bin/env'); fcntl.ioctl(f, 0x80086601, bytes(8)); print('ok')",
    "the size of a terminal": "print('ok' if not os.isatty(1) else 'no')",
    "a command that its own files do not have": (
        "f = open('own', 'w')\nwith contextlib.suppress(OSError):\n    fcntl.ioctl(f, 0x12345678)\nprint('ok')"
    ),
}


@pytest.mark.parametrize("case", OWN)
def test_what_is_its_own_is_left_to_it(tmp_path: Path, case: str) -> None:
    """Locks, pipes, its input, what looks only: no refusal, and it works."""
    assert locked(tmp_path, OWN[case], stdin="ok") == Done("ok", [])


def test_many_files_are_opened(tmp_path: Path) -> None:
    """Each is looked at by the overseer, within the limit of `locked`; `make bench` tells what the guard costs."""
    (tmp_path / "a").write_text("x")
    program = f"for _ in range(1000): os.close(os.open({str(tmp_path / 'a')!r}, os.O_RDONLY))\nprint('all')"
    assert locked(tmp_path, program) == Done("all", [])


def test_threads_do_not_hold_each_other_up(tmp_path: Path) -> None:
    """Two locked-down commands at once have an overseer each."""
    results: list[Done] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(locked(tmp_path / str(n), "print('ok')"))) for n in range(2)
    ]
    for n in range(2):
        (tmp_path / str(n)).mkdir()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [Done("ok", [])] * 2


def test_a_machine_that_cannot_hold_a_command_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is not taken for one that can."""
    assert lockdown.lacking() == ""
    monkeypatch.setattr(lockdown, "_ACTIONS", tmp_path / "none")
    assert "seccomp" in lockdown.lacking()
    monkeypatch.setattr(lockdown, "landlock_abi", lambda: 2)
    assert len(lock_words()) == 1
    assert "lacks Landlock with TCP ports (Linux 6.7; this kernel has version 2 of it)" in lock_words()[0]
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="riscv64"))
    assert "this is riscv64" in lockdown.lacking()
    assert not can_lock_down()


def test_an_older_kernel_says_what_the_overseer_holds_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landlock of Linux 6.7 knows neither devices nor signals."""
    monkeypatch.setattr(lockdown, "landlock_abi", lambda: 4)
    assert [each.partition(":")[0] for each in lock_words()] == [
        "commands to devices (Linux 6.10)",
        "signals to others (Linux 6.12)",
    ]


FLIPPED = """
import threading
victim = {victim!r}.encode()
there = ctypes.create_string_buffer(struct.pack('=H', 16) + victim + bytes(20))
def flip():
    while True:
        there[0] = b'\\x01'; there[0] = b'\\x10'
threading.Thread(target=flip, daemon=True).start()
libc = ctypes.CDLL(None)
for _ in range(3000):
    s = socket.socket(socket.AF_UNIX)
    if libc.connect(s.fileno(), there, 2 + len(victim) + 1) == 0:
        print('connected'); break
    s.close()
"""


def test_an_address_that_changes_while_it_is_judged_leads_nowhere(tmp_path: Path) -> None:
    """What is connected to is what was looked at, for the kinds of address that are let through, too."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(4000)
        done = locked(tmp_path, FLIPPED.replace("{victim!r}", repr(str(tmp_path / "s"))))
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert done.said == ""


def test_a_netlink_socket_is_connected(tmp_path: Path) -> None:
    """To the kernel, which tells of routes; and a connection is ended by an address of no kind."""
    program = "s = socket.socket(16, 3, 0); s.connect((0, 0)); print('connected')"
    nowhere = "ctypes.CDLL(None).connect(socket.socket().fileno(), bytes(16), 16); print('ended')"
    assert locked(tmp_path, f"{program}; {nowhere}") == Done("connected\nended", [])
    other = "with contextlib.suppress(OSError):\n    socket.socket(16, 3, 0).connect((1, 0)); print('connected')"
    assert locked(tmp_path, other) == Done("", ["an address of family 16"])


BEYOND = {
    "kexec_file_load": "the kernel itself", "bpf": "the kernel itself", "fanotify_init": "a say in what others open",
    "vhangup": "the terminal of others", "setns": "a place among other processes",
    "quotactl": "",  # the kernel refuses it by itself: some only look
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_what_reaches_beyond_the_command_is_named(tmp_path: Path, name: str) -> None:
    """Whether or not the kernel would let it: a failure that is swallowed is told all the same."""
    number = CALLS[platform.machine()].numbers.get(name, 179 if platform.machine() == "x86_64" else 60)
    done = locked(tmp_path, f"print(ctypes.CDLL(None).syscall({number}, 1, 0, 0, 0, 0))")
    assert done == Done("-1", [BEYOND[name]] if BEYOND[name] else [])


def test_the_memory_of_another_process_is_left_alone(tmp_path: Path) -> None:
    """By a descriptor too."""
    number = CALLS[platform.machine()].numbers["process_madvise"]
    done = locked(tmp_path, f"print(ctypes.CDLL(None).syscall({number}, os.pidfd_open({os.getpid()}), 0, 0, 21, 0))")
    assert (done.said, [each[:13] for each in done.refused]) == ("-1", ["the memory of"])
