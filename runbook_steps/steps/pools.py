"""The application's connection pools: exhausted, too small, and slots that start again while others serve."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Observation, Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.pool_exhausted import PATH, PoolExhausted, status_of
from runbook_steps.faults.wrong_setting import WrongSetting

POOL_SIZE = 5  # the application's default
AT_ONCE = 30  # requests at one moment
PAUSE_S = 0.02  # between two requests of the customer who keeps asking
LONGEST_S = 10.0


class Asker:
    """A customer who keeps asking in the background, through the proxy."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.codes: list[int] = []

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> list[int]:
        """Ends, and gives every answer's status; 0 for a request without an answer."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join(LONGEST_S)
        return self.codes

    def _ask(self) -> None:
        while not self._end.wait(PAUSE_S):
            try:
                self.codes.append(self._api.get("/api/version").status_code)
            except httpx.HTTPError:
                self.codes.append(0)


@pytest.fixture
def asker(api: httpx.Client) -> Generator[Asker, None, None]:
    """The customer who keeps asking; stopped at the latest with the scenario."""
    one = Asker(api)
    yield one
    one.stop()


@given("the connection pools are exhausted by a session that was forgotten")
def pools_exhausted(
    slots: Callable[[], list[str]],
    connect: Callable[..., Any],
    situation: Situation,
    target: Target,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    if target.facts.disposable:
        variables["BLOCKS_FOR"] = "0 seconds"  # nobody waits a minute in a drill
    note(situation.arrange(PoolExhausted(connect, slots())).detail)


@given("the connection pools are too small for many customers at once")
def pools_too_small(
    control: ServiceControl,
    slots: Callable[[], list[str]],
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    note: Callable[[str], None],
    target: Target,
) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("whether a burst is refused is seen by sending one, and nobody does to a live target")

    def look() -> Observation:
        refused = refused_of(slots())
        return Observation(refused > 0, f"{refused} of {4 * AT_ONCE} requests, {AT_ONCE} at once, answer 503")

    settings = {"DB_POOL_SIZE": "1", "DB_POOL_TIMEOUT_S": "0.002"}
    variables.update(POOL_SIZE="5", POOL_TIMEOUT_S="2")  # what a person decides who has read the numbers
    file = Path(environment()["API_ENV_FILE"])
    note(situation.arrange(WrongSetting("DB_POOL_SIZE is too small", control, file, settings, look)).detail)


def refused_of(slots: list[str]) -> int:
    """How many of the requests that come at once are refused."""
    urls = [f"{slots[number % len(slots)]}{PATH}?limit=300" for number in range(AT_ONCE * 4)]
    with httpx.Client(timeout=LONGEST_S, trust_env=False) as client, ThreadPoolExecutor(AT_ONCE) as pool:
        codes = list(pool.map(lambda url: client.get(url).status_code, urls))
    return codes.count(httpx.codes.SERVICE_UNAVAILABLE)


@given("a customer keeps sending requests")
def keeps_asking(target: Target, asker: Asker, cannot_be_seen: Callable[[str], None]) -> None:
    if target.facts.disposable:  # on a live target customers do
        asker.start()
    else:
        cannot_be_seen("nobody floods a live target: its customers ask")


@then("that customer was answered all the time")
def was_answered(asker: Asker, note: Callable[[str], None]) -> None:
    codes = asker.stop()
    note(f"{len(codes)} requests")
    assert codes, "nobody asked: nothing to prove"
    assert set(codes) == {httpx.codes.OK}


@then("the log names the pool that timed out")
def log_names_the_pool(last_result: Result) -> None:
    assert '"error":"PoolTimeout"' in last_result.stdout
    assert f'"path":"{PATH}"' in last_result.stdout


@then("all connections of the slots wait for a lock, and the session that holds it is named")
def connections_wait(last_result: Result, slots: Callable[[], list[str]], database: Any) -> None:
    assert "forgotten session" in last_result.stdout
    waiting = database.execute(
        "SELECT application_name, count(*) FROM pg_stat_activity WHERE application_name LIKE 'beautycort api%' "
        "AND wait_event_type = 'Lock' GROUP BY 1"
    ).fetchall()
    assert sorted(waiting) == [(f"beautycort api_{number}", POOL_SIZE) for number in range(1, len(slots()) + 1)]


@then("every slot answers from the database")
def slots_answer(slots: Callable[[], list[str]]) -> None:
    assert [status_of(slot, LONGEST_S) for slot in slots()] == [httpx.codes.OK] * len(slots())


@then("the slot that was restarted cannot answer from the database either")
def restart_did_not_help(slots: Callable[[], list[str]]) -> None:
    with ThreadPoolExecutor(POOL_SIZE + 1) as pool:
        codes = list(pool.map(lambda _: status_of(slots()[0], 3), range(POOL_SIZE + 1)))
    assert httpx.codes.OK not in codes


@then("no request is refused when many customers come at once")
def nobody_is_refused(slots: Callable[[], list[str]]) -> None:
    assert refused_of(slots()) == 0
