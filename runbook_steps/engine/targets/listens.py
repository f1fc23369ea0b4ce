"""Whether anybody takes a connection at an address as people write it: a URL, `key=value` words, a socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.postgres.address import read_address

__all__ = ["silent_at"]

_CONNECT_S = 5.0
_PORTS = {"redis": 6379, "rediss": 6379, "http": 80, "https": 443}


def silent_at(address: str) -> str:
    """Where nobody does, and why; empty where somebody does, and where the address leaves it to its client.

    Of several hosts any will do.
    """
    problems = []
    for host, port in _places(address):
        if not (problem := _problem(host, port)):
            return ""
        problems.append(problem)
    return "; ".join(problems)


def _places(address: str) -> Iterator[tuple[str, int]]:
    """Hosts with their ports; a path is the file of a socket."""
    scheme = address.partition("://")[0].lower()
    if scheme == "unix":
        yield unquote(urlsplit(address).path), 0
    elif scheme in _PORTS:
        parts = urlsplit(address)
        yield parts.hostname or "", parts.port or _PORTS[scheme]
    else:
        yield from _of_postgres(address)


def _of_postgres(address: str) -> Iterator[tuple[str, int]]:
    try:
        parameters = read_address(address).parameters
    except ConfigurationError:
        return  # of a kind that is not known here; what is wrong with a database's is told by who connects
    hosts = (parameters.get("hostaddr") or parameters.get("host", "")).split(",")
    ports = [int(port or 5432) for port in parameters.get("port", "").split(",")]
    for host, port in zip(hosts, ports * (len(hosts) if len(ports) == 1 else 1), strict=False):
        if host:  # without one, libpq knows the folder of the socket
            yield (f"{host}/.s.PGSQL.{port}", 0) if host.startswith("/") else (host, port)


def _problem(host: str, port: int) -> str:
    try:
        if port:
            socket.create_connection((host, port), timeout=_CONNECT_S).close()
        else:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(_CONNECT_S)
                client.connect(host)
    except OSError as error:
        return f"{host}{f':{port}' if port else ''} ({error.strerror or error})"
    return ""
