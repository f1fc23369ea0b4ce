"""What is counted of a log: requests since a moment, ids folded, probes and cut lines left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from runbook_steps.operations.rollback_criteria import by_health_alone
from runbook_steps.operations.traffic import Row, read_traffic

BEGAN = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
BOOKING = "/api/bookings/0b0c4f38-7d3d-4f0c-9a57-3f4f3a6f1d11"


def line(path: str, status: int = 200, ms: float = 10.0, minute: int = 1) -> str:
    """One line of app.log."""
    moment = BEGAN.replace(minute=minute).isoformat()
    kept = {"timestamp": moment, "message": "request", "method": "GET", "path": path, "status": status}
    return json.dumps({**kept, "durationMs": ms, "slot": "api_1", "version": "1.1.0", "ip": "192.0.2.1"})


def test_errors_are_counted_by_endpoint() -> None:
    """An id is no endpoint of its own; 500 and above is an error, 404 is not; the worst comes first."""
    seen = read_traffic([line("/api/providers", 404), line(BOOKING, 502), line(BOOKING, 200, 30)], BEGAN)
    assert seen.views["byEndpoint"] == (
        Row("GET /api/bookings/{id}", 2, 1, 20.0, 30.0),
        Row("GET /api/providers", 1, 0, 10.0, 10.0),
    )
    assert seen.error_rate_percent == 33.33


def test_what_is_no_request_since_then_is_left_out() -> None:
    """Probes, other messages, older lines, and the line that is still being written."""
    older = line("/api/providers", 500).replace("T09:01", "T08:59")
    other = json.dumps({"timestamp": BEGAN.isoformat(), "message": "the response was not cached"})
    assert read_traffic([older, other, line("/api/health", 503), '{"timesta'], BEGAN).total == Row(
        "all", 0, 0, 0.0, 0.0
    )


def test_the_slowest_come_first_when_asked_for() -> None:
    """By the time that 95 of 100 requests stay below."""
    lines = [
        *(line("/api/services", ms=5) for _ in range(19)),
        line("/api/services", ms=900),
        line("/api/users", ms=50),
    ]
    assert [row.p95_ms for row in read_traffic(lines, BEGAN, slowest_first=True).views["byEndpoint"]] == [50.0, 5.0]


def test_a_log_for_people_counts_no_request_and_says_so() -> None:
    """Lines of text are told from a log that nobody wrote to; one event is enough to be read as one of events."""
    text = "[2026-01-31 09:01:00] INFO GET /api/providers 500 12ms"
    assert [read_traffic(lines, BEGAN).for_people for lines in ([text, "", text], [text, line("/")], [""])] == [2, 0, 0]


def test_a_stability_that_no_request_proved_says_so() -> None:
    """A log without requests since, and one for people, do not read as one without errors."""
    calm, people = read_traffic([line("/api/health")], BEGAN), read_traffic(["INFO GET / 500"] * 3, BEGAN)
    assert by_health_alone(calm) == "by its health alone: its log counts 0 requests since"
    assert by_health_alone(people) == "by its health alone: none of the 3 lines of its log is JSON"
