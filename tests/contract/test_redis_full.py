"""Whether Debian's Redis is full is seen under every policy, and not taken for granted by its name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from runbook_steps.faults.redis_memory import whether_full
from runbook_steps.steps.redis import ends_of
from tests.contract.debian import PASSWORD, redis_seven

LIMIT = 8 * 1024 * 1024


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    """With a limit."""
    with (
        redis_seven(tmp_path, "--maxmemory", str(LIMIT)) as service,
        redis.Redis(port=service.port, password=PASSWORD, decode_responses=True) as found,
    ):
        yield found


def fill(client: Any, *, ends: int | None = None) -> None:
    """Cached answers, until one is refused, or more than fit were taken."""
    with contextlib.suppress(redis.OutOfMemoryError):
        for number in range(800):
            client.set(f"cache:search:{number}", "y" * 20_000, ex=ends)


@pytest.mark.parametrize("policy", ["noeviction", "volatile-lru", "volatile-ttl", "volatile-random", "volatile-lfu"])
def test_what_refuses_writes_is_full(client: Any, policy: str) -> None:
    """Of keys without an end none is evicted, whatever may be of the others: those are gone by then."""
    client.config_set("maxmemory-policy", policy)
    client.set("session:1", "{}", ex=3600)
    fill(client)
    with pytest.raises(redis.OutOfMemoryError):
        client.set("session:2", "{}" * 20_000)
    assert whether_full(client).present


@pytest.mark.parametrize(("policy", "ends"), [("allkeys-lru", None), ("volatile-lru", 3600), ("volatile-ttl", 3600)])
def test_what_makes_room_is_not(client: Any, policy: str, ends: int | None) -> None:
    """It uses all of its memory, as a cache should."""
    client.config_set("maxmemory-policy", policy)
    fill(client, ends=ends)
    assert client.set("session:1", "{}" * 20_000)
    found = whether_full(client)
    assert not found.present, found.detail


def test_answers_that_end_meanwhile_leave_it_full(client: Any) -> None:
    """A little room is used up within the minute; who looks meanwhile is not told that all is well."""
    client.config_set("maxmemory-policy", "noeviction")
    fill(client)
    client.delete(*(f"cache:search:{number}" for number in range(20)))
    found = whether_full(client)
    assert found.present, found.detail
    assert "writes refused so far" in found.detail


def test_what_has_room_again_is_not(client: Any) -> None:
    """Although it refused before."""
    client.config_set("maxmemory-policy", "noeviction")
    fill(client)
    client.delete(*(f"cache:search:{number}" for number in range(200)))
    assert not whether_full(client).present


def test_a_key_that_ends_while_it_is_asked_is_not_lost() -> None:
    """It was found, and is gone when its end is read: Redis says -2, which is not for ever."""

    class Ending:
        def scan_iter(self, **_: object) -> Iterator[str]:
            yield from ("ratelimit:1", "blacklist:1")

        def pttl(self, key: str) -> int:
            return {"ratelimit:1": -2, "blacklist:1": -1}[key]

    assert ends_of(Ending(), "*") == {"blacklist:1": float("inf")}
