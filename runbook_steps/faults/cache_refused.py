"""A response cache that takes nothing: the memory limit of Redis is below what it already holds."""

from __future__ import annotations

from typing import Any

import redis

from runbook_steps.engine.run.situation import Observation

__all__ = ["CacheRefused"]

PROBE = "cache:drill:probe"


class CacheRefused:
    """Reads go on, every write is refused; nothing that the security of the platform rests on is touched."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client
        self._limit_before: int | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return "the response cache takes nothing"

    def arrange(self) -> None:
        """Removes the cached answers and sets the limit to half of what is used."""
        self._limit_before = int(self._client.config_get("maxmemory")["maxmemory"])
        for key in list(self._client.scan_iter(match="cache:*", count=1000)):
            self._client.unlink(key)
        self._client.config_set("maxmemory", int(self._client.info("memory")["used_memory"]) // 2)

    def observe(self) -> Observation:
        """Tries one write, which expires by itself."""
        limit = self._client.config_get("maxmemory")["maxmemory"]
        try:
            self._client.set(PROBE, "1", px=1000)
        except redis.exceptions.OutOfMemoryError:
            return Observation(True, f"a write is refused; the limit is {limit} bytes")
        return Observation(False, f"a write is accepted; the limit is {limit} bytes")

    def clear(self) -> None:
        """Puts the limit back."""
        if self._limit_before is not None:
            self._client.config_set("maxmemory", self._limit_before)
