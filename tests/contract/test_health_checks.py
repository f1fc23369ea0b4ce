"""`beautycort health-checks` on the real services: the part that is down is the one that is named."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runbook_steps.targets.embedded import EmbeddedTarget
from tests.contract.conftest import Shell

NAMES = [  # production-interfaces.md, "health-checks", in this order
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
]
SMOKE = [  # the same, in this order
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
]
DEADLINE_S = 10.0  # HEALTH_CHECK_TIMEOUT
START_S = 5.0  # of the command itself, on a busy machine


@pytest.fixture
def restored(whole: EmbeddedTarget) -> Iterator[EmbeddedTarget]:
    """Whatever a test has killed runs again afterwards."""
    yield whole
    for service in ("postgres", "redis", "nginx", "third_parties"):
        whole.control.start(service)


def health(shell: Shell, **variables: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    done = shell("beautycort health-checks health --format json", **variables)
    return done.returncode, json.loads(done.stdout)


def statuses(report: dict[str, Any]) -> dict[str, str]:
    """Check → status."""
    return {check["name"]: check["status"] for check in report["checks"]}


def test_a_healthy_platform_is_told_in_the_shape_of_the_reference(whole: EmbeddedTarget, shell: Shell) -> None:
    """Ten checks in order, a summary that counts them, exit 0."""
    del whole
    code, report = health(shell)
    assert [check["name"] for check in report["checks"]] == NAMES
    assert (code, report["status"]) == (0, "healthy")
    assert report["summary"] == {"total": 10, "healthy": 10, "unhealthy": 0, "degraded": 0}
    assert {"name", "status", "responseTime", "details"} <= set(report["checks"][0])


@pytest.mark.parametrize(
    ("service", "named"), [("redis", "Redis Health"), ("postgres", "Database Health"), ("nginx", "API Health")]
)
def test_a_service_killed_by_pid_is_the_one_named(
    restored: EmbeddedTarget, shell: Shell, service: str, named: str
) -> None:
    """Non-zero, within the deadline, and healthy again after the restart."""
    pid = restored.control.pid(service)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    began = time.monotonic()
    code, report = health(shell)
    took = time.monotonic() - began

    assert (code, report["status"], statuses(report)[named]) == (1, "unhealthy", "unhealthy")
    assert took < DEADLINE_S + START_S

    restored.control.start(service)
    code, report = health(shell)
    assert (code, report["status"]) == (0, "healthy")


def test_a_server_that_never_answers_ends_at_the_deadline(whole: EmbeddedTarget, shell: Shell) -> None:
    """Accepted and then silent: each check has its own deadline, the others are not held up."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        code, report = health(shell, HEALTH_CHECK_TIMEOUT="1000", REDIS_URL=f"redis://127.0.0.1:{port}/0")
        took = time.monotonic() - began
    assert (code, statuses(report)["Redis Health"]) == (1, "unhealthy")
    assert statuses(report)["Database Health"] == "healthy"
    assert took < 1.0 + START_S
    del whole


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("API_BASE_URL", "not a url"),
        ("API_BASE_URL", "https://no-such-host.invalid"),
        ("API_BASE_URL", "https://localhost:99999"),
        ("DATABASE_URL", "postgres://u:S3cr3t-in-URL@no-such-host.invalid/x"),
        ("DATABASE_URL", "S3cr3t-in-URL"),
        ("REDIS_URL", "redis://:S3cr3t-in-URL@127.0.0.1:1/0"),
        ("REDIS_URL", "S3cr3t-in-URL"),
        ("TAP_API_URL", "\x1b[31mred"),
        ("HEALTH_CHECK_TIMEOUT", "soon"),
        ("HEALTH_CHECK_TIMEOUT", "-1"),
        ("API_BASE_URL", ""),
    ],
)
def test_a_hostile_setting_is_told_in_words(whole: EmbeddedTarget, shell: Shell, variable: str, value: str) -> None:
    """No traceback, no secret, no escape sequence, and never exit 0."""
    del whole
    done = shell("beautycort health-checks health", **{variable: value, "HEALTH_CHECK_TIMEOUT": value if
                 variable == "HEALTH_CHECK_TIMEOUT" else "2000"})  # fmt: skip
    said = done.stdout + done.stderr
    assert done.returncode in {1, 2, 4}
    assert "Traceback" not in said
    assert "S3cr3t-in-URL" not in said
    assert "\x1b[31m" not in said


def test_all_is_both_reports_and_exit_0_only_when_both_are_well(restored: EmbeddedTarget, shell: Shell) -> None:
    """Twelve smoke tests, all implemented; a broken third party turns `all` red."""
    done = shell("beautycort health-checks all --format json")
    report = json.loads(done.stdout)
    assert (done.returncode, set(report)) == (0, {"health", "smoke"})
    assert [test["testName"] for test in report["smoke"]["tests"]] == SMOKE
    assert report["smoke"]["summary"] == {"total": 12, "passed": 12, "failed": 0, "skipped": 0}

    restored.control.stop("third_parties")
    done = shell("beautycort health-checks all --format json")
    report = json.loads(done.stdout)
    found = {test["testName"]: test["status"] for test in report["smoke"]["tests"]}
    assert (done.returncode, report["smoke"]["status"] in {"failed", "partial"}) == (1, True)
    assert found["SMS Service"] == "failed"
    assert found["Payment Gateway"] in {"failed", "skipped"}  # without a code nobody can sign in, book and pay
    assert statuses(report["health"])["External Dependencies"] == "unhealthy"
