"""An entry of the blacklist that is gone, as a flush or an eviction leaves it."""

from __future__ import annotations

from typing import Any

import redis

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["LostBlacklist"]


class LostBlacklist:
    """`jti` is the id of the revoked token."""

    def __init__(self, client: redis.Redis, jti: str) -> None:
        self._redis: Any = client
        self._key = f"blacklist:{jti}"
        self._kept_ms = 0

    @property
    def name(self) -> str:
        """What is broken."""
        return "the blacklist has lost an entry"

    def arrange(self) -> None:
        """Removes the entry. Raises FaultError when the token was not revoked."""
        self._kept_ms = int(self._redis.pttl(self._key))
        if self._kept_ms <= 0:
            raise FaultError(f"{self._key} is not there: the token was not revoked")
        self._redis.delete(self._key)

    def observe(self) -> Observation:
        """Looks for the entry."""
        gone = not self._redis.exists(self._key)
        return Observation(gone, f"{self._key} is {'gone' if gone else 'there'}")

    def clear(self) -> None:
        """Puts the entry back."""
        if self._kept_ms > 0:
            self._redis.set(self._key, "1", px=self._kept_ms)
