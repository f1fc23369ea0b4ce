"""How others talk to a run's keeper: one JSON line each way over a socket in the run's private folder."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import TargetError

__all__ = ["LONGEST_SOCKET_PATH", "REFUSALS_FILE", "TOKEN_FILE", "ask", "write_token"]

LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere
REFUSALS_FILE = "refused.jsonl"
TOKEN_FILE = "control.token"  # noqa: S105 - a file name
"""Beside the socket: who can read it may change the services. A read-only command cannot see it."""
_ANSWER_LIMIT_S = 120.0


def ask(control_socket: Path, operation: str, *, timeout_s: float = _ANSWER_LIMIT_S, **values: Any) -> Any:
    """Sends the operation, gives what it returned. Raises TargetError with the keeper's own words."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(control_socket))
            request = {"operation": operation, "token": _token(control_socket), **values}
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = _read_line(connection)
    except TimeoutError as error:
        raise TargetError(f"the embedded target did not answer `{operation}` in {timeout_s:.0f} s") from error
    except OSError as error:
        raise TargetError("the embedded target is not running (its keeper does not answer): start it") from error
    if not answer:
        raise TargetError(f"the embedded target ended during `{operation}`: start it again")
    reply = json.loads(answer)
    if "error" in reply:
        raise TargetError(reply["error"])
    return reply["result"]


def write_token(directory: Path) -> None:
    """A new token for the run in that folder, mode 0600."""
    file = directory / TOKEN_FILE
    file.touch(mode=0o600)
    file.write_text(secrets.token_urlsafe(24), "utf-8")


def _token(control_socket: Path) -> str:
    with contextlib.suppress(OSError):
        return (control_socket.parent / TOKEN_FILE).read_text("utf-8")
    return ""


def _read_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        chunk = connection.recv(65536)
        if not chunk:
            break
        received += chunk
    return bytes(received)
