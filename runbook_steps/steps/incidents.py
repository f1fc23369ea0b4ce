"""Incidents: what was released, what failed, what is kept of it, and who was told."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.third_party_down import ThirdPartyDown
from runbook_steps.operations.log_events import log_events

TRIES = 3
OLD, NEW = "Show prices with tax", "Send codes in Arabic"
SUMMARY = "sign-in fails since 09:12; we look into it; next word at 09:30"


@pytest.fixture
def third_party(environment: Callable[[], Mapping[str, str]]) -> Callable[[str], ThirdPartyDown]:
    """Gives the fault of a third party by its name: `third_party("twilio")`."""

    def fault(name: str) -> ThirdPartyDown:
        if name in {"tap", "twilio"}:
            return ThirdPartyDown(name, environment()[f"{name.upper()}_API_URL"])
        base = urlsplit(environment()["TAP_API_URL"])  # Slack is told by a webhook, whose address is a secret
        return ThirdPartyDown(name, f"{base.scheme}://{base.netloc}/{name}")

    return fault


@given(parsers.re(r"(?P<name>tap|twilio|slack) is failing"))
def third_party_is_failing(
    name: str, situation: Situation, third_party: Callable[[str], ThirdPartyDown], note: Callable[[str], None]
) -> None:
    note(situation.arrange(third_party(name)).detail)


@then(parsers.re(r"(?P<name>tap|twilio|slack) answers with (?P<code>\d+)"))
def third_party_answers(name: str, code: str, third_party: Callable[[str], ThirdPartyDown]) -> None:
    assert f"{name} answers {code}" == third_party(name).observe().detail


@given("customers try to sign in")
def customers_try(target: Target, api: httpx.Client, cannot_be_seen: Callable[[str], None]) -> None:
    if target.facts.disposable:
        ask_for_codes(api)
    else:
        cannot_be_seen("nobody signs in to a live target for a look: its log tells who tried")


def ask_for_codes(api: httpx.Client) -> None:
    """As customers who sign in, whatever is answered."""
    for number in range(TRIES):
        api.post("/api/auth/otp/request", json={"phone": f"+9627900{datetime.now(UTC):%f}{number}"})


@given("customers could not sign in for a while")
def sign_in_failed_for_a_while(
    target: Target,
    api: httpx.Client,
    third_party: Callable[[str], ThirdPartyDown],
    variables: dict[str, str],
    workspace: Path,
    cannot_be_seen: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("INCIDENT_BEGAN and INCIDENT_DIR are those of the real incident: its log tells what failed")
        return  # INCIDENT_BEGAN and INCIDENT_DIR are those of the real one
    variables["INCIDENT_BEGAN"] = datetime.now(UTC).isoformat()
    variables["INCIDENT_DIR"] = str(workspace / "incident")
    twilio = third_party("twilio")
    twilio.arrange()
    try:
        ask_for_codes(api)
    finally:
        twilio.clear()


@given("a version was released an hour ago, and another one a week ago")
def two_releases(
    target: Target, workspace: Path, variables: dict[str, str], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("APP_REPOSITORY is the checkout of the application: its history tells what was released")
        return  # APP_REPOSITORY is the checkout of the application
    folder = workspace / "application"
    variables["APP_REPOSITORY"] = str(folder)
    _git(workspace, "init", "--quiet", str(folder))
    for subject, age in ((OLD, timedelta(days=7)), (NEW, timedelta(hours=1))):
        moment = (datetime.now(UTC) - age).isoformat()
        _git(folder, "commit", "--quiet", "--allow-empty", "--message", subject, moment=moment)
    _git(folder, "fetch", "--quiet", ".")


@given(parsers.parse("an incident of severity {severity} is announced in {channel}"))
def an_incident(severity: str, channel: str, variables: dict[str, str], target: Target) -> None:
    variables.update(INCIDENT_SEVERITY=severity, INCIDENT_CHANNEL=channel)
    if target.facts.disposable:  # elsewhere people read it: what happened is theirs to say
        variables["INCIDENT_SUMMARY"] = SUMMARY


@given("the logs of the incident were kept, and one of them was changed afterwards")
def kept_and_changed(target: Target, environment: Callable[[], Mapping[str, str]]) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("evidence of a real incident is not changed for a drill")
    folder = Path(environment()["INCIDENT_DIR"])
    folder.mkdir()
    sums = []
    for log in sorted(Path(environment()["LOG_DIR"]).glob("*.log")):
        text = log.read_bytes()
        (folder / log.name).write_bytes(text)
        sums.append(f"{hashlib.sha256(text).hexdigest()}  {log.name}\n")
    (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")
    (folder / "app.log").write_bytes((folder / "app.log").read_bytes().replace(b"502", b"200", 1))


@then(parsers.parse('the API\'s own report says "{name}" is {status}'))
def own_report_says(last_result: Result, name: str, status: str) -> None:
    assert status == {check["name"]: check["status"] for check in answer_of(last_result)["checks"]}.get(name)


@then(parsers.parse('the errors of "{path}" with {status:d} are counted'))
def errors_are_counted(
    last_result: Result, path: str, status: int, environment: Callable[[], Mapping[str, str]]
) -> None:
    lines = [line.split(maxsplit=2) for line in last_result.stdout.splitlines()]
    counted = {(where, what): int(times) for times, where, what in lines}
    newest = log_events(Path(environment()["LOG_DIR"], "app.log"), last=2000)
    logged = sum((e.get("path"), e.get("status")) == (path, status) for e in newest if e.get("level") == "error")
    assert counted.get((path, str(status)), 0) >= TRIES
    assert counted[path, str(status)] <= logged


@then("the release of an hour ago is listed, and the one of last week is not")
def only_the_new_release(last_result: Result, target: Target, cannot_be_seen: Callable[[str], None]) -> None:
    if target.facts.disposable:
        assert NEW in last_result.stdout
        assert OLD not in last_result.stdout
    else:
        cannot_be_seen("what was released when is known to its people")


@then("the readings are those of this machine")
def readings_are_real(last_result: Result) -> None:
    words = last_result.stdout.split()
    total = int(words[words.index("MemTotal:") + 1]) * 1024
    assert total == psutil.virtual_memory().total


@then(parsers.re(r"(?P<service>nginx|redis|postgres) is running"))
def service_is_running(service: str, control: ServiceControl) -> None:
    pid = control.pid(service)
    assert pid is not None
    assert psutil.pid_exists(pid)


@then("the timeline has the first and the last failed request")
def timeline_is_right(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    began = environment()["INCIDENT_BEGAN"]
    failed = _failed(Path(environment()["LOG_DIR"], "app.log"), began)
    answer = answer_of(last_result)
    assert {"first": failed[0]["timestamp"], "last": failed[-1]["timestamp"]} == {
        key: answer[key] for key in ("first", "last")
    }
    assert sum(answer["failed"].values()) == len(failed)


@then("the folder of the incident holds the failed requests")
def evidence_is_kept(environment: Callable[[], Mapping[str, str]]) -> None:
    began = environment()["INCIDENT_BEGAN"]
    assert len(_failed(Path(environment()["INCIDENT_DIR"], "app.log"), began)) >= TRIES


@then("every file in it has the checksum that was noted")
def checksums_fit(environment: Callable[[], Mapping[str, str]]) -> None:
    assert _changed(Path(environment()["INCIDENT_DIR"])) == []


@then("only the changed file differs from its checksum")
def one_was_changed(environment: Callable[[], Mapping[str, str]]) -> None:
    assert _changed(Path(environment()["INCIDENT_DIR"])) == ["app.log"]


@then(parsers.parse("Slack has the message in {channel}, with severity {severity}"))
def slack_has_it(
    channel: str,
    severity: str,
    target: Target,
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("what arrived in the real Slack is read by people")
    base = urlsplit(environment()["TAP_API_URL"])
    answer = httpx.get(f"{base.scheme}://{base.netloc}/_control/slack/received", timeout=10, trust_env=False)
    received = answer.raise_for_status().json()["received"]
    if not received:
        raise CheckFailed("Slack received nothing")
    note(f"{received[-1]['channel']}: {received[-1]['text']}")
    assert (channel, f"{severity}: {SUMMARY}") == (received[-1]["channel"], received[-1]["text"])


def _failed(log: Path, began: str) -> list[dict[str, Any]]:
    """The requests that failed since then."""
    kept = [event for event in log_events(log) if str(event.get("status")).startswith("5")]
    return [event for event in kept if str(event.get("timestamp")) >= began]


def _changed(folder: Path) -> list[str]:
    noted = [line.split() for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines()]
    if not noted:
        raise CheckFailed(f"{folder / 'SHA256SUMS'} notes nothing")
    return [name for digest, name in noted if digest != hashlib.sha256((folder / name).read_bytes()).hexdigest()]


def _git(folder: Path, *arguments: str, moment: str = "") -> None:
    person = {"GIT_AUTHOR_NAME": "drill", "GIT_AUTHOR_EMAIL": "drill@beautycort.com"}
    committer = {"GIT_COMMITTER_NAME": "drill", "GIT_COMMITTER_EMAIL": "drill@beautycort.com"}
    dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment} if moment else {}
    quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": "/usr/local/bin:/usr/bin:/bin"}
    subprocess.run(
        ["git", *arguments], cwd=folder, env={**quiet, **person, **committer, **dates}, check=True, timeout=30
    )
