"""A response cache that takes nothing: the memory limit of Redis is below what it already holds."""

from __future__ import annotations

from typing import Any

import redis

from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.redis_memory import whether_full

__all__ = ["CacheRefused"]


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
        """Reads whether the memory is used up, and nothing may be evicted."""
        return whether_full(self._client)

    def clear(self) -> None:
        """Puts the limit back."""
        if self._limit_before is not None:
            self._client.config_set("maxmemory", self._limit_before)
