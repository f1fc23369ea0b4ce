"""Ways to Debian's Redis that people have, through the guard: TLS with a certificate of the client's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from runbook_steps.engine.errors import TargetError
from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk
from tests.contract.debian import PASSWORD, Service, as_nobody, held_port, running

pytestmark = pytest.mark.skipif(shutil.which("redis-server") is None, reason="this machine has no redis-server")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that asks its clients for a certificate, as its own default is; made for another name than its address."""
    folder = tmp_path_factory.mktemp("redis")
    for parent in (folder, *folder.parents[:3]):
        parent.chmod(0o755)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", folder / "tls.key", "-out", folder / "tls.crt", "-subj", "/CN=redis.salon.example",
         "-addext", "subjectAltName=DNS:redis.salon.example"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    with held_port() as port:
        file = folder / "redis.conf"
        file.write_text(
            f"bind 127.0.0.1\nport 0\ntls-port {port}\ntls-cert-file {folder}/tls.crt\ntls-key-file {folder}/tls.key\n"
            f'tls-ca-cert-file {folder}/tls.crt\nrequirepass {PASSWORD}\nsave ""\ndir {folder}\n'
        )
        with running([*as_nobody(folder), "redis-server", str(file)], port):
            yield Service(port, folder)


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    """Only reading."""
    found = Guard(Risk.READONLY, tmp_path)
    yield found
    found.close()


def client(guard: Guard, served: Service, query: str) -> Any:
    """What a command has of it."""
    files = query.format(folder=served.folder)
    url = f"rediss://:{PASSWORD}@127.0.0.1:{served.port}/0?ssl_ca_certs={served.folder}/tls.crt&{files}"
    return redis.Redis.from_url(guard.environment({"REDIS_URL": url})["REDIS_URL"])


PAIR = "ssl_certfile={folder}/tls.crt&ssl_keyfile={folder}/tls.key"


@pytest.mark.parametrize("checks", ["ssl_check_hostname=false", "ssl_cert_reqs=none"])
def test_the_certificate_of_a_client_is_shown(served: Service, guard: Guard, checks: str) -> None:
    """By the guard: the command itself needs none. It still only reads."""
    reached = client(guard, served, f"{PAIR}&{checks}")
    assert reached.ping() is True
    with pytest.raises(redis.ResponseError, match="refused by the guard"):
        reached.set("key", "value")


def test_a_name_that_is_not_the_hosts_is_refused(served: Service, guard: Guard) -> None:
    """Unless the address says that it is known."""
    with pytest.raises(redis.RedisError, match=r"the guard cannot reach Redis: .*not valid for '127.0.0.1'"):
        client(guard, served, PAIR).ping()


def test_a_server_that_wants_a_certificate_is_told_so(served: Service, guard: Guard) -> None:
    """With what to write: TLS is over by then, and the server only hangs up."""
    with pytest.raises(redis.ResponseError, match=r"it asks its clients for a certificate: .*\?ssl_certfile="):
        client(guard, served, "ssl_check_hostname=false").ping()


def test_files_that_are_not_there_are_named_as_such(served: Service, guard: Guard) -> None:
    """In a line, before anything is sent."""
    with pytest.raises(TargetError, match="the files for TLS to Redis cannot be read: No such file"):
        client(guard, served, "ssl_certfile=/nowhere/a.pem")
