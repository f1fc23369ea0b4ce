"""What a slot measures of itself, for Prometheus: `GET /metrics`, on the slot's own port and not through the proxy."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

__all__ = ["Measures"]

_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)


class Measures:
    """Counters of one slot, from 0 at its start."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("http_requests", "Requests", ["method", "route", "status"], registry=self._registry)
        self._durations = Histogram(
            "http_request_duration_seconds", "How long requests took", ["route"],
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._cache = Counter("api_cache_requests", "Answers that may be cached", ["result"], registry=self._registry)
        self._pool = Counter("api_pool_timeouts", "Requests that got no connection in time", registry=self._registry)
        for result in ("hit", "miss"):
            self._cache.labels(result)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is its pattern, never its path, which would be a series for each customer."""
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(f"{method} {route}").observe(seconds)

    def cached(self, *, hit: bool) -> None:
        """An answer came from the cache, or had to be made."""
        self._cache.labels("hit" if hit else "miss").inc()

    def pool_timeout(self) -> None:
        """A request waited for a connection in vain."""
        self._pool.inc()

    def text(self) -> bytes:
        """In Prometheus' own format."""
        return generate_latest(self._registry)
