"""What a smoke report says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["TEST_NAMES", "SmokeTest", "smoke_document"]

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"

TEST_NAMES = (
    "Authentication Flow",
    "Token Refresh",
    "User Registration",
    "Provider Search",
    "Service Listing",
    "Booking Creation",
    "Database Connectivity",
    "Cache Operations",
    "SMS Service",
    "Payment Gateway",
    "Response Times SLA",
    "Concurrent Users",
)
"""In the order of the report (production-interfaces.md)."""


@dataclass(frozen=True)
class SmokeTest:
    """One test. `duration_ms` in ms; `error` says why it failed or was skipped."""

    name: str
    status: str
    duration_ms: float
    details: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None

    def document(self) -> dict[str, Any]:
        """As the JSON of production has it."""
        told = {
            "testName": self.name,
            "status": self.status,
            "duration": round(self.duration_ms, 1),
            "details": dict(self.details),
        }
        return told if self.error is None else {**told, "error": self.error}


def smoke_document(tests: Sequence[SmokeTest]) -> dict[str, Any]:
    """The report: passed when all passed, failed when one failed, else partial."""
    counts = {status: sum(test.status == status for test in tests) for status in (PASSED, FAILED, SKIPPED)}
    status = FAILED if counts[FAILED] else ("partial" if counts[SKIPPED] else PASSED)
    return {
        "status": status,
        "timestamp": datetime.now(UTC).isoformat(),
        "tests": [test.document() for test in tests],
        "summary": {"total": len(tests), **counts},
    }
