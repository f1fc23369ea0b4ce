"""Redis as a cache: its hit ratio, its memory, its eviction policy, and how long entries live."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest
import redis
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import NotApplicableNow
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Observation, Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.redis_eviction import FILLER, RedisEvicts
from runbook_steps.steps.accounts import Session
from runbook_steps.steps.tokens import claims_of

FOREVER = "cache:response:forever:"
ENTRIES = 50
LONGEST_TTL_S = 60  # what the application gives its cached answers


class CacheForever:
    """Cached answers that nobody gave an expiry: a fault like the others."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def name(self) -> str:
        """What is broken."""
        return "cached answers have no expiry"

    def arrange(self) -> None:
        """Writes some."""
        for number in range(ENTRIES):
            self._client.set(f"{FOREVER}{number}", "x")

    def observe(self) -> Observation:
        """Counts those without expiry."""
        found = forever(self._client)
        return Observation(bool(found), f"{len(found)} cached answers have no expiry")

    def clear(self) -> None:
        """Removes them."""
        for key in list(self._client.scan_iter(match=f"{FOREVER}*", count=1000)):
            self._client.unlink(key)


def forever(client: Any) -> list[str]:
    """The cached answers that would stay for ever."""
    return [key for key in client.scan_iter(match="cache:*", count=1000) if client.ttl(key) == -1]


@pytest.fixture
def raw_redis(environment: Callable[[], Mapping[str, str]]) -> Generator[redis.Redis, None, None]:
    """Redis, answers as bytes."""
    client = redis.Redis.from_url(environment()["REDIS_URL"], protocol=2)
    yield client
    client.close()


@given("cached responses were written without an expiry")
def written_for_ever(situation: Situation, redis_client: redis.Redis, note: Callable[[str], None]) -> None:
    note(situation.arrange(CacheForever(redis_client)).detail)


@given(parsers.re(r"Redis evicts by (?P<policy>[a-z-]+), and the cache fills its memory"))
def told_to_evict(
    policy: str,
    target: Target,
    revoked: Callable[[], Session],
    keep_token: Callable[[str], None],
    raw_redis: redis.Redis,
    redis_client: redis.Redis,
    situation: Situation,
    note: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        raise NotApplicableNow("a Redis that others use is not filled until it evicts")
    token = revoked().access_token
    keep_token(token)
    key = f"blacklist:{claims_of(token)['jti']}"
    note(situation.arrange(RedisEvicts(redis_client, raw_redis, policy, key)).detail)


@then("what filled the memory is gone from the cache")
def filling_is_gone(redis_client: redis.Redis) -> None:
    left = sum(1 for _ in redis_client.scan_iter(match=f"{FILLER}*", count=1000))
    assert left == 0, f"{left} of the entries that fill the memory are still there"


@then("the blacklist no longer holds the revoked token")
def blacklist_forgot(last_result: Result, redis_client: redis.Redis) -> None:
    answer = answer_of(last_result)
    assert answer["blacklisted"] is False
    assert redis_client.exists(f"blacklist:{answer['jti']}") == 0


@then(parsers.parse("the hit ratio it computes is at least {percent:d} %"))
def hit_ratio_at_least(last_result: Result, percent: int, note: Callable[[str], None]) -> None:
    answer = answer_of(last_result)
    ratio = 100 * answer["hits"] / (answer["hits"] + answer["misses"])
    note(f"{answer['hits']} hits, {answer['misses']} misses: {ratio:.0f} %")
    assert abs(ratio - answer["hitRatioPercent"]) < 1
    assert ratio >= percent


@then("it shows memory use, fragmentation and the eviction policy")
def tells_the_memory(last_result: Result, redis_client: redis.Redis) -> None:
    said = dict(line.split(":", 1) for line in last_result.stdout.splitlines() if ":" in line)
    info: Any = redis_client.info("memory")
    assert int(said["maxmemory"]) == int(info["maxmemory"])
    assert 0.5 < int(said["used_memory"]) / int(info["used_memory"]) < 2  # noqa: PLR2004 - others write as well
    assert float(said["mem_fragmentation_ratio"]) > 0
    assert said["maxmemory_policy"] == info["maxmemory_policy"]


@then("every cached response has an expiry of at most 60 seconds")
def all_expire(redis_client: redis.Redis) -> None:
    client: Any = redis_client
    lives = [client.ttl(key) for key in client.scan_iter(match=f"{FOREVER}*", count=1000)]
    assert len(lives) == ENTRIES
    assert all(0 <= life <= LONGEST_TTL_S for life in lives)
    assert forever(client) == []
