"""Redis: its memory, and what must survive when memory is freed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.redis_memory import PROBE, RedisMemoryFull

_NO_SUCH_KEY = -2  # what PTTL says of a key that has just ended
KEPT = ("blacklist:*", "ratelimit:*", "session:*")


@pytest.fixture
def kept_before() -> dict[str, dict[str, float]]:
    """What the security of the platform rests on, as it was before: pattern → key → when it ends by itself."""
    return {}


@given("revoked tokens, rate limits and sessions are kept in Redis")
def security_state_in_redis(
    target: Target,
    signed_in: Callable[[], Any],
    revoked: Callable[[], Any],
    redis_client: redis.Redis,
    kept_before: dict[str, dict[str, float]],
    note: Callable[[str], None],
) -> None:
    if target.facts.disposable:  # on a live target what is there is what must survive
        for _ in range(2):
            revoked()
        signed_in()
    for pattern in KEPT:
        kept_before[pattern] = ends_of(redis_client, pattern)
    note(", ".join(f"{len(found)} of {pattern}" for pattern, found in kept_before.items()))
    if target.facts.disposable:
        assert any(kept_before.values()), f"no {', '.join(KEPT)} in Redis: nothing could be lost"


@given("Redis is out of memory")
def redis_is_full(situation: Situation, redis_client: redis.Redis, note: Callable[[str], None]) -> None:
    note(situation.arrange(RedisMemoryFull(redis_client)).detail)


@then("Redis accepts writes again")
def redis_accepts_writes(redis_client: redis.Redis) -> None:
    assert redis_client.set(PROBE, "1", px=1000) is True


@then(parsers.parse("Redis uses less than {percent:d} % of its memory"))
def redis_uses_less(redis_client: redis.Redis, percent: int, note: Callable[[str], None]) -> None:
    used = used_percent(redis_client)
    note(f"{used:.1f} % used")
    assert used < percent


@then(parsers.parse("Redis uses at least {percent:d} % of its memory"))
def redis_uses_at_least(redis_client: redis.Redis, percent: int, note: Callable[[str], None]) -> None:
    used = used_percent(redis_client)
    note(f"{used:.1f} % used")
    assert used >= percent


@then("the revoked tokens, rate limits and sessions are all still there")
def security_state_survived(
    target: Target, redis_client: redis.Redis, kept_before: dict[str, dict[str, float]],
    cannot_be_seen: Callable[[str], None],
) -> None:  # fmt: skip
    if not target.facts.disposable and not any(kept_before.values()):
        cannot_be_seen(f"Redis held nothing of {', '.join(KEPT)} before: nothing could be compared")
        return
    assert any(kept_before.values()), "nothing was seen before: nothing could be compared"
    for pattern, before in kept_before.items():
        after, now = ends_of(redis_client, pattern), time.time()
        lost = sorted(key for key, ends in before.items() if key not in after and ends > now)
        assert lost == [], f"{len(lost)} of {len(before)} {pattern} are gone"


@then(parsers.parse("the output counts the most bytes under {prefix}"))
def output_counts_most(last_result: Result, prefix: str, target: Target, note: Callable[[str], None]) -> None:
    counted = [line.split() for line in last_result.stdout.strip().splitlines()]
    assert counted, "no key was weighed"
    if target.facts.disposable:
        assert prefix == counted[0][1]
    else:  # whatever fills it there: what counts is that it is named
        note(f"{counted[0][1]}: {counted[0][0]} bytes, the most")


@then(parsers.parse("the eviction policy of Redis is {policy}"))
def eviction_policy(redis_client: redis.Redis, policy: str) -> None:
    read: Any = redis_client.info("memory")  # where Redis is hosted, CONFIG is often not there
    if policy != read["maxmemory_policy"]:
        raise CheckFailed(f"its eviction policy is {read['maxmemory_policy']}, and it should be {policy}")


def ends_of(client: Any, pattern: str) -> dict[str, float]:
    """Every key of a pattern, and when it ends by itself: seconds of the clock, infinity for never."""
    ends = {}
    for key in client.scan_iter(match=pattern, count=1000):
        asked = time.time()  # before the answer: what ends as it is asked must not seem to be lost
        ms = int(client.pttl(key))
        if ms != _NO_SUCH_KEY:
            ends[key] = asked + ms / 1000 if ms >= 0 else math.inf
    return ends


def used_percent(client: Any) -> float:
    """Used memory, in percent of maxmemory. Raises CheckFailed where there is no limit."""
    info = client.info("memory")
    if not int(info["maxmemory"]):
        raise CheckFailed("Redis has no memory limit (maxmemory 0): there is no share of it")
    return 100.0 * float(info["used_memory"]) / float(info["maxmemory"])
