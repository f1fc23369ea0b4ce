"""Is there a Docker engine at all? Asked first and with nothing but sockets: a refusal should not wait for imports."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from runbook_steps.engine.errors import TargetError

__all__ = ["engine_address", "no_engine", "refuse_without_engine"]

ANSWER_S = 1.0  # an engine on this machine answers in milliseconds
_DEFAULT = "unix:///var/run/docker.sock"


def engine_address(environ: Mapping[str, str]) -> str:
    """Where the engine is looked for."""
    return environ.get("DOCKER_HOST") or _DEFAULT


def no_engine(environ: Mapping[str, str]) -> TargetError:
    """What is said when none answers, in one line."""
    return TargetError(
        f"no Docker engine answers at {engine_address(environ)}: start one (`systemctl start docker`), "
        "set DOCKER_HOST, or use `--target embedded`, which needs none"
    )


def refuse_without_engine(environ: Mapping[str, str]) -> None:
    """Raises TargetError when nobody answers there. An address of another kind (TLS, ssh) is left to the client."""
    parts = urlsplit(engine_address(environ))
    address: str | tuple[str, int]
    if parts.scheme == "unix":
        family, address = socket.AF_UNIX, parts.path
    elif parts.scheme in {"tcp", "http"} and not environ.get("DOCKER_TLS_VERIFY"):
        family, address = socket.AF_INET, (parts.hostname or "127.0.0.1", parts.port or 2375)
    else:
        return
    try:
        with contextlib.closing(socket.socket(family)) as client:
            client.settimeout(ANSWER_S)
            client.connect(address)
            client.sendall(b"GET /_ping HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            good = answer.status == http.client.OK
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise no_engine(environ) from error
    if not good:
        raise no_engine(environ)
