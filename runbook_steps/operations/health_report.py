"""What a health report says, and the rules that judge a reading. Pure; thresholds are production's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "CHECK_NAMES",
    "Check",
    "by_days_left",
    "by_limit",
    "by_status_codes",
    "by_targets",
    "health_document",
    "percentile",
]

HEALTHY, DEGRADED, UNHEALTHY = "healthy", "degraded", "unhealthy"
NOT_CONFIGURED = "not configured"
"""Nobody said where it is, so nothing was asked: neither good nor bad, and counted apart."""
_ORDER = (HEALTHY, DEGRADED, UNHEALTHY)

CHECK_NAMES = (
    "API Health",
    "Database Health",
    "Redis Health",
    "External Dependencies",
    "Load Balancer Health",
    "CDN Health",
    "SSL Certificate",
    "Security Headers",
    "Response Times",
    "Throughput",
)
"""In the order of the report (production-interfaces.md)."""

DATABASE_SLOW_MS, REDIS_SLOW_MS, CDN_SLOW_MS, RESPONSE_SLOW_MS = 5000, 1000, 2000, 2000
SSL_UNHEALTHY_DAYS, SSL_DEGRADED_DAYS = 7, 30
CLIENT_ERROR, SERVER_ERROR = 400, 500
SECURITY_HEADERS = (
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
    "content-security-policy",
    "referrer-policy",
)


@dataclass(frozen=True)
class Check:
    """One check. `response_ms` is how long it took, in ms; `details` are the readings."""

    name: str
    status: str
    response_ms: float
    details: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    def document(self) -> dict[str, Any]:
        """As the JSON of production has it."""
        told = {
            "name": self.name,
            "status": self.status,
            "responseTime": round(self.response_ms, 1),
            "details": dict(self.details),
        }
        return told if self.error is None else {**told, "error": self.error}


def overall(statuses: Iterable[str]) -> str:
    """The worst of those that were asked; where none was, that is not good."""
    return max((each for each in statuses if each != NOT_CONFIGURED), key=_ORDER.index, default=NOT_CONFIGURED)


def by_limit(value: float, degraded_above: float) -> str:
    """Healthy up to the limit, degraded above it."""
    return DEGRADED if value > degraded_above else HEALTHY


def by_days_left(days: float) -> str:
    """A certificate: under 7 days unhealthy, under 30 degraded."""
    if days < SSL_UNHEALTHY_DAYS:
        return UNHEALTHY
    return DEGRADED if days < SSL_DEGRADED_DAYS else HEALTHY


def by_status_codes(codes: Mapping[str, int | None], critical: Sequence[str]) -> str:
    """Third parties: below 400 healthy, 4xx degraded; 5xx or no answer unhealthy if critical."""
    found = [HEALTHY]
    for name, code in codes.items():
        if code is None or code >= SERVER_ERROR:
            found.append(UNHEALTHY if name in critical else DEGRADED)
        elif code >= CLIENT_ERROR:
            found.append(DEGRADED)
    return overall(found)


def by_targets(states: Mapping[str, str]) -> str:
    """A load balancer: all targets healthy, some, or none. A draining target does not count."""
    staying = [state for state in states.values() if state != "draining"]
    healthy = staying.count("healthy")
    if healthy == 0:
        return UNHEALTHY
    return HEALTHY if healthy == len(staying) else DEGRADED


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of at least one value."""
    ranked = sorted(values)
    return ranked[max(0, min(len(ranked) - 1, round(percent / 100 * len(ranked) + 0.5) - 1))]


def health_document(checks: Sequence[Check]) -> dict[str, Any]:
    """The report of `health-checks health`, as JSON has it."""
    statuses = [check.status for check in checks]
    return {
        "status": overall(statuses),
        "timestamp": datetime.now(UTC).isoformat(),
        "checks": [check.document() for check in checks],
        "summary": {
            "total": len(checks),
            "healthy": statuses.count(HEALTHY),
            "unhealthy": statuses.count(UNHEALTHY),
            "degraded": statuses.count(DEGRADED),
            "notConfigured": statuses.count(NOT_CONFIGURED),
        },
    }
