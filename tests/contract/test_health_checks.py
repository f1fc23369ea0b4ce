"""`beautycort health-checks` on the real services: the part that is down is the one that is named."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
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
ROOM_MS = "5000"  # HEALTH_CHECK_TIMEOUT: those that answer must do so within it, also on a busy machine


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


@contextmanager
def customers(slot: str) -> Iterator[None]:
    """Somebody looks at the categories all the time, past the limit of the proxy: what a watch counts."""
    stopped = threading.Event()

    def look() -> None:
        with httpx.Client(base_url=slot, trust_env=False) as client:
            while not stopped.wait(0.2):
                client.get("/api/categories")

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        stopped.set()
        looking.join()


def statuses(report: dict[str, Any]) -> dict[str, str]:
    """Check → status."""
    return {check["name"]: check["status"] for check in report["checks"]}


def test_a_healthy_platform_is_told_in_the_shape_of_the_reference(whole: EmbeddedTarget, shell: Shell) -> None:
    """Ten checks in order, a summary that counts them, exit 0."""
    del whole
    code, report = health(shell)
    assert [check["name"] for check in report["checks"]] == NAMES
    assert (code, report["status"]) == (0, "healthy")
    assert report["summary"] == {"total": 10, "healthy": 10, "unhealthy": 0, "degraded": 0, "notConfigured": 0}
    assert {"name", "status", "responseTime", "details"} <= set(report["checks"][0])


def test_three_times_in_a_row_all_is_well_at_the_limit_of_production(whole: EmbeddedTarget, shell: Shell) -> None:
    """100 requests a minute, 20 at once: the checks wait for the limit, and call nothing broken because of it."""
    assert whole.layout.rate_limit == 100
    for _ in range(3):
        code, report = health(shell)
        assert (code, report["status"]) == (0, "healthy"), report
        smoke = json.loads(shell("beautycort health-checks smoke --format json").stdout)
        assert smoke["status"] == "passed", smoke
        asked = "beautycort rollback-manager assess --window 1m --baseline-ms 5000 --format json"
        advice = json.loads(shell(asked).stdout)
        fires = {each["name"]: each["fires"] for each in advice["criteria"]}
        assert (advice["advice"], fires["a critical feature is broken"]) == ("keep the release", False), advice
        with customers(whole.environment()["API_SLOTS"].split()[0]):
            quiet = shell(
                "beautycort rollback-manager watch --minutes 15 --baseline-ms 5000 --format json",
                ROLLBACK_MINUTE="250ms",
            )
        watched = {each["name"]: each["fires"] for each in json.loads(quiet.stdout)["criteria"]}
        assert (quiet.returncode, set(watched.values())) == (0, {False}), quiet.stdout


def test_who_is_refused_by_the_limit_is_throttled_and_nothing_is_broken(whole: EmbeddedTarget, shell: Shell) -> None:
    """Somebody else at the same address uses the limit up: degraded, with the reason; a rollback is not advised."""
    stopped = threading.Event()

    def flood() -> None:
        with httpx.Client(base_url=whole.layout.api_base_url, verify=False, trust_env=False) as client:  # noqa: S501
            while not stopped.is_set():
                with suppress(httpx.HTTPError):
                    client.get("/api/health")
                stopped.wait(0.05)  # the limit is used up by far, and the machine is left to those who ask

    floods = [threading.Thread(target=flood, daemon=True) for _ in range(4)]
    for each in floods:
        each.start()
    try:
        _, report = health(shell)
        advice = json.loads(shell("beautycort rollback-manager assess --window 1s --format json").stdout)
    finally:
        stopped.set()
        for each in floods:
            each.join()
    assert "unhealthy" not in statuses(report).values(), report
    assert [check["details"] for check in report["checks"] if check["status"] == "degraded"]
    broken = {each["name"]: each for each in advice["criteria"]}["a critical feature is broken"]
    assert (broken["fires"], advice["advice"]) == (None, "could not look everywhere"), advice
    assert "throttled" in broken["detail"]


def test_a_database_that_takes_no_writes_is_not_healthy(whole: EmbeddedTarget, shell: Shell) -> None:
    """Every check only reads, and would be content with it: a restore or a migration may have left it so."""
    setting = "ALTER DATABASE beautycort {} default_transaction_read_only{}"
    with psycopg.connect(whole.environment()["DATABASE_URL"], autocommit=True) as admin:
        admin.execute(setting.format("SET", " = on"))
        try:
            code, report = health(shell)
        finally:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute(setting.format("RESET", ""))
    database = {check["name"]: check for check in report["checks"]}["Database Health"]
    assert (code, database["status"]) == (1, "unhealthy")
    assert "takes no writes" in database["error"]


@pytest.mark.parametrize(
    ("service", "named"), [("redis", "Redis Health"), ("postgres", "Database Health"), ("nginx", "API Health")]
)
def test_a_service_killed_by_pid_is_the_one_named(
    restored: EmbeddedTarget, shell: Shell, service: str, named: str
) -> None:
    """Non-zero, and it ends: `shell` has a limit. Healthy again after the restart."""
    pid = restored.control.pid(service)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    code, report = health(shell)

    assert (code, report["status"], statuses(report)[named]) == (1, "unhealthy", "unhealthy")

    restored.control.start(service)
    code, report = health(shell)
    assert (code, report["status"]) == (0, "healthy")


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_answers_ends_at_the_deadline(whole: EmbeddedTarget, shell: Shell, silent: str) -> None:
    """Accepted and then silent, five at once: each check has its own deadline, the others are not held up."""
    del whole
    code, report = health(
        shell,
        HEALTH_CHECK_TIMEOUT=ROOM_MS,
        DATABASE_URL=f"postgres://someone:hidden@{silent}/x",
        REDIS_URL=f"redis://{silent}/0",
        TWILIO_API_URL=f"http://{silent}",
        AWS_ENDPOINT_URL=f"http://{silent}",
        CDN_URL=f"http://{silent}",
    )
    silent_ones = NAMES[1:6]
    assert [name for name, status in statuses(report).items() if status == "unhealthy"] == silent_ones
    assert (code, report["checks"][3]["error"]) == (1, "Twilio does not answer")


def test_an_api_that_never_answers_ends_at_the_deadline(whole: EmbeddedTarget, shell: Shell, silent: str) -> None:
    """What asks the API is unhealthy, what does not is judged for itself."""
    del whole
    code, report = health(shell, HEALTH_CHECK_TIMEOUT=ROOM_MS, API_BASE_URL=f"https://{silent}")
    bad = [name for name, status in statuses(report).items() if status == "unhealthy"]
    assert (code, bad) == (1, [NAMES[0], *NAMES[6:]])


def test_an_endless_answer_ends_at_the_deadline(whole: EmbeddedTarget, shell: Shell) -> None:
    """A byte now and then resets every timeout of a socket, not that of the check."""
    del whole
    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=_drip, args=(server,), daemon=True)
        dripping.start()
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        code, report = health(shell, HEALTH_CHECK_TIMEOUT="1000", AWS_ENDPOINT_URL=endpoint)
    assert (code, statuses(report)["Load Balancer Health"]) == (1, "unhealthy")


def _drip(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection, suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            threading.Event().wait(0.1)


@pytest.mark.parametrize(
    ("setting", "code", "said"),
    [
        ("API_BASE_URL=S3cr3t-in-URL", 2, "API_BASE_URL is not a URL"),
        ("API_BASE_URL=https://no-such-host.invalid", 1, "API Health"),
        ("AWS_REGION=me south", 1, "cannot ask the load balancer"),
        ("DATABASE_URL=postgres://u:S3cr3t-in-URL@no-such-host.invalid/x", 1, "cannot connect to PostgreSQL"),
        ("DATABASE_URL=postgres://u:S3cr3t-in-URL@127.0.0.1:x/x", 2, "DATABASE_URL is not a PostgreSQL URL"),
        ("REDIS_URL=redis://:S3cr3t-in-URL@127.0.0.1:1/0", 1, "cannot use Redis"),
        ("SSL_CERT_FILE=/etc/passwd", 2, "SSL_CERT_FILE is not a readable file"),
    ],
)
def test_a_hostile_setting_is_told_in_words(
    whole: EmbeddedTarget, shell: Shell, setting: str, code: int, said: str
) -> None:
    """What cannot be an address ends with 2 before anything is asked; what does not answer is the check named."""
    del whole
    variable, _, value = setting.partition("=")
    done = shell("beautycort health-checks health", **{"HEALTH_CHECK_TIMEOUT": "3000", variable: value})
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert said in told
    assert [word for word in ("Traceback", "internal", "S3cr3t-in-URL") if word in told] == []


def test_the_console_shows_a_line_for_each_check_and_what_to_do_next(restored: EmbeddedTarget, shell: Shell) -> None:
    """Without colours where nobody looks; the reason stands beside the check."""
    restored.control.stop("redis")
    done = shell("beautycort health-checks health --format console")
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (1, 12)
    assert [line.split()[:4] for line in lines if "Redis Health" in line] == [["✗", "unhealthy", "Redis", "Health"]]
    assert "cannot use Redis: ConnectionError" in done.stdout
    assert lines[-2].startswith("UNHEALTHY: ")
    assert lines[-1].startswith("next: ")
    assert "\x1b" not in done.stdout


def test_a_report_is_written_to_a_file_too(whole: EmbeddedTarget, shell: Shell, tmp_path: Path) -> None:
    """As JSON, whatever the console shows; a folder that is not there is told."""
    del whole
    done = shell(f"beautycort health-checks health --output {tmp_path}/report.json")
    assert (done.returncode, json.loads((tmp_path / "report.json").read_text())["status"]) == (0, "healthy")
    done = shell("beautycort health-checks health --output /no/such/folder/report.json")
    assert (done.returncode, "cannot write /no/such/folder/report.json" in done.stderr) == (2, True)


def test_no_secret_is_in_the_reasons_of_what_is_down(restored: EmbeddedTarget, shell: Shell) -> None:
    """Redis and PostgreSQL stopped: every reason is told, no URL and no password."""
    restored.control.stop("redis")
    restored.control.stop("postgres")
    for form in ("json", "console"):
        done = shell(f"beautycort health-checks all --format {form}", HEALTH_CHECK_TIMEOUT="3000")
        told = done.stdout + done.stderr
        assert (done.returncode, [secret for secret in restored.secrets() if secret in told]) == (1, [])


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
