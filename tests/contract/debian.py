"""Debian's own services, as a small company runs them, on free ports of the loopback; each a visible skip where absent.

Nobody here wrote them: what the guard promises is held against them as well as against the embedded target.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from runbook_steps.stand_in.embedded.ports import hold_ports

__all__ = ["PASSWORD", "Service", "as_nobody", "held_port", "redis_seven", "running", "until"]

PASSWORD = "opensesame"


@dataclass(frozen=True)
class Service:
    """A running service of a test."""

    port: int
    folder: Path
    password: str = PASSWORD


@contextmanager
def held_port() -> Iterator[int]:
    """One that nothing listens on, and that nobody gets meanwhile but who is told to listen there."""
    with hold_ports(["it"])["it"] as held:
        yield int(held.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something does."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def until(condition: Callable[[], object], limit_s: float) -> None:
    """Waits for it, looking again and again. Fails after the limit."""
    pause, end = threading.Event(), time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not within {limit_s:g} s"
        pause.wait(0.02)


def as_nobody(folder: Path) -> Sequence[str]:
    """What to put before a service that does not run as root; the folder becomes its own."""
    if os.geteuid() != 0:
        return ()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@contextmanager
def running(arguments: Sequence[str], port: int) -> Iterator[None]:
    """The program, from when it listens to when it is stopped."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: listens(port) or process.poll() is not None, 60)
        assert process.poll() is None, f"{arguments[0]} ended with {process.poll()}"
        yield
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def redis_seven(folder: Path, *settings: str) -> Iterator[Service]:
    """Redis as Debian has it, with a password; `settings` are arguments more."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on this machine: install redis-server")
    with held_port() as port:
        arguments = [program, "--port", str(port), "--dir", str(folder), "--save", "", "--requirepass", PASSWORD]
        with running([*arguments, *settings], port):
            yield Service(port, folder)
