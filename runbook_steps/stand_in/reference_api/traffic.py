"""Around every request: an id, security headers, a log line, a count; and errors as JSON."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import psycopg_pool
import redis
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runbook_steps.stand_in.reference_api.state import State, state_of

__all__ = ["HANDLERS", "ROUTES", "Traffic"]

SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
KEPT_HOURS = 25  # a day, and the hour that is not full
_MEASURED = "/metrics"
_PROBED = ("/api/health", "/api/health/detailed", "/api/version", "/api/metrics")
_SUSPICIOUS = ("../", "%2e%2e", "<script", "union select", "/.env", "/wp-", "/etc/passwd", ";--")


class Traffic:
    """ASGI middleware: plain, because a slot answers thousands of requests in a drill."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"] == _MEASURED:  # a reading each second would drown the log
            await self._app(scope, receive, send)
            return
        state: State = scope["app"].state.shared
        request_id, began, status = uuid.uuid4().hex, time.perf_counter(), 500

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                named = {**SECURITY_HEADERS, "X-Request-Id": request_id, "X-Served-By": state.settings.slot}
                message["headers"] = [
                    *message.get("headers", ()),
                    *((name.lower().encode(), value.encode()) for name, value in named.items()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        finally:
            took = round(1000 * (time.perf_counter() - began), 1)
            self._log(state, scope, request_id, status, took)
            await _count(state, scope, status, took)

    def _log(self, state: State, scope: Scope, request_id: str, status: int, took: float) -> None:
        path = str(scope["path"])[:300]
        query = bytes(scope.get("query_string", b"")).decode("latin-1")[:300]
        ip = dict(scope["headers"]).get(b"x-real-ip", b"").decode("latin-1")[:45]
        state.app_log.write(
            level="error" if status >= 500 else "info",  # noqa: PLR2004
            message="request",
            requestId=request_id,
            method=scope["method"],
            path=path,
            status=status,
            durationMs=took,
            slot=state.settings.slot,
            version=state.settings.version,
            ip=ip,
        )
        if any(sign in f"{path}?{query}".lower() for sign in _SUSPICIOUS):
            state.security_log.write(event="suspicious request", ip=ip, method=scope["method"], path=path)


def _hour(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H")


async def _count(state: State, scope: Scope, status: int, took: float) -> None:
    route = scope.get("route")
    path = route.path if isinstance(route, Route) else "other"
    endpoint = f"{scope['method']} {path}" if isinstance(route, Route) else path
    if endpoint.endswith(_PROBED):
        return  # probes would drown what customers see
    state.measures.request(scope["method"], path, status, took / 1000)
    key = f"metrics:{_hour(datetime.now(UTC))}"
    failed = status >= 500  # noqa: PLR2004
    try:
        async with asyncio.timeout(1.0):
            pipe = state.redis.pipeline(transaction=False)
            pipe.hincrby(key, f"{endpoint}|requests", 1)
            pipe.hincrbyfloat(key, f"{endpoint}|ms", took)
            if failed:
                pipe.hincrby(key, f"{endpoint}|errors", 1)
            pipe.expire(key, KEPT_HOURS * 3600)
            await pipe.execute()
    except (redis.exceptions.RedisError, OSError, TimeoutError):
        return  # counting must never fail a request


async def measured(request: Request) -> Response:
    """GET /metrics: this slot's counters since its start, for Prometheus. The proxy does not pass it on."""
    measures = state_of(request).measures
    return Response(measures.text(), media_type=measures.media_type)


async def metrics(request: Request) -> Response:
    """GET /api/metrics: requests and errors of the last 24 hours, over all slots."""
    state, now = state_of(request), datetime.now(UTC)
    pipe = state.redis.pipeline(transaction=False)
    for hour in range(24):
        pipe.hgetall(f"metrics:{_hour(now - timedelta(hours=hour))}")
    return JSONResponse(_summed(await pipe.execute()))


def _summed(hours: list[dict[str, str]]) -> dict[str, Any]:
    found: dict[str, dict[str, float]] = {}
    for counts in hours:
        for field, value in counts.items():
            endpoint, _, what = field.rpartition("|")
            row = found.setdefault(endpoint, {"requests": 0, "errors": 0, "ms": 0})
            row[what] += float(value)
    requests = sum(row["requests"] for row in found.values())
    errors = sum(row["errors"] for row in found.values())
    return {
        "requests_24h": int(requests),
        "errors_24h": int(errors),
        "error_rate_percent": round(100 * errors / requests, 3) if requests else 0.0,
        "mean_response_ms": round(sum(r["ms"] for r in found.values()) / requests, 1) if requests else 0.0,
        "by_endpoint": [
            {
                "endpoint": endpoint,
                "requests": int(row["requests"]),
                "errors": int(row["errors"]),
                "mean_ms": round(row["ms"] / row["requests"], 1) if row["requests"] else 0.0,
            }
            for endpoint, row in sorted(found.items(), key=lambda kv: (-kv[1]["errors"], -kv[1]["requests"]))
        ],
    }


async def _http_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):  # pragma: no cover - starlette hands over what was registered
        raise error
    return JSONResponse({"error": error.detail}, error.status_code, headers=dict(error.headers or {}))


async def _unavailable(request: Request, error: Exception) -> Response:
    if isinstance(error, psycopg_pool.PoolTimeout):
        state_of(request).measures.pool_timeout()
    state_of(request).app_log.write(
        level="error",
        message="a service cannot be reached",
        error=type(error).__name__,
        path=request.url.path,
    )
    return JSONResponse({"error": "a service behind the API cannot be reached"}, 503, headers={"Retry-After": "5"})


HANDLERS: dict[Any, Any] = {
    HTTPException: _http_error,
    redis.exceptions.RedisError: _unavailable,
    psycopg.OperationalError: _unavailable,
    psycopg.errors.UndefinedTable: _unavailable,
    psycopg_pool.PoolTimeout: _unavailable,
}

ROUTES = [Route("/api/metrics", metrics), Route(_MEASURED, measured)]
