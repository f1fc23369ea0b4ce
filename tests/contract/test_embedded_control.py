"""Hands on the services: what dies is seen, what comes back serves, and what production restarts restarts."""

from __future__ import annotations

import os
import signal
import ssl

import httpx
import psycopg
import pytest
import redis

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Eventually
from tests.contract.test_embedded_target import refused


def proxied(target: EmbeddedTarget) -> httpx.Client:
    """A client of the proxy that trusts the private CA only."""
    trust = ssl.create_default_context(cafile=target.environment()["SSL_CERT_FILE"])
    return httpx.Client(base_url=target.environment()["API_BASE_URL"], verify=trust, timeout=30)


def api_status(target: EmbeddedTarget) -> int:
    """What the proxy answers to a health check."""
    with proxied(target) as client:
        return client.get("/api/health").status_code


@pytest.mark.parametrize(("service", "seen"), [("redis", 503), ("postgres", 503)])
def test_a_killed_store_stays_down_until_it_is_started(
    whole: EmbeddedTarget, eventually: Eventually, service: str, seen: int
) -> None:
    """Killed by pid, it is reported dead, the API says that it cannot serve, and a start brings it back."""
    pid = whole.control.pid(service)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: whole.control.pid(service) is None)

    assert whole.control.status()[service]["state"] == "dead"
    eventually(lambda: seen == api_status(whole))  # PostgreSQL's own children outlive it for a moment

    whole.control.start(service)

    assert whole.control.pid(service) not in (None, pid)
    eventually(lambda: api_status(whole) == 200)


def test_a_killed_proxy_leaves_no_worker(whole: EmbeddedTarget, eventually: Eventually) -> None:
    """Its workers do not serve on: the port refuses, until the proxy is started."""
    pid = whole.control.pid("nginx")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: whole.control.pid("nginx") is None)

    eventually(lambda: refused(whole.layout.ports["nginx"]))
    whole.control.start("nginx")

    assert api_status(whole) == 200


def test_a_killed_slot_comes_back_by_itself(whole: EmbeddedTarget, eventually: Eventually) -> None:
    """As production's container does; meanwhile the proxy takes the other slot."""
    pid = whole.control.pid("api_1")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    assert [api_status(whole) for _ in range(4)] == [200] * 4
    eventually(lambda: whole.control.pid("api_1") not in (None, pid))
    eventually(lambda: whole.control.status()["api_1"]["restarts"] >= 1)
    assert httpx.get(f"{whole.layout.slot_url('api_1')}/api/health", timeout=30).status_code == 200


def test_a_stopped_slot_stays_stopped(whole: EmbeddedTarget) -> None:
    """Only what dies comes back."""
    whole.control.stop("api_2")

    assert whole.control.status()["api_2"]["state"] == "stopped"
    assert api_status(whole) == 200
    whole.control.start("api_2")
    assert httpx.get(f"{whole.layout.slot_url('api_2')}/api/health", timeout=30).status_code == 200


@pytest.mark.parametrize("service", ["redis", "postgres", "third_parties", "nginx"])
def test_restart_gives_another_process(whole: EmbeddedTarget, service: str) -> None:
    """It is ready when restart returns; starting it again changes nothing."""
    before = whole.control.pid(service)

    whole.control.restart(service)
    after = whole.control.pid(service)
    whole.control.start(service)

    assert after not in (None, before)
    assert after == whole.control.pid(service)


def test_a_stop_in_order_keeps_the_data(whole: EmbeddedTarget) -> None:
    """A restart of PostgreSQL loses no row."""
    url = whole.environment()["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    whole.control.restart("postgres")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT value FROM kept").fetchone()
        connection.execute("DROP TABLE kept")

    assert row == (42,)


def test_a_killed_database_recovers_its_data(whole: EmbeddedTarget, eventually: Eventually) -> None:
    """After kill -9 what was committed is there, and no backend of the old server holds it up."""
    url = whole.environment()["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE survived AS SELECT 42 AS value")
    pid = whole.control.pid("postgres")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: whole.control.pid("postgres") is None)
    whole.control.start("postgres")
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT value FROM survived").fetchone()
        connection.execute("DROP TABLE survived")

    assert row == (42,)


def test_slots_scale_and_the_proxy_follows(whole: EmbeddedTarget) -> None:
    """Three slots serve; back at two, the third is stopped and nobody is sent to it."""

    def slots() -> set[str]:
        with proxied(whole) as client:
            return {client.get("/api/version").json()["slot"] for _ in range(9)}

    whole.control.scale(3)
    three = slots()
    whole.control.scale(2)

    assert {"api_1", "api_2", "api_3"} == three
    assert {"api_1", "api_2"} == slots()
    assert whole.control.pid("api_3") is None
    with pytest.raises(TargetError, match="1 to 6 API slots, not 7"):
        whole.control.scale(7)


def test_an_unknown_service_is_named(embedded: EmbeddedTarget) -> None:
    """With those there are."""
    for ask in (embedded.control.pid, embedded.control.start, embedded.control.stop):
        with pytest.raises(TargetError, match="no service 'mongodb'; it has postgres, redis"):
            ask("mongodb")


def test_a_hung_service_is_stopped_by_force(whole: EmbeddedTarget, eventually: Eventually) -> None:
    """A frozen Redis, which hears no signal, is gone when stop returns."""
    pid = whole.control.pid("redis")
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    whole.control.restart("redis")

    client = redis.Redis.from_url(whole.environment()["REDIS_URL"])
    assert client.ping()
    client.close()
    eventually(lambda: api_status(whole) == 200)
