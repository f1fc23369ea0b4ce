"""The guard before a Redis 7 that serves: what is in it, and who reads from it, is the same afterwards."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk
from tests.contract.debian import PASSWORD, Service, redis_seven, until
from tests.contract.hostile_redis import AUTH, array
from tests.contract.hostile_redis_kept import CHANGED, HELD_UP, HELD_UP_WRITING, LARGE, READ
from tests.contract.test_redis_seven import client_of, port_of


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One with keys of every kind, and a queue of which one message is being worked on, and two are not read."""
    with redis_seven(tmp_path_factory.mktemp("redis")) as service:
        with client_of(service.port) as client:
            client.mset({"session:1": "alice", "session:2": "bob", "rate:1": "5"})
            client.set("revoked:1", "1", ex=90_000)
            client.rpush("list", "1", "2", "3")
            client.hset("hash", mapping={"a": "1", "b": "2"})
            client.zadd("scores", {"a": 1, "b": 2})
            client.pfadd("counts", "a", "b")
            for group in ("g", "streams"):
                client.xgroup_create("queue", group, mkstream=True)
            for number in (1, 2, 3):
                client.xadd("queue", {"a": "b"}, id=f"{number}-1")
            client.xreadgroup("g", "c", {"queue": ">"}, count=1)
            client.function_load("#!lua name=x\nredis.register_function('x', function() return 1 end)")
        yield service


def state(client: redis.Redis) -> dict[str, Any]:
    """All there is in it, and what it is told to do."""
    binary = redis.Redis(port=client.connection_pool.connection_kwargs["port"], password=PASSWORD)
    with binary:
        held = {key: binary.dump(key) for key in sorted(binary.keys("*"))}
        lasting = {key: binary.pttl(key) > 0 for key in held}
        groups = [binary.xinfo_groups("queue"), binary.xinfo_consumers("queue", "g")]
    for each in groups[1]:
        each.pop("idle", None)
        each.pop("inactive", None)
    libraries = client.function_list()
    return {"held": held, "lasting": lasting, "groups": groups, "libraries": libraries, "set": client.config_get("*")}


def tried(service: Service, folder: Path, risk: Risk, raw: bytes) -> tuple[tuple[Any, ...], bool]:
    """What was refused, and whether all is as it was."""
    guard = Guard(risk, folder)
    with client_of(service.port) as client:
        before = state(client)
        sent(port_of(guard, client_url(service)), raw)
        after = state(client)
    refused = guard.take_refusals()
    guard.close()
    return refused, after == before


