"""An attack from one address: made for a drill, found in the logs, kept as evidence, and shut out."""

from __future__ import annotations

import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import httpx
from pytest_bdd import given, then

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.broken_proxy import ProxyFile
from runbook_steps.operations.log_events import log_events
from runbook_steps.steps.sessions import eventually

GUEST = "203.0.113.77"  # RFC 5737: documentation, as the attackers' addresses are
# Each attack comes from an address of its own: the rate limit is that of an address, and the attacks of three scenarios
# within three seconds would be refused by it before they are tried.
ATTACKERS = itertools.cycle(f"198.51.100.{number}" for number in range(1, 255))
GUESSES = 6
PROBES = ("/.env", "/wp-login.php")
FORBIDDEN_PATH = "/api/users/me"
GUESSED, TRIED = "authentication failed", ("authorization failed", "suspicious request")
DEADLINE_S = 20.0
SECURITY_EVENTS = 5000  # what the page reads
LISTED = 20  # rows that the page shows of what was tried
_STATUS = re.compile(r'" (\d{3}) ')


def told_from(address: str) -> dict[str, str]:
    """The header by which the load balancer tells the proxy who asks."""
    return {"X-Forwarded-For": address}


@given("somebody attacks the sign-in from one address", target_fixture="traces")
def attack(
    target: Target, api: httpx.Client, variables: dict[str, str], workspace: Path,
    environment: Callable[[], Mapping[str, str]],
) -> Generator[Counter[str], None, None]:  # fmt: skip
    """Gives how many lines each log has of it, by the name of the log."""
    if not target.facts.disposable:
        variables |= {name: value for name in ("ATTACKER", "INCIDENT_DIR") if (value := environment().get(name))}
        if "ATTACKER" not in variables:
            raise NotRunnableHere(f"{target.name} sets no ATTACKER: nobody is known to attack it")
        must_tell(Path(environment()["LOG_DIR"]) / "security.log")
        if not (seen := traces_in(environment()))["security.log"]:
            raise NotApplicableNow(f"security.log names no failed sign-in from {variables['ATTACKER']}")
        yield seen
        return
    attacker = next(ATTACKERS)
    variables.update(ATTACKER=attacker, INCIDENT_DIR=str(workspace / "incident"))
    before = traces_in(environment())
    for guess in range(GUESSES):
        body = {"phone": "+962790000001", "code": f"{guess:06d}"}
        answer = api.post("/api/auth/otp/verify", json=body, headers=told_from(attacker))
        assert answer.status_code == httpx.codes.UNAUTHORIZED
    made = Counter({log: before[log] + GUESSES for log in ("security.log", "access.log")})
    eventually(lambda: traces_in(environment()) >= made, "both logs tell of each guess")
    yield traces_in(environment())
    ProxyFile(environment(), "blocked.d", "attack.conf").take_away()


@given("the attacker tries a forged token, and asks for files")
def more_of_it(target: Target, api: httpx.Client, environment: Callable[[], Mapping[str, str]]) -> None:
    if not target.facts.disposable:
        if not tried(environment()):
            raise NotApplicableNow(f"security.log tells of nothing else that {environment()['ATTACKER']} tried")
        return
    own = told_from(environment()["ATTACKER"])
    forged = {**own, "Authorization": "Bearer e30.e30.forged"}
    assert api.get(FORBIDDEN_PATH, headers=forged).status_code == httpx.codes.UNAUTHORIZED
    assert {api.get(path, headers=own).status_code for path in PROBES} == {httpx.codes.NOT_FOUND}
    made = {("authorization failed", FORBIDDEN_PATH), *(("suspicious request", path) for path in PROBES)}
    eventually(lambda: made <= tried(environment()), "the security log tells of each")


def must_tell(log: Path) -> None:
    """Neither is calm: NotRunnableHere where there is no log, NotApplicableNow where nothing stands in it."""
    if not log.is_file():
        raise NotRunnableHere(f"{log} is not there: read the log where the application writes it")
    if not log_events(log):
        raise NotApplicableNow(f"{log} is empty: it names nobody, and does not tell whether anybody was there")


def events(environment: Mapping[str, str], *names: str) -> list[dict[str, Any]]:
    """The security events of these names and of the attacker, of the last that the page reads."""
    file, address = Path(environment["LOG_DIR"]) / "security.log", environment["ATTACKER"]
    kept = log_events(file, last=SECURITY_EVENTS) if file.exists() else []
    return [event for event in kept if event.get("event") in names and event.get("ip") == address]


def tried(environment: Mapping[str, str]) -> set[tuple[str, str]]:
    """What else the attacker tried: the event and the path."""
    return {(event["event"], event.get("path", "")) for event in events(environment, *TRIED)}


def asked(file: Path, address: str) -> list[str]:
    """The lines of an access log with that address, wherever the format of that proxy has it."""
    whole = re.compile(rf"(?<![\w.:]){re.escape(address)}(?![\w.])")
    text = file.read_text("utf-8", "replace") if file.exists() else ""
    return [line for line in text.splitlines() if whole.search(line)]


