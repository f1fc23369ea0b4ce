"""Instances of the API: how many serve, who knows them, what their pools take from the database."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Generator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Observation, Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.outside import slot_urls, whether_down
from runbook_steps.faults.sessions import refuse_hidden
from runbook_steps.faults.wrong_setting import WrongSetting
from runbook_steps.steps.clients import from_a_customer

USUAL = 2  # instances that a target starts with
ADDED = 3
ROUND = 40  # requests in which each of six instances is met, and a stopped one is not
DEADLINE_S = 30.0
PORT = 3000  # production-interfaces.md, "Services"
SMALL_POOL = "3"
SHARE = 0.8  # production-interfaces.md, "Alert thresholds": database connections 80 % of max


class Visitors:
    """Customers who keep asking for providers, in a thread of their own, until `leave`."""

    def __init__(self, base_url: str, cafile: str | None) -> None:
        self._url = base_url
        self._context = ssl.create_default_context(cafile=cafile)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.answers: list[str] = []
        self._thread.start()

    def _ask(self) -> None:
        # each on a connection of its own: an idle one may be closed by a reload just when it is used again,
        # and a browser asks again then
        fresh = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(
            base_url=self._url,
            verify=self._context,
            timeout=20,
            trust_env=False,
            limits=fresh,
            event_hooks={"request": [from_a_customer]},
        ) as client:
            while not self._end.wait(0.01):
                try:
                    self.answers.append(str(self._one(client).status_code))
                except httpx.HTTPError as error:
                    self.answers.append(type(error).__name__)

    def _one(self, client: httpx.Client) -> httpx.Response:
        """One request; again, as browsers do, when an idle connection was closed just as it was used."""
        try:
            return client.get("/api/providers", params={"limit": 1})
        except httpx.RemoteProtocolError:
            return client.get("/api/providers", params={"limit": 1})

    def leave(self) -> list[str]:
        """Ends, and gives what was answered: status codes, or the name of an error."""
        self._end.set()
        self._thread.join(timeout=DEADLINE_S)
        return self.answers


@pytest.fixture
def visitors(environment: Callable[[], Mapping[str, str]]) -> Generator[Callable[[], Visitors], None, None]:
    """Gives customers who keep asking; the same ones in a scenario."""
    there: list[Visitors] = []

    def come() -> Visitors:
        if not there:
            there.append(Visitors(environment()["API_BASE_URL"], environment().get("SSL_CERT_FILE")))
        return there[0]

    yield come
    for each in there:
        each.leave()


@pytest.fixture
def resize(
    target: Target, aws: Callable[[str], Any], environment: Callable[[], Mapping[str, str]]
) -> Generator[Callable[[int], None], None, None]:
    """Brings a disposable target to so many instances, known to its load balancer; back to the usual afterwards."""

    def to(count: int) -> None:
        if target.control is None:
            return
        target.control.scale(count)
        group, balancer = environment()["ALB_TARGET_GROUP_ARN"], aws("elbv2")
        wanted = set(addresses(balancer, group, count))
        known = {row["Target"]["Id"] for row in health_of(balancer, group)}
        for change, ids in (
            (balancer.register_targets, wanted - known),
            (balancer.deregister_targets, known - wanted),
        ):
            if ids:
                change(TargetGroupArn=group, Targets=[{"Id": each, "Port": PORT} for each in sorted(ids)])

    yield to
    to(USUAL)


@given(parsers.parse("{count:d} instances serve customers"))
def instances_serve(
    count: int,
    resize: Callable[[int], None],
    api: httpx.Client,
    aws: Callable[[str], Any],
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    target: Target,
    note: Callable[[str], None],
) -> None:
    if not target.facts.disposable:  # how many there are; that one of them does not serve may be the incident
        seen = [whether_down(f"api_{number}", environment()) for number in range(1, len(slot_urls(environment())) + 1)]
        note("; ".join(each.detail for each in seen))
        if len(seen) < count:
            raise NotApplicableNow(f"{target.name} has {len(seen)} instances, and this is about {count}")
        return
    resize(count)
    answered_by(api, count)
    variables["NEW_TARGETS"] = " ".join(
        addresses(aws("elbv2"), environment()["ALB_TARGET_GROUP_ARN"], USUAL + ADDED)[USUAL:]
    )


@given("three instances are registered that nobody started")
def told_of_nobody(
    target: Target,
    resize: Callable[[int], None],
    aws: Callable[[str], Any],
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    balancer, group = aws("elbv2"), environment()["ALB_TARGET_GROUP_ARN"]
    if not target.facts.disposable:  # whichever they are: nobody tells a live balancer of anybody
        states = {row["Target"]["Id"]: row["TargetHealth"]["State"] for row in health_of(balancer, group)}
        if not (away := sorted(each for each, state in states.items() if state != "healthy")):
            raise NotApplicableNow(f"every one of the {len(states)} targets is healthy")
        note(f"not healthy: {', '.join(away)}")
        variables["NEW_TARGETS"] = " ".join(away)
        return
    resize(USUAL)
    new = addresses(balancer, group, USUAL + ADDED)[USUAL:]
    balancer.register_targets(TargetGroupArn=group, Targets=[{"Id": each, "Port": PORT} for each in new])
    ill = sorted(row["Target"]["Id"] for row in health_of(balancer, group) if row["TargetHealth"]["State"] != "healthy")
    note(f"not healthy: {', '.join(ill) or 'none'}")
    assert ill == sorted(new)
    variables["NEW_TARGETS"] = " ".join(new)


@given("customers keep sending requests")
def customers_keep_asking(
    target: Target, visitors: Callable[[], Visitors], cannot_be_seen: Callable[[str], None]
) -> None:
    if target.facts.disposable:  # on a live target customers do
        # an instance notices at its first request that the database was away, in the scenario before
        eventually(lambda: visitors().answers[-2:] == ["200", "200"], "customers are served")
        visitors().answers.clear()
    else:
        cannot_be_seen("whether its customers ask now is not ours to arrange")


@given("the database has room for five pools")
def room_for_five_pools(connect: Callable[..., Any], variables: dict[str, str]) -> None:
    variables.setdefault("WANTED", "5")
    with connect() as connection:
        most = int(connection.execute("SHOW max_connections").fetchone()[0])
    if most * SHARE < 5 * 5:
        raise NotApplicableNow(f"max_connections is {most}: five pools of 5 have no room in {SHARE:.0%} of them")


@given(parsers.parse("every instance has a pool of {size:d} connections"))
def pool_of(
    size: int,
    situation: Situation,
    control: ServiceControl,
    environment: Callable[[], Mapping[str, str]],
    target: Target,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    if target.facts.disposable:
        variables.update(POOL_SIZE=SMALL_POOL, WANTED="5")  # what a person decides who has compared

    def look() -> Observation:
        found = pools(environment())
        return Observation(set(found) == {size}, f"pools: {found}")

    file = Path(environment()["API_ENV_FILE"])
    name = f"every instance has a pool of {size} connections"
    note(situation.arrange(WrongSetting(name, control, file, {"DB_POOL_SIZE": str(size)}, look)).detail)


@then(parsers.parse("every instance has a pool of {size:d} connections now"))
def pool_is_now(size: int, environment: Callable[[], Mapping[str, str]], api: httpx.Client) -> None:
    assert {size} == set(pools(environment()))
    api.get("/api/providers", params={"limit": 1}).raise_for_status()


@then("the computed pool is the pool that each instance really has")
def computed_pool_is_real(last_result: Result, environment: Callable[[], Mapping[str, str]]) -> None:
    assert {json.loads(last_result.stdout)["pool"]} == set(pools(environment()))


@then(parsers.re(r"(?P<count>\d+) connections are needed, and they (?P<word>fit|do not fit)"))
def connections_needed(count: str, word: str, last_result: Result, connect: Callable[..., Any]) -> None:
    with connect() as connection:
        most = int(connection.execute("SHOW max_connections").fetchone()[0])
        kept = int(connection.execute("SHOW superuser_reserved_connections").fetchone()[0])
    answer = json.loads(last_result.stdout)
    assert int(count) == answer["needed"]
    assert int((most - kept) * SHARE) == answer["limit"] + answer["others"]
    assert (word == "fit") == (answer["needed"] <= answer["limit"]) == answer["fits"]


@then(parsers.parse("customers are answered by {count:d} instances"))
def answered_by_instances(count: int, api: httpx.Client, note: Callable[[str], None]) -> None:
    note(f"X-Served-By: {', '.join(answered_by(api, count))}")


@then(parsers.parse("the load balancer finds {count:d} targets healthy"))
def balancer_finds_healthy(
    count: int, aws: Callable[[str], Any], environment: Callable[[], Mapping[str, str]], target: Target
) -> None:
    rows = health_of(aws("elbv2"), environment()["ALB_TARGET_GROUP_ARN"])
    expected = count if target.facts.disposable else max(count, len(rows))
    assert ["healthy"] * expected == [row["TargetHealth"]["State"] for row in rows]


@then("the answer names exactly those three")
def answer_names_those(last_result: Result, variables: dict[str, str]) -> None:
    assert sorted(variables["NEW_TARGETS"].split()) == sorted(row["target"] for row in json.loads(last_result.stdout))


@then(parsers.parse("the database uses less than {percent:d} % of its connections"))
def connections_below(percent: int, connect: Callable[..., Any], note: Callable[[str], None]) -> None:
    with connect() as connection:
        refuse_hidden(connection)
        used, most = connection.execute(
            "SELECT count(*)::int, current_setting('max_connections')::int FROM pg_stat_activity "
            "WHERE backend_type = 'client backend'"
        ).fetchone()
    note(f"{used} of {most} connections")
    assert used < most * percent / 100


@then("no customer got an error meanwhile")
def no_customer_got_an_error(
    target: Target, visitors: Callable[[], Visitors], note: Callable[[str], None], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("what its customers got meanwhile is in its log: nobody of ours asked")
        return
    there = visitors()
    eventually(lambda: len(there.answers) > ROUND, "enough requests to tell", lambda: f"{len(there.answers)} requests")
    answers = there.leave()
    note(f"{len(answers)} requests")
    assert [answer for answer in answers if answer != "200"] == []


def answered_by(api: httpx.Client, count: int) -> list[str]:
    """The instances that answered a round of requests, when they are as many as that; sorted."""
    seen: list[str] = []

    def as_many() -> bool:
        seen[:] = sorted({by for by in (served_by(api) for _ in range(ROUND)) if by})
        return len(seen) == count

    eventually(as_many, f"customers are answered by {count} instances", lambda: f"answered by {', '.join(seen)}")
    return seen


def served_by(api: httpx.Client) -> str:
    """The instance that answers; empty when the proxy closed the idle connection just then, as it does on a reload."""
    try:
        return str(api.get("/api/version").headers.get("X-Served-By", ""))
    except httpx.RemoteProtocolError:
        return ""


def eventually(condition: Callable[[], bool], what: str, seen: Callable[[], str] = str) -> None:
    """Asks until it is so. Raises CheckFailed after DEADLINE_S seconds."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise CheckFailed(f"not within {DEADLINE_S:g} s: {what}; {seen()}")
        time.sleep(0.05)


def pools(environment: Mapping[str, str]) -> list[int]:
    """The size of the database pool of each slot, as the slot itself tells it."""
    sizes = []
    for slot in slot_urls(environment):
        report = httpx.get(f"{slot}/api/health/detailed", timeout=10, trust_env=False).json()
        sizes += [c["details"]["pool"]["size"] for c in report["checks"] if "pool" in c["details"]]
    return sizes


def addresses(balancer: Any, group: str, count: int) -> list[str]:
    """The first so many addresses of the private network in which the targets are, one after the other."""
    first = min(ip_address(row["Target"]["Id"]) for row in health_of(balancer, group))
    return [str(first + number) for number in range(count)]


def health_of(balancer: Any, group: str) -> list[dict[str, Any]]:
    """The targets with their state."""
    rows: list[dict[str, Any]] = balancer.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return rows
