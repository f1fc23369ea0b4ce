"""Users, providers, categories and services: what customers look through."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import redis
from psycopg.rows import dict_row
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runbook_steps.stand_in.reference_api.auth import phone_of, signed_in_user
from runbook_steps.stand_in.reference_api.problems import body_of, problem, text_field
from runbook_steps.stand_in.reference_api.state import State, state_of

__all__ = ["ROUTES", "uuid_of"]

CACHE_TTL_S = 60
MILES_TO_KM = 1.609344  # earthdistance measures points in statute miles


async def rows_of(state: State, query: str, values: tuple[object, ...] = ()) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    async with state.pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query.encode(), values)
        return list(await cursor.fetchall())


async def _cached(state: State, key: str, make: Callable[[], Awaitable[object]]) -> Response:
    """The answer from the cache, or made and kept. A Redis that cannot take it must not lose the answer."""
    try:
        found = await state.redis.get(f"cache:{key}")
    except redis.exceptions.RedisError:
        found = None
    state.measures.cached(hit=found is not None)
    if found is not None:
        return Response(found, media_type="application/json", headers={"X-Cache": "hit"})
    text = json.dumps(await make(), default=str)
    try:
        await state.redis.set(f"cache:{key}", text, ex=CACHE_TTL_S)
    except redis.exceptions.RedisError:
        state.app_log.write(level="warn", message="the response was not cached", key=key)
    return Response(text, media_type="application/json", headers={"X-Cache": "miss"})


def uuid_of(text: object, name: str) -> str:
    """A UUID, or 400."""
    try:
        return str(uuid.UUID(str(text)))
    except ValueError as error:
        raise problem(400, f"{name} must be a UUID") from error


def _number(request: Request, name: str, default: float, low: float, high: float) -> float:
    try:
        value = float(request.query_params.get(name, default))
    except ValueError as error:
        raise problem(400, f"{name} must be a number") from error
    if not low <= value <= high:
        raise problem(400, f"{name} must lie between {low:g} and {high:g}")
    return value


async def register(request: Request) -> Response:
    """POST /api/users."""
    state, body = state_of(request), await body_of(request)
    phone, name = phone_of(body), text_field(body, "name", 100)
    language = body.get("preferred_language", "ar")
    if language not in {"ar", "en"}:
        raise problem(400, "preferred_language must be ar or en")
    try:
        (row,) = await rows_of(
            state,
            "INSERT INTO users (phone, name, preferred_language) VALUES (%s, %s, %s) "
            "RETURNING id::text, phone, name, preferred_language",
            (phone, name, language),
        )
    except psycopg.errors.UniqueViolation as error:
        raise problem(409, "this phone is registered") from error
    return JSONResponse(row, 201)


async def me(request: Request) -> Response:
    """GET /api/users/me."""
    state, user = state_of(request), await signed_in_user(request)
    rows = await rows_of(state, "SELECT id::text, phone, name, preferred_language FROM users WHERE id = %s", (user,))
    if not rows:
        raise problem(401, "this account is gone")
    return JSONResponse(rows[0])


async def providers(request: Request) -> Response:
    """GET /api/providers: the nearest first."""
    state = state_of(request)
    latitude = _number(request, "lat", 31.9539, -90, 90)
    longitude = _number(request, "lng", 35.9106, -180, 180)
    radius = _number(request, "radius_km", 25, 0.1, 500)
    limit = int(_number(request, "limit", 20, 1, 100))

    async def search() -> object:
        found = await rows_of(
            state,
            "SELECT * FROM (SELECT id::text, name_en, name_ar, city, rating::float, verified, "
            "round(((location <@> point(%s, %s)) * %s)::numeric, 2)::float AS distance_km "
            "FROM providers WHERE active) AS near WHERE distance_km <= %s "
            "ORDER BY distance_km, rating DESC LIMIT %s",
            (longitude, latitude, MILES_TO_KM, radius, limit),
        )
        named = [{**row, "name": row["name_en"]} for row in found]
        return {"providers": named, "count": len(named)}

    return await _cached(state, f"providers:{latitude:.4f}:{longitude:.4f}:{radius:g}:{limit}", search)


async def categories(request: Request) -> Response:
    """GET /api/service-categories."""
    state = state_of(request)

    async def read() -> object:
        query = "SELECT id::text, name_en, name_ar FROM service_categories ORDER BY name_en"
        return {"categories": await rows_of(state, query)}

    return await _cached(state, "service-categories", read)


_SERVICES = (
    "SELECT id::text, provider_id::text, category_id::text, name_en, name_ar, price::float, currency, "
    "duration_minutes FROM services WHERE active"
)


async def services(request: Request) -> Response:
    """GET /api/services."""
    limit = int(_number(request, "limit", 50, 1, 300))
    found = await rows_of(state_of(request), f"{_SERVICES} ORDER BY name_en, id LIMIT %s", (limit,))
    return JSONResponse({"services": found, "count": len(found)})


async def services_of(request: Request) -> Response:
    """GET /api/providers/{id}/services."""
    provider = uuid_of(request.path_params["id"], "id")
    found = await rows_of(state_of(request), f"{_SERVICES} AND provider_id = %s ORDER BY name_en, id", (provider,))
    return JSONResponse({"services": found, "count": len(found)})


ROUTES = [
    Route("/api/users", register, methods=["POST"]),
    Route("/api/users/me", me),
    Route("/api/providers", providers),
    Route("/api/providers/{id}/services", services_of),
    Route("/api/service-categories", categories),
    Route("/api/services", services),
]
