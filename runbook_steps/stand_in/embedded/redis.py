"""Redis: one instance, password, bounded memory, and no eviction, as production has it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from runbook_steps.stand_in.embedded.binaries import redis_server
from runbook_steps.stand_in.embedded.layout import Layout
from runbook_steps.stand_in.embedded.service import NotReady, Service, private_file

__all__ = ["redis_service"]

# noeviction: the instance holds the token blacklist, and an evicted entry makes a revoked token valid again
_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
maxmemory 64mb
maxmemory-policy noeviction
save ""
appendonly no
daemonize no
databases 16
dir "{folder}"
tcp-keepalive 60
timeout 0
loglevel notice
logfile ""
"""


def redis_service(layout: Layout, environment: Mapping[str, str]) -> Service:
    """The Redis server of the run. Raises NotRunnableHere when there is none on this machine."""
    folder = layout.directory / "redis"
    return Service(
        name="redis",
        argv=(str(redis_server()), str(folder / "redis.conf")),
        cwd=folder,
        environment=environment,
        prepare=lambda: _prepare(layout, folder),
        ready=_pings(layout),
    )


def _prepare(layout: Layout, folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    config = folder / "redis.conf"
    if not config.exists():
        text = _CONFIG.format(port=layout.ports["redis"], password=_quoted(layout.secrets.redis), folder=folder)
        private_file(config, text)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _pings(layout: Layout) -> Callable[[], None]:
    password = layout.secrets.redis.encode()
    auth = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(password), password)

    def ready() -> None:
        with socket.create_connection(("127.0.0.1", layout.ports["redis"]), timeout=2) as connection:
            connection.sendall(auth + b"*1\r\n$4\r\nPING\r\n")
            answer = b""
            while answer.count(b"\r\n") < len(("AUTH", "PING")):
                chunk = connection.recv(1024)
                if not chunk:
                    break
                answer += chunk
        if b"+PONG" not in answer:
            raise NotReady(f"PING was answered with {answer!r}")

    return ready
