"""`beautycort health-checks smoke`: the right test fails, and nothing of the test customers stays."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
import redis

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Shell

LEFT = """
SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM bookings WHERE status <> 'cancelled'),
       (SELECT count(*) FROM payments)
"""


@pytest.fixture
def healed(whole: EmbeddedTarget) -> Iterator[EmbeddedTarget]:
    """Whatever a test stopped runs again, and the third parties answer well."""
    yield whole
    for service in ("postgres", "redis", "third_parties"):
        whole.control.start(service)
    stand_ins = whole.environment()["TAP_API_URL"].removesuffix("/tap")
    httpx.delete(f"{stand_ins}/_control", trust_env=False).raise_for_status()


def smoke(shell: Shell, **variables: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    done = shell("beautycort health-checks smoke --format json", **variables)
    return done.returncode, json.loads(done.stdout)


def errors(report: dict[str, Any], status: str) -> dict[str, str]:
    """Test → why, of those with that status."""
    return {test["testName"]: test["error"] for test in report["tests"] if test["status"] == status}


def left(target: EmbeddedTarget) -> tuple[Any, ...]:
    """Users, live bookings, payments."""
    with psycopg.connect(target.environment()["DATABASE_URL"]) as connection:
        return connection.execute(LEFT).fetchone() or ()


def test_twelve_pass_and_leave_nothing(whole: EmbeddedTarget, shell: Shell) -> None:
    """No user, no booking, no payment, no session more than before."""
    with redis.Redis.from_url(whole.environment()["REDIS_URL"]) as client:
        before, sessions = left(whole), client.keys("session:*")
        code, report = smoke(shell)
        assert report["summary"] == {"total": 12, "passed": 12, "failed": 0, "skipped": 0}
        assert (code, report["status"], left(whole)) == (0, "passed", before)
        assert client.keys("session:*") == sessions


def test_response_times_are_those_of_what_was_asked_anyway(whole: EmbeddedTarget, shell: Shell) -> None:
    """A run asks no more than 26 questions, where production takes 20 at once; each time is of an answer it needed."""

    def answered() -> int:
        lines = (whole.layout.nginx / "logs" / "access.log").read_text("utf-8").splitlines()
        return sum("python-httpx" in line and '" 503 ' not in line for line in lines)

    whole.control.settle()
    before = answered()
    code, report = smoke(shell)
    (sla,) = (test for test in report["tests"] if test["testName"] == "Response Times SLA")
    assert (code, sla["status"], sla["details"]["limitMs"]) == (0, "passed", 2000)
    assert sla["details"]["meanMs"] > 0
    assert answered() - before <= 26


def test_without_a_test_provider_number_and_card_nobody_real_is_touched(whole: EmbeddedTarget, shell: Shell) -> None:
    """What needs one is skipped and names the variable; the report is partial, never failed."""
    before = left(whole)
    code, report = smoke(shell, SMOKE_PROVIDER_ID="", SMOKE_PHONES="", SMOKE_CARD="")
    skipped = errors(report, "skipped")
    assert (code, report["status"], left(whole)) == (1, "partial", before)
    assert skipped["Authentication Flow"].startswith("set SMOKE_PHONES to the test numbers of the SMS vendor")
    assert skipped["Service Listing"].startswith("set SMOKE_PROVIDER_ID to a provider that exists for tests only")
    assert errors(report, "failed") == {}


def test_a_payment_service_that_fails_is_one_failed_test(healed: EmbeddedTarget, shell: Shell) -> None:
    """All else passes, and the unpaid booking is gone."""
    before = left(healed)
    httpx.put(
        healed.environment()["TAP_API_URL"].replace("/tap", "/_control/tap"), json={"status": 503}, trust_env=False
    )
    code, report = smoke(shell)
    assert (code, report["status"], left(healed)) == (1, "failed", before)
    assert errors(report, "failed") == {"Payment Gateway": "paying: expected HTTP 201, got 502"}
    assert report["summary"]["skipped"] == 0


def test_an_sms_service_that_fails_stops_who_must_sign_in(healed: EmbeddedTarget, shell: Shell) -> None:
    """The tests that need a customer are skipped, with the reason; searching passes."""
    httpx.put(
        healed.environment()["TWILIO_API_URL"].replace("/twilio", "/_control/twilio"),
        json={"status": 500},
        trust_env=False,
    )
    code, report = smoke(shell)
    assert code == 1
    assert set(errors(report, "failed")) == {"Authentication Flow", "SMS Service", "Concurrent Users"}
    assert errors(report, "skipped") == {
        "Token Refresh": "nobody is signed in: Authentication Flow did not pass",
        "Booking Creation": "nobody is signed in: Authentication Flow did not pass",
        "Payment Gateway": "nothing is booked: Booking Creation did not pass",
    }


def test_without_redis_searching_passes(healed: EmbeddedTarget, shell: Shell) -> None:
    """Signing in and the cache fail; what only reads the database does not."""
    healed.control.stop("redis")
    code, report = smoke(shell)
    passed = {test["testName"] for test in report["tests"] if test["status"] == "passed"}
    failed = set(errors(report, "failed"))
    assert code == 1
    assert {"User Registration", "Provider Search", "Service Listing", "Database Connectivity"} <= passed
    assert {"Authentication Flow", "Cache Operations", "SMS Service", "Concurrent Users"} <= failed


def test_without_the_database_every_reason_is_told_without_a_secret(healed: EmbeddedTarget, shell: Shell) -> None:
    """Each failure says what it expected or cannot reach."""
    healed.control.stop("postgres")
    done = shell("beautycort health-checks smoke --format json")
    failed = errors(json.loads(done.stdout), "failed")
    assert {"Database Connectivity", "User Registration", "Provider Search"} <= set(failed)
    assert failed["Database Connectivity"] == "cannot reach what it asks: OperationalError"
    assert [secret for secret in healed.secrets() if secret in done.stdout + done.stderr] == []


def test_an_api_that_never_answers_ends(whole: EmbeddedTarget, shell: Shell) -> None:
    """Each test at its limit, and all of them within that of `shell`: nobody waits for a platform that hangs."""
    del whole
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        code, report = smoke(shell, API_BASE_URL=address, HEALTH_CHECK_TIMEOUT="1000")  # the database must answer
    assert (code, report["status"], report["summary"]["passed"]) == (1, "failed", 1)
