"""Redis out of memory: filled by cache entries without expiry until it refuses writes."""

from __future__ import annotations

from typing import Any

import redis

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["PROBE", "RedisMemoryFull", "whether_full"]

ENTRY_BYTES = 256 * 1024
PROBE = "cache:drill:probe"
FULL = 0.98  # of its limit: what is left is smaller than one entry
NEARLY = 0.9  # where it has refused writes already
FEW = 0.05  # of its keys may be evicted, and soon are: then it refuses, whatever its policy is called
FILLER = "cache:response:"


def whether_full(client: Any) -> Observation:
    """Whether Redis has used its memory up and can make no room. Only reads, so that it can be asked anywhere."""
    info = client.info("memory")
    used, limit = int(info["used_memory"]), int(info["maxmemory"])
    policy = str(info["maxmemory_policy"])
    if limit == 0:
        return Observation(False, f"{used} bytes used, and no limit is set")
    refused = _refused_writes(client)
    up = used >= FULL * limit or (refused > 0 and used >= NEARLY * limit)
    seen = f"{used} of {limit} bytes used, policy {policy}" + (f", {refused} writes refused so far" if refused else "")
    if not up or policy == "noeviction":
        return Observation(up, seen)
    keys, ending = _keys(client)
    room = ending if policy.startswith("volatile") else keys
    return Observation(room <= FEW * keys, f"{seen}; it may evict {room} of {keys} keys")


def _refused_writes(client: Any) -> int:
    """Since it was started. Answers of a minute that have ended since leave a little room, until it is full again."""
    told = client.info("errorstats").get("errorstat_OOM", {})  # a Redis before 6.2 counts none
    return int(told.get("count", 0)) if isinstance(told, dict) else 0


def _keys(client: Any) -> tuple[int, int]:
    """All of them, in every database, and those that end by themselves."""
    told = [each for each in client.info("keyspace").values() if isinstance(each, dict)]
    return sum(int(each["keys"]) for each in told), sum(int(each["expires"]) for each in told)


class RedisMemoryFull:
    """Writes cached responses that never expire until Redis answers OOM, as the application's bug would."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client
        self._limit_before: int | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return "Redis is out of memory"

    def arrange(self) -> None:
        """Fills the memory to its limit. Raises FaultError when Redis has no limit to run into."""
        limit = int(self._client.config_get("maxmemory")["maxmemory"])
        if limit == 0:
            raise FaultError("Redis has no maxmemory: filling it would take the whole host; set one first")
        self._limit_before = limit
        for size in (ENTRY_BYTES, ENTRY_BYTES // 64, 16):
            self._fill(size, most=limit // size + 1)

    def _fill(self, size: int, most: int) -> None:
        body = "x" * size
        for number in range(most):
            try:
                self._client.set(f"{FILLER}{size}:{number}", body)
            except redis.exceptions.OutOfMemoryError:
                return

    def observe(self) -> Observation:
        """Reads the memory that is used, its limit, and whether Redis makes room by itself."""
        return whether_full(self._client)

    def clear(self) -> None:
        """Removes what arrange wrote, and nothing else; puts back the limit."""
        if self._limit_before is not None:
            self._client.config_set("maxmemory", self._limit_before)
        keys = list(self._client.scan_iter(match=f"{FILLER}*", count=1000))
        for start in range(0, len(keys), 500):
            self._client.unlink(*keys[start : start + 500])
