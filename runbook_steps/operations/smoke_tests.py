"""The twelve smoke tests: a test customer signs in, books a test provider, pays by a test card, and cleans up.

They touch nobody real: without a test provider, test numbers or a test card, what needs them is skipped and says so.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
from redis import asyncio as redis_asyncio
from redis.exceptions import RedisError

from runbook_steps.operations.health_report import percentile
from runbook_steps.operations.patient import Patient, Throttled, within
from runbook_steps.operations.settings import number, required, web_url
from runbook_steps.operations.smoke_journey import (
    REGISTERED_NAME,
    Journey,
    NeedsOther,
    NotAsked,
    TestFailed,
    bearer,
    expect,
)
from runbook_steps.operations.smoke_report import FAILED, PASSED, SKIPPED, TEST_NAMES, SmokeTest

__all__ = ["run_smoke_tests"]

SLA_MS = 2000  # production's alert threshold for the mean response time
DAYS_AHEAD, DAYS = 30, 55  # within the 90 days that the application takes bookings for


async def run_smoke_tests(
    environ: Mapping[str, str], tls: Any, tell: Callable[[SmokeTest], None]
) -> tuple[SmokeTest, ...]:
    """All tests, in the order of the report; `tell` hears of each as it ends. The test customers are removed.

    One test may take twice HEALTH_CHECK_TIMEOUT. Raises ConfigurationError when a variable is missing or no good.
    """
    required(environ, "API_BASE_URL", "DATABASE_URL", "REDIS_URL", "TAP_API_URL")
    deadline_s = 2 * number(environ, "HEALTH_CHECK_TIMEOUT", 10_000, low=100, high=600_000) / 1000
    async with (
        httpx.AsyncClient(
            base_url=environ["API_BASE_URL"], transport=Patient(verify=tls), timeout=deadline_s, trust_env=False
        ) as api,
        httpx.AsyncClient(verify=tls, timeout=deadline_s, trust_env=False) as outside,
    ):
        journey = Journey(api, outside, environ)
        done = []
        try:
            for name in TEST_NAMES:
                done.append(await _timed(name, _TESTS[name], journey, deadline_s))
                tell(done[-1])
        finally:
            await journey.clean_up(deadline_s)
        return tuple(done)


async def _timed(
    name: str, run: Callable[[Journey], Awaitable[dict[str, Any]]], journey: Journey, deadline_s: float
) -> SmokeTest:
    began = time.perf_counter()

    def ended(status: str, details: Mapping[str, Any], error: str | None = None) -> SmokeTest:
        return SmokeTest(name, status, 1000 * (time.perf_counter() - began), details, error)

    try:
        async with within(deadline_s):
            details = await run(journey)
        return ended(PASSED, details)
    except (NeedsOther, NotAsked, Throttled) as missing:
        return ended(SKIPPED, {}, str(missing))
    except TestFailed as failure:
        return ended(FAILED, {}, str(failure))
    except TimeoutError:
        return ended(FAILED, {}, f"no end within {deadline_s:g} s")
    except (httpx.TransportError, psycopg.OperationalError, RedisError) as failure:
        return ended(FAILED, {}, f"cannot reach what it asks: {type(failure).__name__}")
    except Exception as failure:
        return ended(FAILED, {}, _unlike(failure))


def _unlike(failure: Exception) -> str:
    """An answer of another shape. Only a name of ours is told of it: a text of an error may hold anything."""
    if not isinstance(failure, LookupError | ValueError | TypeError):
        return type(failure).__name__
    missing = f": it has no {failure.args[0]}" if isinstance(failure, KeyError) and failure.args else ""
    return f"an answer is not as the test reads it{missing}"


async def _authentication(journey: Journey) -> dict[str, Any]:
    phone, tokens = await journey.sign_in()
    wrong = await journey.api.post("/api/auth/otp/verify", json={"phone": phone, "code": "000000"})
    expect(wrong, 401, "signing in with a used code")
    journey.phone, journey.tokens = phone, tokens
    if await journey.own_phone(tokens) != phone:
        raise TestFailed("the account is somebody else's")
    return {"expiresIn": tokens["expiresIn"]}


async def _token_refresh(journey: Journey) -> dict[str, Any]:
    _ = journey.headers()
    old = journey.tokens["refreshToken"]
    fresh = expect(await journey.api.post("/api/auth/refresh", json={"refreshToken": old}), 200, "refreshing")
    expect(await journey.api.post("/api/auth/refresh", json={"refreshToken": old}), 401, "refreshing twice")
    journey.tokens = {**journey.tokens, **fresh}
    expect(await journey.get("/api/users/me", headers=journey.headers()), 200, "using the fresh token")
    return {"oldTokenRefused": True}


async def _registration(journey: Journey) -> dict[str, Any]:
    phone = journey.new_phone()
    person = {"phone": phone, "name": REGISTERED_NAME, "preferred_language": "en"}
    made = expect(await journey.api.post("/api/users", json=person), 201, "registering")
    expect(await journey.api.post("/api/users", json=person), 409, "registering twice")
    return {"registered": bool(made["id"])}


async def _provider_search(journey: Journey) -> dict[str, Any]:
    place = {"lat": "31.9539", "lng": "35.9106", "radius_km": "25"}
    found = expect(await journey.get("/api/providers", params=place), 200, "searching near Amman")
    distances = [provider["distance_km"] for provider in found["providers"]]
    if not distances:
        raise TestFailed("no provider within 25 km of the centre of Amman")
    if distances != sorted(distances):
        raise TestFailed("the providers are not sorted by distance")
    return {"found": found["count"], "nearestKm": distances[0]}


async def _service_listing(journey: Journey) -> dict[str, Any]:
    provider = journey.set_for("SMOKE_PROVIDER_ID", "a provider that exists for tests only")
    categories = expect(await journey.get("/api/service-categories"), 200, "listing categories")
    path = f"/api/providers/{quote(provider, safe='')}/services"
    services = expect(await journey.get(path), 200, "listing services")["services"]
    if not services or not categories["categories"]:
        raise TestFailed("no service or no category is listed")
    if any(service["currency"] != "JOD" or service["price"] < 0 for service in services):
        raise TestFailed("a price is not in JOD, or below 0")
    journey.service, journey.categories = services[0], categories
    return {"services": len(services), "categories": len(categories["categories"])}


async def _booking(journey: Journey) -> dict[str, Any]:
    headers = journey.headers()
    if not journey.service:
        raise NeedsOther("no service: Service Listing did not pass")
    day = date.today() + timedelta(days=DAYS_AHEAD + secrets.randbelow(DAYS))  # noqa: DTZ011 - a calendar day
    order = {
        "provider_id": journey.environ["SMOKE_PROVIDER_ID"].strip(),
        "service_id": journey.service["id"],
        "date": day.isoformat(),
        "start_time": f"{9 + secrets.randbelow(8):02d}:{secrets.randbelow(60):02d}",
        "payment_method": "card",
    }
    journey.booking = expect(await journey.api.post("/api/bookings", json=order, headers=headers), 201, "booking")
    expect(
        await journey.api.post("/api/bookings", json=order, headers=headers),
        409,
        "booking the same time twice",
    )
    mine = expect(await journey.get("/api/bookings", headers=headers), 200, "listing the own bookings")
    if journey.booking["id"] not in [booking["id"] for booking in mine["bookings"]]:
        raise TestFailed("the booking is not among the customer's own")
    return {"doubleBookingRefused": True}


async def _database(journey: Journey) -> dict[str, Any]:
    rows = await journey.execute("SELECT count(*) FROM providers WHERE active")
    extensions = await journey.execute("SELECT extname FROM pg_extension WHERE extname = 'pg_stat_statements'")
    if not rows or rows[0][0] == 0:
        raise TestFailed("no active provider in the database")
    if not extensions:
        raise TestFailed("pg_stat_statements is not installed: slow queries cannot be found")
    return {"activeProviders": rows[0][0]}


async def _cache(journey: Journey) -> dict[str, Any]:
    client: Any = redis_asyncio.Redis.from_url(
        journey.environ["REDIS_URL"], decode_responses=True, socket_timeout=5, protocol=2
    )
    key, value = f"cache:smoke:{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        await client.set(key, value, ex=60)
        seen, ttl = await client.get(key), await client.ttl(key)
        await client.delete(key)
    finally:
        await client.aclose()
    if seen != value or ttl <= 0:
        raise TestFailed("what was written to Redis was not read back, or does not expire")
    known, answer = journey.categories, await journey.get("/api/service-categories")
    if not known or answer.headers.get("x-cache") != "hit":  # nobody asked before, or it has left the cache since
        known, answer = answer.json(), await journey.get("/api/service-categories")
    if answer.headers.get("x-cache") != "hit" or known != answer.json():
        raise TestFailed("the second answer did not come from the cache, or differs")
    return {"ttl": ttl, "responseCache": "hit"}


async def _sms(journey: Journey) -> dict[str, Any]:
    answer = await journey.outside.get(web_url(journey.environ, "TWILIO_API_URL", "https://api.twilio.com"))
    expect(answer, 200, "asking the SMS service")
    phone = journey.new_phone()
    expect(await journey.api.post("/api/auth/otp/request", json={"phone": phone}), 202, "requesting a code")
    journey.invited = phone, await journey.received_code(phone)
    return {"codeLength": len(journey.invited[1])}


async def _payment(journey: Journey) -> dict[str, Any]:
    if not journey.booking:
        raise NeedsOther("nothing is booked: Booking Creation did not pass")
    card = journey.set_for("SMOKE_CARD", "the payment vendor's test card")
    order = {
        "booking_id": journey.booking["id"],
        "amount": journey.booking["total_price"],
        "currency": "JOD",
        "source": card,
    }
    paid = expect(await journey.api.post("/api/payments", json=order, headers=journey.headers()), 201, "paying")
    if paid["status"] != "CAPTURED":
        raise TestFailed(f"the charge is {paid['status']}, not CAPTURED")
    return {"status": paid["status"]}


async def _response_times(journey: Journey) -> dict[str, Any]:
    """Of what this run has asked already; only what nobody asked is asked for it: the rate limit takes few at once."""
    for path in ("/api/health", "/api/providers", "/api/services", "/api/service-categories"):
        if path not in journey.took_ms:
            expect(await journey.get(path), 200, path)
    times = [took for each in journey.took_ms.values() for took in each]
    mean = sum(times) / len(times)
    if mean > SLA_MS:
        raise TestFailed(f"mean of {len(times)} answers is {mean:.0f} ms; at most {SLA_MS} ms")
    return {"meanMs": round(mean, 1), "p95Ms": round(percentile(times, 95), 1), "limitMs": SLA_MS}


async def _concurrent(journey: Journey) -> dict[str, Any]:
    """The customer of this run and another, both at once: enough to see one in the account of the other."""
    customers = await asyncio.gather(journey.customer(), journey.another_customer())
    seen = await asyncio.gather(*(journey.own_phone(tokens) for _, tokens in customers))
    _, (_, other) = customers
    expect(await journey.api.post("/api/auth/logout", headers=bearer(other)), 204, "signing out")
    if [phone for phone, _ in customers] != seen:
        raise TestFailed("a customer saw another one's account")
    return {"customers": len(customers)}


_TESTS: Mapping[str, Callable[[Journey], Awaitable[dict[str, Any]]]] = {
    "Authentication Flow": _authentication,
    "Token Refresh": _token_refresh,
    "User Registration": _registration,
    "Provider Search": _provider_search,
    "Service Listing": _service_listing,
    "Booking Creation": _booking,
    "Database Connectivity": _database,
    "Cache Operations": _cache,
    "SMS Service": _sms,
    "Payment Gateway": _payment,
    "Response Times SLA": _response_times,
    "Concurrent Users": _concurrent,
}
