"""Deployments: what was released, what the slots run, traffic while it happens, and the way back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.alarm import AlarmRaised
from runbook_steps.faults.broken_deployment import BROKEN_PATH, BrokenDeployment
from runbook_steps.faults.outside import slot_urls as slots_of
from runbook_steps.operations.releases import Releases

REQUESTS = 20
CUSTOMERS = 3
PAUSE_S = 0.02
EMPTY = "beautycort-backups-of-nothing"
DRILL_CLOCK = {"ROLLBACK_MINUTE": "250ms", "ROLLBACK_PAUSE": "500ms", "ROLLBACK_WATCH": "500ms"}
"""What production waits a minute, 30 s and 5 min for."""


@pytest.fixture
def slot_urls(environment: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """The slots' own addresses, by the name of their service."""
    return {f"api_{number}": url for number, url in enumerate(slots_of(environment()), start=1)}


@pytest.fixture
def deployment(
    control: ServiceControl, environment: Callable[[], Mapping[str, str]], slot_urls: dict[str, str]
) -> Callable[..., BrokenDeployment]:
    """Gives the deployment of a release on every slot: `deployment("1.3.0", "fails")`."""
    variables = environment()
    for name in ("API_RELEASES", "API_ENV_FILE", "NGINX_PREFIX"):
        _ = variables[name]  # a live target says which one it does not set
    releases = Releases.from_environ(variables)

    def of(version: str, mistake: str) -> BrokenDeployment:
        return BrokenDeployment(
            control,
            releases.folder,
            Path(variables["NGINX_PREFIX"]) / "upstream.d" / "slots.conf",
            slot_urls,
            lambda deployed: releases.record(deployed, "", "the pipeline", Path(variables["API_ENV_FILE"])),
            version=version,
            mistake=mistake,
        )

    return of


@pytest.fixture
def customers(api: httpx.Client) -> Generator[Callable[[str], None], None, None]:
    """Sends requests in the background until the scenario ends: `customers("/api/service-categories")`."""
    ended, threads = threading.Event(), []

    def send(path: str) -> None:
        def run() -> None:
            while not ended.wait(PAUSE_S):
                try:
                    api.get(path)
                except httpx.HTTPError:
                    continue

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()

    yield send
    ended.set()
    for thread in threads:
        thread.join(timeout=15)


@given(parsers.re(r"version (?P<version>\S+) was deployed on every slot and it (?P<how>fails|is slow|works)"))
def deployed_on_every_slot(
    version: str,
    how: str,
    deployment: Callable[..., BrokenDeployment],
    situation: Situation,
    variables: dict[str, str],
    note: Callable[[str], None],
    target: Target,
) -> None:
    note(situation.arrange(deployment(version, "" if how == "works" else how)).detail)
    if target.facts.disposable:  # elsewhere a minute is one, and when it was deployed is known to its people
        variables |= {**DRILL_CLOCK, "DEPLOYED_AT": datetime.now(UTC).isoformat()}


