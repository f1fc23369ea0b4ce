"""Requests that fail: customers who cannot pay, the endpoint, the dependency and the deployment that it comes from."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import FaultError, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Observation, Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.bad_release import BadRelease
from runbook_steps.faults.meanwhile import meanwhile
from runbook_steps.faults.outside import slot_urls
from runbook_steps.faults.wrong_setting import WrongSetting
from runbook_steps.steps.accounts import Session

PAYERS = 2
PAYMENTS = 10  # enough for a rate, and for both slots to be asked
ENOUGH = 20  # good requests after the repair
DAYS_AHEAD = 900  # beyond what the smoke tests book
NOWHERE = "http://127.0.0.1:9/tap"  # the discard port: nobody listens


class Payer:
    """A customer with a booking who pays for it, again and again; `close` cancels the booking."""

    def __init__(self, api: httpx.Client, session: Session, method: str = "card") -> None:
        self._api = api
        self._headers = session.headers
        provider = api.get("/api/providers", params={"limit": 5}).raise_for_status().json()["providers"][0]
        service = api.get(f"/api/providers/{provider['id']}/services").raise_for_status().json()["services"][0]
        order = {"provider_id": provider["id"], "service_id": service["id"], "payment_method": method}
        self.booking = self._book(order)

    def _book(self, order: dict[str, str]) -> dict[str, Any]:
        for _ in range(5):
            day = date.today() + timedelta(days=DAYS_AHEAD + secrets.randbelow(3000))  # noqa: DTZ011 - a calendar day
            wanted = {**order, "date": day.isoformat(), "start_time": "10:00"}
            answer = self._api.post("/api/bookings", json=wanted, headers=self._headers)
            if answer.status_code == httpx.codes.CREATED:
                booking: dict[str, Any] = answer.json()
                return booking
        raise FaultError(f"booking answers {answer.status_code}: the platform is not well before the drill")

    def pay(self, base_url: str = "") -> httpx.Response:
        """Pays once: through the proxy, or at one slot."""
        order = {"booking_id": self.booking["id"], "amount": self.booking["total_price"], "currency": "JOD"}
        return self._api.post(f"{base_url}/api/payments", json=order, headers=self._headers)

    def close(self) -> None:
        """Cancels the booking."""
        self._api.delete(f"/api/bookings/{self.booking['id']}", headers=self._headers)


@pytest.fixture
def payer(api: httpx.Client, sign_in: Callable[[], Session]) -> Generator[Callable[[], Payer], None, None]:
    """Gives the customer who pays, the same one in a scenario; booked when first asked for."""
    made: list[Payer] = []

    def one() -> Payer:
        if not made:
            made.append(Payer(api, sign_in()))
        return made[0]

    yield one
    for each in made:
        each.close()


@pytest.fixture
def go_on_paying(payer: Callable[[], Payer]) -> Generator[Callable[[], None], None, None]:
    """Lets that customer pay again and again until the scenario ends."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(meanwhile(payer().pay, PAYERS))


@pytest.fixture
def slots(environment: Callable[[], Mapping[str, str]]) -> Callable[[], list[str]]:
    """Gives the addresses of the API slots. On a live target without any, what asks is not runnable."""
    return lambda: slot_urls(environment())


@given("a customer has booked and wants to pay by card")
def wants_to_pay(
    target: Target, payer: Callable[[], Payer], variables: dict[str, str], cannot_be_seen: Callable[[str], None]
) -> None:
    if target.facts.disposable:  # on a live target customers do
        assert payer().pay().status_code == httpx.codes.CREATED
        variables["ALERT_BEGAN"] = datetime.now(UTC).isoformat()
    else:
        cannot_be_seen("nobody books on a live target for a look")


@given("customers go on paying")
def customers_go_on_paying(
    target: Target, go_on_paying: Callable[[], None], cannot_be_seen: Callable[[str], None]
) -> None:
    if target.facts.disposable:
        go_on_paying()
    else:
        cannot_be_seen("whether its customers pay now is not ours to arrange")


