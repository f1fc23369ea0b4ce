"""What the kernel side refuses a command that may change things: the services behind the guard, and nothing else."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook_steps.engine.guards.kernel import lockdown
from tests.gate import NEEDS_LOCK

pytestmark = NEEDS_LOCK
IMPORTS = "import contextlib, ctypes, os, signal, socket, sys, time\n"


@dataclass(frozen=True)
class Place:
    """A service behind the guard, which counts who connects, another that is not, and a folder."""

    service: socket.socket
    other: socket.socket
    folder: Path
    came: list[str]

    def names(self, text: str) -> str:
        """With the ports filled in."""
        return text.replace("SERVICE", str(port_of(self.service))).replace("OTHER", str(port_of(self.other)))


def port_of(listener: socket.socket) -> int:
    """Where it listens."""
    return int(listener.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Both listen on every address of this machine."""
    with socket.create_server(("", 0)) as service, socket.create_server(("", 0)) as other:
        found = Place(service, other, tmp_path, [])

        def count(listener: socket.socket, name: str) -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                found.came.append(name)
                client.close()

        for listener, name in ((service, "service"), (other, "other")):
            threading.Thread(target=count, args=(listener, name), daemon=True).start()
        yield found
        for listener in (service, other):
            listener.shutdown(socket.SHUT_RDWR)


def held(
    place: Place, program: str, host: str = "127.0.0.1", ports: tuple[int, ...] = ()
) -> tuple[str, int, list[str]]:
    """A program in Python: what it says, its exit code, and what was refused."""
    report = place.folder / "report"
    spec = {"past": [[host, port_of(place.service)]], "ports": ports, "report": str(report)}
    prefix = [sys.executable, "-I", "-S", str(Path(lockdown.__file__)), json.dumps(spec)]
    done = subprocess.run(
        [*prefix, sys.executable, "-I", "-S", "-c", IMPORTS + place.names(program)],
        cwd=place.folder, capture_output=True, text=True, timeout=60, check=False, start_new_session=True,
    )  # fmt: skip
    lines = report.read_text().splitlines() if report.exists() else []
    return (done.stdout + done.stderr).strip(), done.returncode, [json.loads(line)[1] for line in lines]


WAYS = {
    "as it is": "socket.create_connection(('127.0.0.1', SERVICE), 5)",
    "by its name": "socket.create_connection(('localhost', SERVICE), 5)",
    "by another address of the loopback": "socket.create_connection(('127.9.9.9', SERVICE), 5)",
    "by no address": "socket.create_connection(('0.0.0.0', SERVICE), 5)",
    "by IPv6": "socket.socket(socket.AF_INET6).connect(('::1', SERVICE))",
    "by IPv6 for IPv4": "socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', SERVICE))",
    "by IPv6 for no address": "socket.socket(socket.AF_INET6).connect(('::', SERVICE))",
    "by its short address": "socket.create_connection((socket.inet_ntoa(socket.inet_aton('127.1')), SERVICE), 5)",
    "by Multipath TCP": "socket.socket(2, 1, 262).connect(('127.0.0.1', SERVICE))",
    "without waiting": "socket.socket(2, 1 | socket.SOCK_NONBLOCK).connect_ex(('127.0.0.1', SERVICE))",
    "by TCP Fast Open": "socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', SERVICE))",
    "by a child": "os.fork() or socket.create_connection(('127.0.0.1', SERVICE), 5); os.wait()",
}


@pytest.mark.parametrize("case", WAYS)
def test_a_service_is_reached_through_the_guard_alone(place: Place, case: str) -> None:
    """In every spelling of its address; it is named, also when the command swallows it."""
    _, _, refused = held(place, f"with contextlib.suppress(OSError):\n    {WAYS[case]}\ntime.sleep(0.2)")
    assert [each for each in refused if "past the guard" in each] == refused != []
    assert place.came == []


def test_the_guard_has_as_many_descriptors_as_before(place: Place) -> None:
    """Of 128: a call on what is no socket takes none of them, and what is refused afterwards is still named."""
    program = (
        "L = ctypes.CDLL(None); file = os.open('/etc/passwd', 0)\nfor _ in range(300): L.connect(file, b'\\1\\0a', 4)\n"
        "with contextlib.suppress(OSError): socket.create_connection(('127.0.0.1', SERVICE), 5)"
    )
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, limits[1]))
    try:
        _, code, refused = held(place, program)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (code, len(refused), place.came) == (0, 1, [])


def test_the_address_that_was_looked_at_is_the_one_that_is_reached(place: Place) -> None:
    """A second thread that changes it all the time wins nothing: there is no second look at it."""
    program = """
import struct, threading
address = ctypes.create_string_buffer(16)
ports = (OTHER, SERVICE)
good, bad = (struct.pack('=H', 2) + struct.pack('!H', port) + socket.inet_aton('127.0.0.1') for port in ports)
ctypes.memmove(address, good, 8)
done = threading.Event()
def change():
    while not done.is_set():
        for each in (bad, good): ctypes.memmove(address, each, 8)
threading.Thread(target=change).start()
libc = ctypes.CDLL(None)
for _ in range(300):
    with socket.socket() as own: libc.connect(own.fileno(), address, 16)
done.set()
"""
    held(place, program)
    assert "service" not in place.came


def test_a_connection_that_takes_long_holds_up_no_other(place: Place) -> None:
    """Each is made beside the others."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())  # its queue is full: who comes next waits
        program = f"""
if os.fork() == 0:
    socket.socket().connect(('127.0.0.1', {port_of(full)}))
