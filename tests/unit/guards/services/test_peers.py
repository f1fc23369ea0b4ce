"""Only this run's own processes are served by a port of the guard."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_steps.engine.guards.services.listening import Incoming, Listener
from runbook_steps.engine.guards.services.peers import Peer, peer_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's table of connections is Linux's")
ASK = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 60); s.sendall(b'x')\n"
READ = ASK + "print(s.recv(9).decode())"


@pytest.fixture
def port() -> Iterator[int]:
    """A listener that greets whom it serves."""
    told: list[str] = []
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def greet(incoming: Incoming) -> None:
        _, writer = await incoming.streams()
        writer.write(b"served")
        writer.close()

    listener = Listener(greet, told.append)
    serving = asyncio.run_coroutine_threadsafe(listener.accept(), loop)
    yield listener.port
    serving.cancel()
    loop.call_soon_threadsafe(loop.call_later, 0.05, loop.stop)
    thread.join(5)
    loop.close()


def test_a_command_of_the_run_is_served(port: int) -> None:
    """Also one that is started by another, and one with a socket of IPv6."""
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {READ!r}, '{port}'], check=True)"
    mapped = READ.replace("'127.0.0.1'", "'::ffff:127.0.0.1'")
    for text in (READ, nested, mapped):
        done = subprocess.run(
            [sys.executable, "-c", text, str(port)], capture_output=True, text=True, timeout=20, check=False
        )
        assert done.stdout == "served\n", done.stderr


def test_this_process_is_served_itself(port: int) -> None:
    """The checks after a command look through the guard as well."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        assert client.recv(9) == b"served"


def _orphan(port: int, folder: Path, *prefix: str) -> str:
    """What a process that is not below this one is answered: its parent ends, and init takes it."""
    out = folder / "said"
    daemon = (
        "import os, sys, subprocess, time\n"
        "def orphaned():\n"
        "    parent = os.getpid()\n"
        "    if os.fork(): os._exit(0)\n"
        "    while os.getppid() == parent: time.sleep(0.01)\n"
        "orphaned()\n"
        "os.setsid()\n"
        "orphaned()\n"
        f"done = subprocess.run([*sys.argv[3:], sys.executable, '-c', {READ!r}, sys.argv[1]], capture_output=True)\n"
        "open(sys.argv[2] + '.new', 'wb').write(done.stdout + done.stderr)\n"
        "os.rename(sys.argv[2] + '.new', sys.argv[2])\n"
    )
    arguments = [sys.executable, "-c", daemon, str(port), str(out), *prefix]
    subprocess.run(arguments, timeout=20, check=True)
    waited = threading.Event()
    while not out.exists():
        waited.wait(0.02)
    return out.read_text()


def test_another_program_gets_nothing(port: int, tmp_path: Path) -> None:
    """Of the same user, but not started by this run."""
    assert "served" not in _orphan(port, tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_gets_nothing(port: int, tmp_path: Path) -> None:
    """`nobody`, who reached the service with this run's rights before."""
    assert "served" not in _orphan(port, tmp_path, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def test_who_has_gone_is_not_served() -> None:
    """The kernel does not say any more whose socket it was."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), 5) as sender:
            client, _ = server.accept()
            assert peer_of(client) is Peer.OWN
            sender.sendall(b"FLUSHALL\r\n")
        with client:
            assert peer_of(client) is Peer.GONE
