"""Whether there is a Docker engine, without Docker's library."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.containers.docker_engine import engine_address, refuse_without_engine


def answering(folder: Path, said: bytes) -> dict[str, str]:
    """The environment that leads to a socket where somebody says that, once."""
    path = folder / "engine.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        with listening, listening.accept()[0] as client:
            client.recv(1000)
            client.sendall(said)

    threading.Thread(target=serve, daemon=True).start()
    return {"DOCKER_HOST": f"unix://{path}"}


def test_an_engine_that_answers_is_taken(tmp_path: Path) -> None:
    """What it says of itself is left to Docker's own library."""
    refuse_without_engine(answering(tmp_path, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"))


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 500 No\r\n\r\n"])
def test_what_is_no_engine_is_refused(tmp_path: Path, said: bytes) -> None:
    """Silence, another protocol, an error."""
    environ = answering(tmp_path, said)
    with pytest.raises(TargetError, match=r"no Docker engine answers at unix://.*use `--target embedded`"):
        refuse_without_engine(environ)


def test_nobody_there_is_refused(tmp_path: Path) -> None:
    """A socket that is not there, a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for address in (f"unix://{tmp_path}/none.sock", f"tcp://127.0.0.1:{port}"):
        with pytest.raises(TargetError, match="no Docker engine answers"):
            refuse_without_engine({"DOCKER_HOST": address})


def test_other_addresses_are_left_to_the_client() -> None:
    """TLS and ssh need more than a socket."""
    refuse_without_engine({"DOCKER_HOST": "ssh://somebody@somewhere.invalid"})
    refuse_without_engine({"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY": "1"})


def test_the_default_is_the_socket_of_this_machine() -> None:
    """As Docker has it."""
    assert engine_address({}) == "unix:///var/run/docker.sock"