@given("the response time before the deployment is known")
def response_time_before(
    target: Target, slot_urls: dict[str, str], variables: dict[str, str], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("how fast it was before is past: BASELINE_MS, or its log, tells")
        return
    times = []
    for url in [*slot_urls.values()] * (REQUESTS // 2):
        answer = httpx.get(url + BROKEN_PATH, timeout=10, trust_env=False)
        times.append(1000 * answer.elapsed.total_seconds())
    variables["BASELINE_MS"] = f"{sum(times) / len(times):.1f}"


@pytest.fixture
def empty_bucket(aws: Callable[[str], Any]) -> Generator[str, None, None]:
    """A bucket without a backup."""
    aws("s3").create_bucket(Bucket=EMPTY, CreateBucketConfiguration={"LocationConstraint": "me-south-1"})
    yield EMPTY
    aws("s3").delete_bucket(Bucket=EMPTY)


@given("no backup is older than the deployment")
def no_backup_before(target: Target, request: pytest.FixtureRequest, variables: dict[str, str]) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("backups of a live platform are not put aside for a drill")
    variables["AWS_BACKUP_BUCKET"] = request.getfixturevalue("empty_bucket")


@given(parsers.re(r"the alarm (?P<alarm>beautycort-security-[a-z-]+) was raised"))
def alarm_was_raised(alarm: str, situation: Situation, aws: Callable[[str], Any], note: Callable[[str], None]) -> None:
    note(situation.arrange(AlarmRaised(aws("cloudwatch"), alarm)).detail)


@given("customers keep looking at the categories")
def customers_keep_looking(
    target: Target, customers: Callable[[str], None], cannot_be_seen: Callable[[str], None]
) -> None:
    if target.facts.disposable:  # on a live target customers do
        for _ in range(CUSTOMERS):
            customers(BROKEN_PATH)
    else:
        cannot_be_seen("whether customers look now is seen by the requests that its log counts")


@given("customers have looked at the categories")
def customers_have_looked(target: Target, api: httpx.Client, cannot_be_seen: Callable[[str], None]) -> None:
    if target.facts.disposable:
        for _ in range(REQUESTS):
            api.get(BROKEN_PATH)
    else:
        cannot_be_seen("whether customers have looked is seen by the requests that its log counts")


@then(parsers.parse("every slot runs version {version}"))
def every_slot_runs(version: str, slot_urls: dict[str, str]) -> None:
    assert dict.fromkeys(slot_urls, version) == versions_of(slot_urls)


@then("customers can look at the categories again, at every slot")
def categories_again(slot_urls: dict[str, str]) -> None:
    codes = {slot: {_code(url) for _ in range(REQUESTS // 2)} for slot, url in slot_urls.items()}
    assert {slot: {int(httpx.codes.OK)} for slot in slot_urls} == codes


@pytest.fixture
def versions_before() -> dict[str, str]:
    """Slot → version, before the procedure."""
    return {}


@given("the version of every slot is noted")
def versions_known(slot_urls: dict[str, str], versions_before: dict[str, str]) -> None:
    versions_before.update(versions_of(slot_urls))


@then("every slot runs the version that it ran before")
def versions_as_before(slot_urls: dict[str, str], versions_before: dict[str, str]) -> None:
    assert versions_before
    assert versions_before == versions_of(slot_urls)


@then("the proxy sends requests to every slot")
def proxy_uses_every_slot(api: httpx.Client, slot_urls: dict[str, str]) -> None:
    assert set(slot_urls) == {api.get("/api/version").headers["x-served-by"] for _ in range(REQUESTS)}


@then(parsers.parse('the criterion "{name}" fires'))
def criterion_fires(name: str, last_result: Result, note: Callable[[str], None]) -> None:
    found = criterion_of(last_result, name)
    note(found["detail"])
    assert found["fires"] is True


@then(parsers.parse('the criterion "{name}" does not fire'))
def criterion_does_not_fire(name: str, last_result: Result, note: Callable[[str], None]) -> None:
    found = criterion_of(last_result, name)
    note(found["detail"])
    assert found["fires"] is False


@then(parsers.parse('the rollback reports "{status}"'))
def rollback_reports(status: str, last_result: Result) -> None:
    report = answer_of(last_result)
    assert (True, status) == (report["success"], report["finalStatus"])


@then(parsers.parse('the step "{name}" of the rollback is {status}'))
def step_of_rollback(name: str, status: str, last_result: Result) -> None:
    statuses = {step["name"]: step["status"] for step in answer_of(last_result)["steps"]}
    assert status == statuses.get(name)


@then(parsers.parse("the record says that {old} was rolled back to {new}"))
def record_says(old: str, new: str, environment: Callable[[], Mapping[str, str]]) -> None:
    last = Releases.from_environ(environment()).events()[-1]
    assert ("rolled back", old, new) == (last["event"], last["from"], last["to"])


def criterion_of(result: Result, name: str) -> dict[str, Any]:
    """The criterion whose name begins so."""
    found: dict[str, Any] = next(c for c in answer_of(result)["criteria"] if c["name"].startswith(name))
    return found


def versions_of(urls: Mapping[str, str]) -> dict[str, str]:
    """Slot → the version that it says it runs."""
    return {
        slot: httpx.get(f"{url}/api/version", timeout=10, trust_env=False).json()["version"]
        for slot, url in urls.items()
    }


def _code(url: str) -> int:
    return httpx.get(url + BROKEN_PATH, timeout=10, trust_env=False).status_code