socket.create_connection(('127.0.0.1', OTHER), 20).recv(1)
os.kill(0, signal.SIGKILL)
"""
        held(place, program)
        for each in waiting:
            each.close()
    assert place.came == ["other"]


def test_a_service_with_a_name_is_known_by_it(place: Place) -> None:
    """Every address that it has."""
    _, _, refused = held(place, "socket.create_connection(('127.0.0.1', SERVICE), 5)", "localhost")
    assert refused == [f"TCP to 127.0.0.1:{port_of(place.service)}, past the guard"]


def assert_refused_there(place: Place, program: str, host: str) -> None:
    """A program that connects to the database's own socket, THERE, ends with an error, and the socket is named."""
    path = place.folder / f".s.PGSQL.{port_of(place.service)}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        _, code, refused = held(place, program.replace("THERE", repr(str(path))), host)
    assert (code, refused) == (1, [f"the UNIX socket {path}, past the guard"])


@pytest.mark.parametrize("host", ["127.0.0.1", "FOLDER"])
def test_the_socket_of_the_database_is_the_database(place: Place, host: str) -> None:
    """On this machine, or where the address names its folder."""
    assert_refused_there(
        place, "socket.socket(socket.AF_UNIX).connect(THERE)", host.replace("FOLDER", str(place.folder))
    )


OTHER_NAMES = {
    "a link": "os.symlink(THERE, 'other')",
    "another link": "os.link(THERE, 'other')",
    "another name": "os.rename(THERE, 'other')",
    "a link to its folder": "os.symlink(os.path.dirname(THERE), 'd'); os.symlink('d/' + THERE.split('/')[-1], 'other')",
    "a descriptor": "os.symlink('/proc/self/fd/%d' % os.open(THERE, os.O_PATH), 'other')",
}


@pytest.mark.parametrize("case", OTHER_NAMES)
def test_the_socket_of_the_database_is_known_by_every_name(place: Place, case: str) -> None:
    """By the one that it was bound to."""
    program = f"{OTHER_NAMES[case]}\nsocket.socket(socket.AF_UNIX).connect('other')"
    assert_refused_there(place, program, str(place.folder))


def test_a_socket_that_is_replaced_meanwhile_is_the_one_that_was_looked_at(place: Place) -> None:
    """A second thread that changes address, link and file all the time wins nothing."""
    database, other = place.folder / f".s.PGSQL.{port_of(place.service)}", place.folder / "other"
    program = f"""
import struct, threading
good, bad = (struct.pack('=H', 1) + each.encode().ljust(100, b'\\0') for each in ({str(other)!r}, {str(database)!r}))
address = ctypes.create_string_buffer(good, 102)
done = threading.Event()
def change():
    while not done.is_set():
        for each in (bad, good): ctypes.memmove(address, each, 102)
def turn():
    number = 0
    while not done.is_set():
        for each in ({str(database)!r}, {str(other)!r}):
            os.symlink(each, f'l{{number}}'); os.rename(f'l{{number}}', 'link'); number += 1
os.symlink({str(other)!r}, 'link')
threads = [threading.Thread(target=each) for each in (change, turn)]
for each in threads: each.start()
libc = ctypes.CDLL(None)
for _ in range(150):
    with socket.socket(socket.AF_UNIX) as own:
        if libc.connect(own.fileno(), address, 102) == 0: own.send(b'x')
    with socket.socket(socket.AF_UNIX) as own, contextlib.suppress(OSError):
        own.connect('link'); own.send(b'x')
done.set()
for each in threads: each.join()
"""
    said: dict[str, int] = {"database": 0, "other": 0}

    def count(listener: socket.socket, name: str) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                said[name] += len(client.recv(1))

    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for listener, path in ((first, database), (second, other)):
            listener.bind(str(path))
            listener.listen(512)
            threading.Thread(
                target=count, args=(listener, path.name if path == other else "database"), daemon=True
            ).start()
        _, code, _ = held(place, program, str(place.folder))
        for listener in (first, second):
            listener.shutdown(socket.SHUT_RDWR)
    assert code == 0
    assert said["database"] == 0
    assert said["other"] > 0


def test_everything_else_is_open(place: Place) -> None:
    """Other services, the guard, files, signals, an exit code and the end by a signal."""
    program = """
socket.create_connection(('127.0.0.1', OTHER), 5).recv(1)
socket.create_connection(('127.0.0.1', SERVICE), 5).recv(1)
open('written', 'w').write('x'); os.chmod('written', 0o600)
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.send(b'x'); print(b.recv(1), flush=True)
sys.exit(7)
"""
    said, code, refused = held(place, program, ports=(port_of(place.service),))
    assert (said, code, refused) == ("b'x'", 7, [])
    assert sorted(place.came) == ["other", "service"]
    assert (place.folder / "written").read_text() == "x"
    assert held(place, "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)")[1] == -signal.SIGTERM


def test_a_service_that_it_started_again_goes_on(place: Place) -> None:
    """It is not held any more, and its streams hold up nobody: a daemon reaches what it needs."""
    program = """
if os.fork() == 0:
    os.setsid()
    for each in range(3): os.dup2(os.open(os.devnull, os.O_RDWR), each)
    while not os.path.exists('ended'): time.sleep(0.05)
    socket.create_connection(('127.0.0.1', SERVICE), 5).recv(1)
    open('reached', 'w').close()
    os._exit(0)
"""
    assert held(place, program)[1:] == (0, [])
    (place.folder / "ended").touch()
    end = time.monotonic() + 30
    while not (place.folder / "reached").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert place.came == ["service"]
