"""A Redis that evicts: the policy lets it, the cache fills its memory, and what was not asked for lately is gone."""

from __future__ import annotations

from typing import Any

import redis

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["RedisEvicts"]

ROOM_BYTES = 2 * 1024 * 1024  # above what is used: little to fill
ENTRY_BYTES = 16 * 1024
FILLER = "cache:response:drill:"
MOST_ENTRIES = 4096


class RedisEvicts:
    """`key` is the entry of the blacklist whose loss proves it. Every key is put back as it was by `clear`."""

    def __init__(self, client: redis.Redis, raw: redis.Redis, policy: str, key: str) -> None:
        """`raw` is a client that does not decode: what was dumped is restored byte for byte."""
        self._client: Any = client
        self._raw: Any = raw
        self._policy = policy
        self._key = key
        self._limits: dict[str, str] = {}
        self._kept: dict[bytes, tuple[int, bytes]] = {}

    @property
    def name(self) -> str:
        """What is broken."""
        return f"Redis evicts by {self._policy}"

    def arrange(self) -> None:
        """Sets the policy and writes cached answers without expiry until the entry is gone. Raises FaultError."""
        for key in self._raw.scan_iter(count=1000):
            dumped = self._raw.dump(key)
            if dumped is not None:
                self._kept[key] = (max(0, int(self._raw.pttl(key))), dumped)
        self._limits = {name: self._client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}
        used = int(self._client.info("memory")["used_memory"])
        self._client.config_set("maxmemory", used + ROOM_BYTES)
        self._client.config_set("maxmemory-policy", self._policy)
        for number in range(MOST_ENTRIES):
            try:
                self._client.set(f"{FILLER}{number}", "x" * ENTRY_BYTES)
            except redis.exceptions.OutOfMemoryError:
                break
            if not self._client.exists(self._key):
                break
        if self._client.exists(self._key):
            raise FaultError(f"{self._policy} kept the blacklist entry over {MOST_ENTRIES} writes")

    def observe(self) -> Observation:
        """Reads the policy."""
        policy = self._client.info("memory")["maxmemory_policy"]  # where Redis is hosted, CONFIG is often not there
        evicted = self._client.info("stats")["evicted_keys"]
        return Observation(policy == self._policy, f"policy {policy}, {evicted} keys evicted since the start")

    def clear(self) -> None:
        """Puts policy and limit back, removes the filling, restores what was evicted."""
        for name, value in self._limits.items():
            self._client.config_set(name, value)
        filling = list(self._client.scan_iter(match=f"{FILLER}*", count=1000))
        for start in range(0, len(filling), 500):
            self._client.unlink(*filling[start : start + 500])
        for key, (expires_ms, dumped) in self._kept.items():
            if not self._raw.exists(key):
                self._raw.restore(key, expires_ms, dumped)
        self._kept.clear()