def sent(port: int, raw: bytes) -> None:
    """Up to the end of the connection, with which a refusal ends: large ones take the guard a while."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection, suppress(OSError):
        connection.sendall(AUTH + raw)
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("case", READ)
def test_what_is_only_read_stays(serving: Service, tmp_path: Path, case: str) -> None:
    """Refused and named; sessions, tokens, limits and the queue are as they were."""
    refused, same = tried(serving, tmp_path, Risk.READONLY, READ[case])
    assert (refused != (), same) == (True, True)


@pytest.mark.parametrize("case", CHANGED)
def test_nobody_loses_what_he_has_not_read(serving: Service, tmp_path: Path, case: str) -> None:
    """At `mutating`: refused and named; who reads from the queue, and writes to it, can go on."""
    refused, same = tried(serving, tmp_path, Risk.MUTATING, CHANGED[case])
    assert (refused != (), same) == (True, True)


@pytest.mark.parametrize("case", [*HELD_UP, *HELD_UP_WRITING])
@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_nobody_is_held_up(serving: Service, tmp_path: Path, risk: Risk, case: str) -> None:
    """Refused and named, before the server has worked on it."""
    refused, same = tried(serving, tmp_path, risk, {**HELD_UP, **HELD_UP_WRITING}[case])
    assert (refused != (), same) == (True, True)


@pytest.mark.parametrize("case", LARGE)
def test_nothing_gives_way_for_what_is_read(tmp_path: Path, case: str) -> None:
    """A server that is full throws keys away for whatever it is sent."""
    data = tmp_path / "data"
    data.mkdir()
    limit = ("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru")
    with redis_seven(data, *limit) as service, client_of(service.port) as client:
        for number in range(160):
            client.set(f"key:{number}", "x" * 100_000)
        before, full = client.dbsize(), client.info("memory")
        guard = Guard(Risk.READONLY, tmp_path)
        sent(port_of(guard, client_url(service)), LARGE[case])
        assert (len(guard.take_refusals()), client.dbsize()) == (1, before)
        guard.close()
        assert 0.8 * full["maxmemory"] < full["used_memory"] < full["maxmemory"]


def test_eviction_is_not_ended_where_nobody_could_write(tmp_path: Path) -> None:
    """At `mutating`: a cache that is full, as caches are, would turn every writer away; with more room it may."""
    data = tmp_path / "data"
    data.mkdir()
    with redis_seven(data, "--maxmemory", "5mb", "--maxmemory-policy", "allkeys-lru") as service:
        guard = Guard(Risk.MUTATING, tmp_path)
        with client_of(service.port) as client, client_of(port_of(guard, client_url(service))) as guarded:
            for number in range(1000):
                client.set(f"key:{number}", "x" * 10_000)
            with pytest.raises(redis.exceptions.NoPermissionError, match="raise maxmemory first"):
                guarded.config_set("maxmemory-policy", "noeviction")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
            guard.take_refusals()
            guarded.config_set("maxmemory", "50mb")
            guarded.config_set("maxmemory-policy", "noeviction")
            assert client.set("key", "value")
        assert guard.take_refusals() == ()
        guard.close()


def test_a_queue_is_read_written_and_claimed_as_ever(serving: Service, tmp_path: Path) -> None:
    """As clients write it: options in any order, a number of its own, the time of a claim."""
    guard = Guard(Risk.MUTATING, tmp_path)
    with client_of(port_of(guard, client_url(serving))) as client:
        client.xgroup_create("other", "streams", id="0", mkstream=True)
        client.xadd("other", {"a": "b"}, maxlen=10)
        soon = int(1000 * time.time()) + 60_000
        client.xadd("other", {"a": "b"}, id=f"{soon}-7", nomkstream=True, minid="1", limit=100)
        client.xadd("other", {"maxlen": "9"}, id=f"{soon}-*")
        assert len(client.xreadgroup("streams", "noack", {"other": ">"}, count=9, block=10)[0][1]) == 3
        client.execute_command("XREADGROUP", "COUNT", 2, "BLOCK", 10, "GROUP", "streams", "c", "STREAMS", "other", "0")
        client.xclaim("other", "streams", "c", 0, [f"{soon}-7"], idle=5, justid=True)
        client.xack("other", "streams", f"{soon}-7")
        client.execute_command("SORT_RO", "list", "BY", "w_*", "GET", "#", "GET", "session:*")
        client.execute_command("LATENCY", "HISTOGRAM", "get", "set")
        client.config_set("latency-tracking", "yes")
        with client.pipeline() as together:
            for number in range(0, 3000, 500):  # those before were let go of
                together.watch(*(f"k{each}" for each in range(number, number + 500)))
                together.multi()
                together.delete("other")
                together.execute()
            together.watch(*(f"k{each}" for each in range(900)))
            together.unwatch()
            together.watch(*(f"k{each}" for each in range(900)))
        listening = client.pubsub()
        for number in range(16):
            listening.psubscribe(f"{number}*")
        listening.psubscribe("0*", "1*")
        listening.close()
    assert guard.take_refusals() == ()
    guard.close()


OTHERS, UNREAD = "signing in by ever other words", "signing in in a way that cannot be read"


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (b"AUTH", OTHERS),
        (b"hello 3 AUTH", OTHERS),
        (b"HELLO 2 SETNAME auth AUTH", OTHERS),
        (b"hello 3 setname AUTH auth", OTHERS),
        (b"HELLO 2 SETNAME auth SETNAME auth AUTH", UNREAD),
        (b"HELLO 2 AUTH same same AUTH", UNREAD),
        (b"HELLO 3 AUTH auth auth SETNAME a AUTH", UNREAD),
    ],
)
def test_the_log_of_refusals_keeps_what_it_holds(serving: Service, tmp_path: Path, start: bytes, why: str) -> None:
    """Every wrong name is written to it, and it has 128 places: who signs in by ever other words is stopped."""
    with client_of(serving.port) as client:
        client.acl_log_reset()
        with client_of(serving.port, username="thief") as thief, pytest.raises(redis.AuthenticationError):
            thief.ping()
        raw = b"".join(array(*start.split(), b"u%d" % number, b"x") for number in range(140))
        refused, _ = tried(serving, tmp_path, Risk.READONLY, raw)
        assert why in str(refused)
        assert "thief" in str(client.acl_log())


@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_not_all_places_of_a_service_are_taken(serving: Service, tmp_path: Path, risk: Risk) -> None:
    """Of one run: 64 at once are served, the others are named, and there is room again when those have gone."""
    guard = Guard(risk, tmp_path)
    port = port_of(guard, client_url(serving))
    with client_of(serving.port) as direct, ExitStack() as stack:
        before = direct.info("clients")["connected_clients"]
        for _ in range(80):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)).sendall(array(b"PING"))
        told: list[Any] = []

        def refused() -> int:
            told.extend(guard.take_refusals())
            return len(told)

        until(lambda: refused() == 80 - 64, 20)
        assert "more than 64 connections at once" in str(told[0])
        # the guard has asked what PING is meanwhile, on connections of its own
        until(lambda: before < direct.info("clients")["connected_clients"] <= before + 64, 20)
    with client_of(serving.port) as direct:
        until(lambda: direct.info("clients")["connected_clients"] <= before, 20)
        guard.take_refusals()
    with client_of(port) as client:
        assert client.ping()
    assert guard.take_refusals() == ()
    guard.close()


def client_url(service: Service) -> str:
    """As the application has it."""
    return f"redis://:{PASSWORD}@127.0.0.1:{service.port}/0"
