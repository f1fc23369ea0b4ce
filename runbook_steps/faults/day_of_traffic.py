"""A day of traffic of its own: what earlier drills counted is put aside, and real requests are sent."""

from __future__ import annotations

import secrets
from typing import Any

import httpx
import redis

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.faults.third_party_down import ThirdPartyDown

__all__ = ["DayOfTraffic"]

COUNTERS = "metrics:"
ASIDE = "drill:aside:"
GOOD_REQUESTS = 30


class DayOfTraffic:
    """The counters of 24 hours hold only what this sends: good requests, and `failing` sign-ins without SMS."""

    def __init__(self, api: httpx.Client, client: redis.Redis, twilio: ThirdPartyDown, failing: int = 0) -> None:
        self._api = api
        self._redis: Any = client
        self._twilio = twilio
        self._failing = failing
        self._own_counters = False

    @property
    def name(self) -> str:
        """What is broken, or not."""
        return f"{'many requests failed' if self._failing else 'requests were counted'} in the last 24 hours"

    def arrange(self) -> None:
        """Puts the counters aside and sends the requests. Raises FaultError when good ones fail."""
        self._own_counters = True
        self._redis.set(f"{ASIDE}marker", "1", ex=3600)
        for key in self._redis.scan_iter(match=f"{COUNTERS}*", count=1000):
            self._redis.rename(key, f"{ASIDE}{key}")
        for _ in range(GOOD_REQUESTS):
            answer = self._api.get("/api/service-categories")
            if answer.status_code != httpx.codes.OK:
                raise FaultError(f"GET /api/service-categories answers {answer.status_code}: the platform is not well")
        if self._failing:
            self._twilio.arrange()
            try:
                for _ in range(self._failing):
                    phone = f"+96279000{secrets.randbelow(10_000):04d}"
                    self._api.post("/api/auth/otp/request", json={"phone": phone})
            finally:
                self._twilio.clear()

    def observe(self) -> Observation:
        """Reads the API's own counters; on a live target they are nobody's but the customers'."""
        counted = self._api.get("/api/metrics").raise_for_status().json()
        detail = f"{counted['errors_24h']} errors in {counted['requests_24h']} requests"
        # what earlier drills counted is back after a clear, and is not this one's
        ours = not self._own_counters or bool(self._redis.exists(f"{ASIDE}marker"))
        told = counted["requests_24h"] > 0 and int(counted["errors_24h"]) >= self._failing
        return Observation(ours and told, detail)

    def clear(self) -> None:
        """Puts the counters back that were there before."""
        if not self._redis.exists(f"{ASIDE}marker"):
            return
        for key in list(self._redis.scan_iter(match=f"{COUNTERS}*", count=1000)):
            self._redis.delete(key)
        for key in list(self._redis.scan_iter(match=f"{ASIDE}{COUNTERS}*", count=1000)):
            self._redis.rename(key, key.removeprefix(ASIDE))
        self._redis.delete(f"{ASIDE}marker")
