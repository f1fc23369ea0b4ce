"""What the API says of itself: healthy only when it can serve, within two seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runbook_steps.stand_in.reference_api.state import State, state_of

__all__ = ["ROUTES"]

DEADLINE_S = 2.0
SLOW_DATABASE_MS, SLOW_REDIS_MS = 5000, 1000  # production-interfaces: degraded above
Check = dict[str, Any]


async def _timed(name: str, probe: Callable[[], Awaitable[dict[str, Any]]], slow_ms: float) -> Check:
    began = time.perf_counter()
    try:
        details = await asyncio.wait_for(probe(), DEADLINE_S)
        status, error = "healthy", None
    except TimeoutError:
        details, status, error = {}, "unhealthy", f"no answer within {DEADLINE_S:g} s"
    except Exception as failure:
        details, status, error = {}, "unhealthy", type(failure).__name__
    took = round(1000 * (time.perf_counter() - began), 1)
    if status == "healthy" and took > slow_ms:
        status = "degraded"
    check: Check = {"name": name, "status": status, "responseTime": took, "details": details}
    return check if error is None else {**check, "error": error}


async def _database(state: State) -> dict[str, Any]:
    # a connection of its own: a full pool is not a dead database, and a dead one must not be waited for
    connection = await psycopg.AsyncConnection.connect(
        state.settings.database_url, autocommit=True, connect_timeout=2, application_name="beautycort health"
    )
    async with connection:
        await connection.execute("SELECT 1 FROM users LIMIT 1")
    return {"pool": {"size": state.settings.pool_size, **_pool_numbers(state)}}


def _pool_numbers(state: State) -> dict[str, int]:
    stats = state.pool.get_stats()
    return {"open": stats.get("pool_size", 0), "idle": stats.get("pool_available", 0)}


async def _redis(state: State) -> dict[str, Any]:
    await state.redis.ping()
    return {}


async def _third_parties(state: State) -> dict[str, Any]:
    names = {
        "twilio": state.settings.twilio_url,
        "tap": state.settings.tap_url,
        "expo": state.settings.expo_url,
    }

    async def status(url: str) -> int:
        return (await state.http.get(url)).status_code

    codes = dict(zip(names, await asyncio.gather(*map(status, names.values())), strict=True))
    failing = [name for name in ("twilio", "tap") if codes[name] >= 500]  # noqa: PLR2004
    if failing:
        raise ConnectionError(f"{', '.join(failing)} fail")
    return codes


async def _core(state: State) -> list[Check]:
    return list(
        await asyncio.gather(
            _timed("Database Health", lambda: _database(state), SLOW_DATABASE_MS),
            _timed("Redis Health", lambda: _redis(state), SLOW_REDIS_MS),
        )
    )


def _worst(checks: list[Check]) -> str:
    order = ("healthy", "degraded", "unhealthy")
    return max((str(check["status"]) for check in checks), key=order.index, default="healthy")


def _answer(state: State, status: str, **more: object) -> Response:
    body = {
        "status": status,
        "version": state.settings.version,
        "uptime": round(time.monotonic() - state.started, 1),
        "timestamp": datetime.now(UTC).isoformat(),
        **more,
    }
    return JSONResponse(body, 503 if status == "unhealthy" else 200)


async def health(request: Request) -> Response:
    """GET /api/health: 503 when it cannot serve."""
    state = state_of(request)
    return _answer(state, _worst(await _core(state)))


async def detailed(request: Request) -> Response:
    """GET /api/health/detailed: with every check."""
    state = state_of(request)
    (database, redis), third = await asyncio.gather(
        _core(state), _timed("External Dependencies", lambda: _third_parties(state), 2000)
    )
    api: Check = {
        "name": "API Health",
        "status": "healthy",
        "responseTime": 0.0,
        "details": {"version": state.settings.version, "slot": state.settings.slot},
    }
    checks = [api, database, redis, third]
    # the platform serves without third parties: sign-in or payment fails, search does not
    status = _worst([api, database, redis])
    if status == "healthy" and third["status"] != "healthy":
        status = "degraded"
    return _answer(state, status, checks=checks)


async def version(request: Request) -> Response:
    """GET /api/version."""
    settings = state_of(request).settings
    return JSONResponse({"version": settings.version, "commit": settings.commit, "slot": settings.slot})


ROUTES = [
    Route("/api/health", health),
    Route("/api/health/detailed", detailed),
    Route("/api/version", version),
]
