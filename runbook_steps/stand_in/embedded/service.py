"""What the keeper needs to know of a service: how to prepare it, start it, see that it is ready, stop it."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NotReady", "Service", "answers", "http_status", "listens", "nothing", "private_file", "until"]


class NotReady(Exception):
    """Not yet; the text says what was seen instead."""


def nothing() -> None:
    """For services that need no preparation."""


@dataclass(frozen=True)
class Service:
    """One process, with its children. Signals are the service's own words for an orderly and a quick end.

    `prepare` and `ready` block; `ready` raises NotReady (or OSError) until the service serves.
    `deadline_s` is the longest the service may take from its start until it is ready.
    `account` is (uid, gid), None for the runner's own. `kept_up`: started again when it dies.
    """

    name: str
    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    ready: Callable[[], None]
    prepare: Callable[[], None] = nothing
    needs: tuple[str, ...] = ()
    account: tuple[int, int] | None = None
    kept_up: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    quick_signal: signal.Signals = signal.SIGKILL
    deadline_s: float = 20.0


def private_file(path: Path, text: str) -> None:
    """Writes a file only its owner can read, never open to others for a moment."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, "utf-8")


def http_status(port: int, path: str, *, ca: Path | None = None, timeout_s: float = 3.0) -> int:
    """The status of a GET on this machine; TLS when `ca` is given. Raises OSError, HTTPException."""
    if ca is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    else:
        context = ssl.create_default_context(cafile=str(ca))
        connection = http.client.HTTPSConnection("localhost", port, timeout=timeout_s, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def answers(port: int, path: str) -> Callable[[], None]:
    """Ready when it gives any HTTP answer there, be it a 503."""

    def ready() -> None:
        try:
            http_status(port, path)
        except http.client.HTTPException as error:
            raise NotReady(f"GET {path}: {error!r}") from error

    return ready


def listens(port: int) -> Callable[[], None]:
    """Ready when it takes connections: for a server that listens only once it can serve."""

    def ready() -> None:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()

    return ready


def until(ready: Callable[[], None], deadline_s: float, gone: Callable[[], bool]) -> None:
    """Asks until it is ready. Raises NotReady with the last answer at the deadline, or when `gone()`."""
    end = time.monotonic() + deadline_s
    pause = 0.005
    while True:
        try:
            return ready()
        except (NotReady, OSError) as error:
            if gone():
                raise NotReady("the process ended") from error
            if time.monotonic() > end:
                raise NotReady(f"not ready after {deadline_s:.0f} s ({error})") from error
        time.sleep(pause)
        pause = min(pause * 1.3, 0.05)
