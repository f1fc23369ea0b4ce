"""Before and after a deployment: the CI, staging, and a customer who really registers, searches, books and pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.ci_red import CiRed
from runbook_steps.faults.third_party_down import ThirdPartyDown
from runbook_steps.operations.log_events import log_events

JOURNEY = {("POST", "/api/users", 201), ("GET", "/api/providers", 200), ("POST", "/api/bookings", 201),
           ("POST", "/api/payments", 201)}  # fmt: skip


@dataclass
class Before:
    """What was there before the procedure: a moment, and the charges that the payment service received."""

    moment: datetime
    charges: int = 0


@pytest.fixture
def before_deployment() -> Before:
    """Now, and nothing yet."""
    return Before(datetime.now(UTC))


@given("the newest workflow run of main failed")
def ci_is_red(situation: Situation, environment: Callable[[], Mapping[str, str]], note: Callable[[str], None]) -> None:
    variables = environment()
    note(situation.arrange(CiRed(variables["GITHUB_API_URL"], variables["GITHUB_REPOSITORY"])).detail)


@given(parsers.re(r"(?P<name>github|staging) answers every request with an error"))
def answers_with_an_error(
    name: str,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(ThirdPartyDown(name, environment()[f"{name.upper()}_API_URL"])).detail)


@then("the newest run it reports is a failure")
def newest_run_failed(last_result: Result) -> None:
    newest = answer_of(last_result)["runs"][0]
    assert (newest["status"], newest["conclusion"]) == ("completed", "failure")


@then("staging says that it is healthy")
def staging_is_healthy(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    answer = httpx.get(environment()["STAGING_API_URL"] + "/api/health", timeout=10, trust_env=False).raise_for_status()
    assert "healthy" == answer.json()["status"] == answer_of(last_result)["status"]


@then("these smoke tests are in the report, and passed:")
def smoke_tests_passed(last_result: Result, datatable: list[list[str]]) -> None:
    statuses = smoke_statuses(last_result)
    assert {row[0]: "passed" for row in datatable} == {row[0]: statuses.get(row[0]) for row in datatable}


@then(parsers.re(r'the smoke test "(?P<name>[^"]+)" (?P<status>passed|failed)'))
def smoke_test_is(last_result: Result, name: str, status: str) -> None:
    assert status == smoke_statuses(last_result).get(name)


@given("the charges of the payment service are noted")
def known_charges(target: Target, environment: Callable[[], Mapping[str, str]], before_deployment: Before) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("only the stand-in of the payment service tells what it received")
    before_deployment.charges = _charges(environment())


@then("the payment service received a new charge")
def received_a_charge(environment: Callable[[], Mapping[str, str]], before_deployment: Before) -> None:
    assert _charges(environment()) > before_deployment.charges


@then("the log shows a registration, a search, a booking and a payment since then")
def log_shows_the_journey(environment: Callable[[], Mapping[str, str]], before_deployment: Before) -> None:
    seen = set()
    for line in log_events(Path(environment()["LOG_DIR"]) / "app.log"):
        if line.get("message") == "request" and datetime.fromisoformat(line["timestamp"]) >= before_deployment.moment:
            seen.add((line["method"], line["path"], line["status"]))
    assert seen >= JOURNEY


def smoke_statuses(result: Result) -> dict[str, str]:
    """Test name → status, of a report with or without health."""
    report = answer_of(result)
    return {test["testName"]: test["status"] for test in report.get("smoke", report)["tests"]}


def _charges(variables: Mapping[str, str]) -> int:
    parts = urlsplit(variables["TAP_API_URL"])
    answer = httpx.get(
        f"{parts.scheme}://{parts.netloc}/_control/tap/received", timeout=10, trust_env=False
    ).raise_for_status()
    return int(answer.json()["count"])  # not the length of a list, which forgets
