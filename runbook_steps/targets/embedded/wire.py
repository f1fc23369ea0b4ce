"""How others talk to a run's keeper: one JSON line each way over a socket in the run's private folder."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from runbook_steps.errors import TargetError

__all__ = ["LONGEST_SOCKET_PATH", "ask"]

LONGEST_SOCKET_PATH = 100  # sun_path holds 108 bytes on Linux, 104 elsewhere
_ANSWER_LIMIT_S = 120.0


def ask(control_socket: Path, operation: str, *, timeout_s: float = _ANSWER_LIMIT_S, **values: Any) -> Any:
    """Sends the operation, gives what it returned. Raises TargetError with the keeper's own words."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(str(control_socket))
            connection.sendall(json.dumps({"operation": operation, **values}).encode() + b"\n")
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


def _read_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        chunk = connection.recv(65536)
        if not chunk:
            break
        received += chunk
    return bytes(received)