@given("payments fail at both slots")
@given("payments fail at one slot")
def payments_fail(
    target: Target,
    payer: Callable[[], Payer],
    slots: Callable[[], list[str]],
    note: Callable[[str], None],
    cannot_be_seen: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("nobody pays on a live target for a look: the errors that its log counts tell")
        return
    codes = [payer().pay(slot).status_code for slot in slots() for _ in range(PAYMENTS // 2)]
    note(f"{PAYMENTS} payments: {codes}")
    assert httpx.codes.BAD_GATEWAY in codes


@given("one slot runs a release that was deployed badly")
def bad_release(
    control: ServiceControl,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    slots: Callable[[], list[str]],
    target: Target,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    if target.facts.disposable:
        variables["PREVIOUS_VERSION"] = "1.1.0"
    note(situation.arrange(BadRelease(control, Path(environment()["API_RELEASES"]), slots()[1])).detail)


@given("the address of the payment service is wrong in the configuration")
def wrong_address(
    control: ServiceControl,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    payer: Callable[[], Payer],
    note: Callable[[str], None],
    target: Target,
) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("whether a payment fails is seen by paying, and nobody pays on a live target for a look")

    def look() -> Observation:
        code = payer().pay().status_code
        return Observation(code == httpx.codes.BAD_GATEWAY, f"a payment answers {code}")

    file = Path(environment()["API_ENV_FILE"])
    fault = WrongSetting("TAP_API_URL is wrong", control, file, {"TAP_API_URL": NOWHERE}, look)
    note(situation.arrange(fault).detail)


@then(parsers.parse("the error rate it reports is above {percent:g} %"))
def reported_rate_above(last_result: Result, percent: float, note: Callable[[str], None]) -> None:
    report = answer_of(last_result)
    note(f"{report['errors']} errors in {report['requests']} requests")
    assert report["errorRatePercent"] > percent


@then(parsers.parse("the error rate it reports is below {percent:g} %"))
def reported_rate_below(last_result: Result, percent: float, note: Callable[[str], None]) -> None:
    report = answer_of(last_result)
    note(f"{report['errors']} errors in {report['requests']} requests")
    assert report["requests"] >= ENOUGH
    assert report["errorRatePercent"] < percent


@then(parsers.parse('the worst endpoint it reports is "{endpoint}"'))
def worst_endpoint(last_result: Result, endpoint: str) -> None:
    assert endpoint == answer_of(last_result)["byEndpoint"][0]["name"]


@then(parsers.parse("only the version {version} has errors"))
def only_version_fails(last_result: Result, version: str) -> None:
    failing = {row["name"]: row["errors"] for row in answer_of(last_result)["byVersion"] if row["errors"]}
    assert {version: PAYMENTS // 2} == failing


@then("the slots run different versions")
def different_versions(slots: Callable[[], list[str]], last_result: Result) -> None:
    versions = [httpx.get(f"{s}/api/version", timeout=10, trust_env=False).json()["version"] for s in slots()]
    assert len(set(versions)) > 1
    for version in versions:
        assert version in last_result.stdout


@then("customers can pay again, at every slot")
def can_pay_again(payer: Callable[[], Payer], slots: Callable[[], list[str]], variables: dict[str, str]) -> None:
    variables["FIXED_AT"] = datetime.now(UTC).isoformat()
    codes = [payer().pay(slot).status_code for slot in slots() for _ in range(ENOUGH // 2)]
    assert codes == [httpx.codes.CREATED] * ENOUGH


@then("a customer can still sign in and book, to pay in cash")
def can_still_book(api: httpx.Client, sign_in: Callable[[], Session]) -> None:
    payer = Payer(api, sign_in(), "cash")
    try:
        assert payer.booking["payment_method"] == "cash"
    finally:
        payer.close()


@then(parsers.parse("the channel {channel} was told that {words}"))
def channel_was_told(
    channel: str, words: str, environment: Callable[[], Mapping[str, str]], target: Target,
    cannot_be_seen: Callable[[str], None],
) -> None:  # fmt: skip
    if not target.facts.disposable:
        cannot_be_seen(f"what {channel} got is seen in the channel; the command ended well")
        return
    base = environment()["SLACK_WEBHOOK_URL"].rsplit("/slack", 1)[0]
    answer = httpx.get(f"{base}/_control/slack/received", timeout=10, trust_env=False).raise_for_status()
    last = answer.json()["received"][-1]
    assert channel == last["channel"]
    assert words in last["text"]
