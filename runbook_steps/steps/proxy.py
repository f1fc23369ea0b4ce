"""The proxy and the load balancer: what they are told, and whom they serve."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.broken_proxy import BrokenProxyConfiguration, ProxyFile
from runbook_steps.faults.outside import slot_urls
from runbook_steps.faults.stopped_instance import StoppedInstance, first_that_is_down

MISSING_PAGE = "/api/no-such-page"
ASKED = 7
USUAL = 2  # the instance that a drill stops
REFUSED_S = 10.0


@given("instance 2 of the API is stopped")
def instance_is_stopped(
    situation: Situation, control: ServiceControl, variables: dict[str, str], aws: Callable[[str], Any],
    environment: Callable[[], Mapping[str, str]], target: Target, note: Callable[[str], None],
) -> None:  # fmt: skip
    number = USUAL if target.facts.disposable else first_that_is_down(environment()) or USUAL  # there, whichever it is
    note(situation.arrange(StoppedInstance(control, f"api_{number}", environment())).detail)
    known = aws("elbv2").describe_target_health(TargetGroupArn=environment()["ALB_TARGET_GROUP_ARN"])
    slots = slot_urls(environment())
    variables.update(
        SICK_TARGET=target_of(number, slots, known["TargetHealthDescriptions"]), INSTANCE=f"beautycort-api-{number}"
    )


def target_of(number: int, slots: list[str], known: list[dict[str, Any]]) -> str:
    """The load balancer's target of that instance: by its host, by being the only ill one, or by its place.

    Raises NotRunnableHere when none of them tells.
    """
    ids = sorted(str(row["Target"]["Id"]) for row in known)
    if (host := urlsplit(slots[number - 1]).hostname) in ids:
        return str(host)
    ill = [str(row["Target"]["Id"]) for row in known if row["TargetHealth"]["State"] == "unhealthy"]
    if len(ill) == 1:
        return ill[0]
    if len(ids) == len(slots):
        return ids[number - 1]
    raise NotRunnableHere(f"which of the targets {', '.join(ids)} is instance {number} cannot be told by its address")


@pytest.fixture
def registered_again(
    aws: Callable[[str], Any], environment: Callable[[], Mapping[str, str]], target: Target
) -> Generator[list[str], None, None]:
    """The targets as they were; put back when the scenario has taken one out."""
    before = registered(aws, environment)
    yield before
    lost = set(before) - set(registered(aws, environment))
    if lost and target.facts.disposable:
        aws("elbv2").register_targets(
            TargetGroupArn=environment()["ALB_TARGET_GROUP_ARN"], Targets=[{"Id": each, "Port": 3000} for each in lost]
        )


@given("the targets of the load balancer are noted")
def balancer_knows_targets(registered_again: list[str]) -> None:
    assert len(registered_again) > 1


def registered(aws: Callable[[str], Any], environment: Callable[[], Mapping[str, str]]) -> list[str]:
    """The ids of all targets, sorted."""
    rows = aws("elbv2").describe_target_health(TargetGroupArn=environment()["ALB_TARGET_GROUP_ARN"])
    return sorted(row["Target"]["Id"] for row in rows["TargetHealthDescriptions"])


@then("the answer names the stopped instance, and no other")
def names_the_stopped(last_result: Result, variables: dict[str, str]) -> None:
    assert [variables["SICK_TARGET"]] == [row["target"] for row in answer_of(last_result)]


@then("the load balancer has the same targets as before")
def same_targets(
    registered_again: list[str], aws: Callable[[str], Any], environment: Callable[[], Mapping[str, str]]
) -> None:
    assert registered_again == registered(aws, environment)


@given("the configuration of nginx has a mistake")
def configuration_has_a_mistake(
    situation: Situation, environment: Callable[[], Mapping[str, str]], variables: dict[str, str],
    note: Callable[[str], None],
) -> None:  # fmt: skip
    fault = BrokenProxyConfiguration(environment())
    note(situation.arrange(fault).detail)
    variables["BROKEN_FILE"] = fault.where.rpartition(":")[0]


@given("an address that customers never use")
def an_address(
    environment: Callable[[], Mapping[str, str]], variables: dict[str, str], target: Target, api: httpx.Client
) -> Generator[None, None, None]:
    if not target.facts.disposable:
        variables["REFUSED_CLIENT"] = environment()["REFUSED_CLIENT"]  # whom a person means
        yield
        return
    variables["REFUSED_CLIENT"] = "203.0.113.9"  # RFC 5737: documentation
    own = ProxyFile(environment(), "blocked.d", "one-address.conf")
    told = {"X-Forwarded-For": variables["REFUSED_CLIENT"]}
    assert api.get("/api/version", headers=told).status_code == httpx.codes.OK
    yield
    own.take_away()


@then("requests from that address are refused, and those of others served")
def address_is_refused(
    api: httpx.Client, variables: dict[str, str], target: Target, cannot_be_seen: Callable[[str], None]
) -> None:
    assert api.get("/api/version").status_code == httpx.codes.OK
    if not target.facts.disposable:
        cannot_be_seen(f"only {variables['REFUSED_CLIENT']} itself sees that it is refused; the others are served")
        return
    end, address = time.monotonic() + REFUSED_S, {"X-Forwarded-For": variables["REFUSED_CLIENT"]}
    while api.get("/api/version", headers=address).status_code != httpx.codes.FORBIDDEN:
        if time.monotonic() > end:
            raise CheckFailed(f"{variables['REFUSED_CLIENT']} is still served")
        time.sleep(0.05)
    assert api.get("/api/version").status_code == httpx.codes.OK


@then("the message names the file and the line of the mistake")
def names_file_and_line(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    where = BrokenProxyConfiguration(environment()).found()
    assert where, "nginx names no file now"
    assert where in last_result.stderr


@then(parsers.re(r'the message says "(?P<words>.+)"'))
def message_says(last_result: Result, words: str) -> None:
    assert last_result.exit_code != 0
    assert words in last_result.stderr


@then("nginx accepts its configuration")
def nginx_accepts(environment: Callable[[], Mapping[str, str]]) -> None:
    assert ProxyFile(environment(), "limits.d", "any").nginx("-t").returncode == 0


@given("customers requested a page that does not exist")
def customers_asked(target: Target, api: httpx.Client) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere(f"nobody asks for {MISSING_PAGE} on a live target")
    for _ in range(ASKED):
        assert api.get(MISSING_PAGE).status_code == httpx.codes.NOT_FOUND


@then(parsers.parse("the log counts answers with {status:d}"))
def log_counts(last_result: Result, status: int, note: Callable[[str], None]) -> None:
    counts = {words[1]: int(words[0]) for line in last_result.stdout.splitlines() if len(words := line.split()) == 2}  # noqa: PLR2004
    note(f"{counts.get(str(status), 0)} answers with {status}")
    assert counts.get(str(status), 0) >= ASKED


@then("the log names that page")
def log_names(last_result: Result) -> None:
    assert MISSING_PAGE in last_result.stdout
