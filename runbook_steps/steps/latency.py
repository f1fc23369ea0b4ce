"""Requests that are slow: which endpoint, which third party, and whether the cache is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import redis
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Observation, Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.cache_refused import CacheRefused
from runbook_steps.faults.slow_third_party import SlowThirdParty
from runbook_steps.faults.wrong_setting import WrongSetting
from runbook_steps.operations.patient import waited_s
from runbook_steps.steps.errors import Payer

DELAY_MS = 3000
LONG_WAIT = "THIRD_PARTY_TIMEOUT_S=30"
PAYMENTS = 3
SEARCH = "/api/providers?limit=100&radius_km=500"
SAMPLES = 21


@given("the payment service is slow")
def payment_is_slow(
    situation: Situation, environment: Callable[[], Mapping[str, str]], note: Callable[[str], None]
) -> None:
    note(situation.arrange(SlowThirdParty("tap", environment()["TAP_API_URL"], DELAY_MS)).detail)


@given("customers wait for their payments")
def customers_wait(
    target: Target, payer: Callable[[], Payer], note: Callable[[str], None], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("nobody pays on a live target for a look: the times that its log counts tell")
        return
    one = payer()
    with ThreadPoolExecutor(PAYMENTS) as pool:
        codes = list(pool.map(lambda _: one.pay().status_code, range(PAYMENTS)))
    note(f"{PAYMENTS} payments: {codes}")


@given("the application waits 30 seconds for a third party")
def waits_too_long(
    control: ServiceControl,
    payer: Callable[[], Payer],
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
    target: Target,
) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("how long the application waits is seen by paying, and nobody pays there for a look")
    file = Path(environment()["API_ENV_FILE"])

    def look() -> Observation:
        there = LONG_WAIT in file.read_text("utf-8")
        return Observation(there, f"{LONG_WAIT} is {'' if there else 'not '}in the configuration")

    name, _, value = LONG_WAIT.partition("=")
    situation.arrange(WrongSetting("THIRD_PARTY_TIMEOUT_S is too long", control, file, {name: value}, look))
    took = payment_ms(payer())
    note(f"a payment takes {took:.0f} ms")
    assert took > DELAY_MS


@given("the response cache stores nothing, because the memory limit of Redis is too low")
def cache_takes_nothing(situation: Situation, redis_client: redis.Redis, note: Callable[[str], None]) -> None:
    note(situation.arrange(CacheRefused(redis_client)).detail)


def payment_ms(payer: Payer) -> float:
    """How long one payment takes, in milliseconds, whatever it answers."""
    began = time.perf_counter()
    payer.pay()
    return 1000 * (time.perf_counter() - began)


@then(parsers.parse('the slowest endpoint it reports is "{endpoint}"'))
def slowest_endpoint(last_result: Result, endpoint: str) -> None:
    assert endpoint == answer_of(last_result)["byEndpoint"][0]["name"]


@then(parsers.parse("the mean response time it reports is above {limit:d} ms"))
def mean_above(last_result: Result, limit: int, note: Callable[[str], None]) -> None:
    report = answer_of(last_result)
    note(f"mean {report['meanMs']} ms, p95 {report['p95Ms']} ms")
    assert report["meanMs"] > limit


@then(parsers.parse("the time it measured is above {limit:d} ms"))
def measured_above(last_result: Result, limit: int) -> None:
    assert 1000 * float(last_result.stdout.split()[-1]) > limit


@then(parsers.parse("a payment is answered within {limit:d} ms, with a clear refusal"))
def payment_is_answered(payer: Callable[[], Payer], limit: int, note: Callable[[str], None]) -> None:
    began = time.perf_counter()
    answer = payer().pay()
    took = 1000 * (time.perf_counter() - began)
    note(f"{answer.status_code} after {took:.0f} ms")
    assert answer.status_code == httpx.codes.GATEWAY_TIMEOUT
    assert took < limit


@then("searches are answered from the cache, faster than from the database")
def cache_is_faster(target: Target, api: httpx.Client, note: Callable[[str], None]) -> None:
    from_cache, from_database = [], []
    for _ in range(SAMPLES):  # of places that nobody asked for before, not in the last scenario either
        from_database.append(search_ms(api, f"{SEARCH}&lat=31.{time.time_ns() % 10**9:09d}", "miss"))
    search_ms(api, SEARCH, "")
    for _ in range(SAMPLES):
        from_cache.append(search_ms(api, SEARCH, "hit"))
    hit, miss = min(from_cache), min(from_database)  # other work only ever adds to it
    note(
        f"the least of {SAMPLES}: {hit:.2f} ms from the cache, {miss:.2f} ms from the database: {miss / hit:.1f} times"
    )
    # on a live target the way there takes longer than the answer: where it came from is checked, the time only told
    assert hit < miss or not target.facts.disposable


def search_ms(api: httpx.Client, path: str, expected: str) -> float:
    """How long a search takes, in milliseconds; it must come from where it is expected to, if that is said."""
    began = time.perf_counter()
    answer = api.get(path)
    took = 1000 * (time.perf_counter() - began - waited_s(answer))
    assert answer.status_code == httpx.codes.OK
    assert expected in answer.headers["X-Cache"]
    return took


@then("no search is answered from the cache")
def nothing_from_the_cache(last_result: Result) -> None:
    assert "hit" not in last_result.stdout
    assert "miss" in last_result.stdout


@then(parsers.parse("all searches but the first were answered from the cache"))
def all_from_the_cache(last_result: Result) -> None:
    words = last_result.stdout.split()
    assert (words.count("miss"), words.count("hit")) in {(1, 9), (0, 10)}


@then("the CDN answers in less than 2000 ms")
def cdn_is_fast(environment: Callable[[], Mapping[str, str]]) -> None:
    began = time.perf_counter()
    answer = httpx.get(environment()["CDN_URL"], timeout=10, trust_env=False)
    assert answer.status_code == httpx.codes.OK
    assert time.perf_counter() - began < 2  # noqa: PLR2004 - seconds; production-interfaces.md, CDN Health