def traces_in(environment: Mapping[str, str]) -> Counter[str]:
    """How many lines there are of the attacker: failed sign-ins, and whatever the proxy was asked."""
    log = Path(environment.get("NGINX_ACCESS_LOG") or "/nowhere")
    return Counter(
        {"security.log": len(events(environment, GUESSED)), "access.log": len(asked(log, environment["ATTACKER"]))}
    )


@then("the copies of the API and nginx logs hold the attack")
def attack_is_kept(traces: Counter[str], environment: Callable[[], Mapping[str, str]]) -> None:
    folder = Path(environment()["INCIDENT_DIR"])
    own = {"ATTACKER": environment()["ATTACKER"], "LOG_DIR": str(folder)}
    kept = traces_in({**own, "NGINX_ACCESS_LOG": str(folder / "access.log")})
    assert kept["access.log"], f"no line of the proxy's log names {own['ATTACKER']}: is it the address of a balancer?"
    assert kept >= traces, f"of {dict(traces)} lines {dict(kept)} were kept"


@then("the attacking address is listed with its failed sign-ins")
def address_is_found(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    lines = [line.split() for line in last_result.stdout.splitlines()]
    found = {ip: (int(times), first, last) for times, ip, first, last in lines}
    known = events(environment(), GUESSED)
    assert known, "nobody failed to sign in from there: nothing to find"
    assert found[environment()["ATTACKER"]] == (len(known), known[0]["timestamp"], known[-1]["timestamp"])


@then("the forged token and the files are listed with the attacking address")
def escalation_is_found(results: list[Result], environment: Callable[[], Mapping[str, str]]) -> None:
    rows = [line.split("\t")[1:] for line in results[0].stdout.splitlines()]
    listed = {(event, path) for event, address, path in rows if address == environment()["ATTACKER"]}
    known = tried(environment())
    assert listed
    assert listed <= known
    assert known <= listed or len(rows) == LISTED


@then("only what was answered with success is listed")
def nothing_was_given(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    log = Path(environment()["NGINX_ACCESS_LOG"]).read_text("utf-8").splitlines()[-SECURITY_EVENTS:]
    own = [line.split('"') for line in log if line.split()[0] == environment()["ATTACKER"]]
    given_to_him = [f"{parts[2].split()[0]} {parts[1]}" for parts in own if parts[2].split()[0].startswith("2")]
    assert last_result.stdout.splitlines() == given_to_him
    assert not any(path in line for path in (*PROBES, FORBIDDEN_PATH) for line in last_result.stdout.splitlines())


@then("the attacking address gets 403 whatever it asks for, and the others are served")
def attacker_is_blocked(
    target: Target,
    api: httpx.Client,
    environment: Callable[[], Mapping[str, str]],
    cannot_be_seen: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        assert api.get("/api/version").status_code == httpx.codes.OK
        if why := not_seen_to_be_blocked(environment()):
            cannot_be_seen(why)
        return
    own = told_from(environment()["ATTACKER"])
    eventually(lambda: api.get("/api/version", headers=own).status_code == httpx.codes.FORBIDDEN, "it is blocked")
    guess = {"phone": "+962790000001", "code": "000000"}
    asked_for = (
        lambda: api.post("/api/auth/otp/verify", json=guess, headers=own),
        lambda: api.get(FORBIDDEN_PATH, headers=own),
    )
    assert [past_the_limit(ask) for ask in asked_for] == [httpx.codes.FORBIDDEN] * 2
    assert api.get("/api/version", headers=told_from(GUEST)).status_code == httpx.codes.OK


def not_seen_to_be_blocked(environment: Mapping[str, str]) -> str:
    """Why it was not seen in the access log, where the attacker asks again by himself; empty when it was.

    Raises CheckFailed when he is still served: nobody else can ask from his address.
    """
    address, log = environment["ATTACKER"], Path(environment.get("NGINX_ACCESS_LOG") or "/nowhere")
    if not log.is_file():
        return f"{log} is not there: look for the 403 of {address} where the proxy writes its log"
    before, end = len(asked(log, address)), time.monotonic() + DEADLINE_S
    while True:
        fresh = [found[1] for line in asked(log, address)[before:] if (found := _STATUS.search(line))]
        if fresh and fresh[-1] == str(httpx.codes.FORBIDDEN):
            return ""
        if time.monotonic() > end:
            break
        time.sleep(0.2)
    if fresh:
        raise CheckFailed(f"{address} was answered {fresh[-1]} {DEADLINE_S:g} s after it was blocked")
    return f"{address} has asked for nothing since: look for its 403 in the proxy's log"


def past_the_limit(ask: Callable[[], httpx.Response]) -> int:
    """The status once nginx looks at its rules: its limit comes before them, and counts what was asked until then."""
    end = time.monotonic() + DEADLINE_S
    while (status := ask().status_code) == httpx.codes.SERVICE_UNAVAILABLE and time.monotonic() < end:
        time.sleep(0.05)
    return status
