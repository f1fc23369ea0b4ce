"""Bookings, which the database keeps from overlapping, and payments through Tap."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx
import psycopg
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runbook_steps.stand_in.reference_api.auth import signed_in_user
from runbook_steps.stand_in.reference_api.catalogue import rows_of, uuid_of
from runbook_steps.stand_in.reference_api.problems import body_of, problem, text_field
from runbook_steps.stand_in.reference_api.seed import FEE
from runbook_steps.stand_in.reference_api.state import State, state_of

__all__ = ["ROUTES"]

METHODS = ("cash", "card", "wallet")
_COLUMNS = (
    "id::text, provider_id::text, service_id::text, date::text, start_time::text, end_time::text, status, "
    "total_price::float, platform_fee::float, provider_earnings::float, currency, payment_method, "
    "payment_status"
)

_INSERT = (
    "INSERT INTO bookings (user_id, provider_id, service_id, date, start_time, end_time, total_price, "  # noqa: S608
    "platform_fee, provider_earnings, payment_method) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
    f"RETURNING {_COLUMNS}"
)


async def book(request: Request) -> Response:
    """POST /api/bookings."""
    state, user, body = state_of(request), await signed_in_user(request), await body_of(request)
    provider, service = (
        uuid_of(body.get("provider_id"), "provider_id"),
        uuid_of(body.get("service_id"), "service_id"),
    )
    day, start = _day(text_field(body, "date", 10)), _clock(text_field(body, "start_time", 8))
    method = body.get("payment_method", "cash")
    if method not in METHODS:
        raise problem(400, f"payment_method must be one of {', '.join(METHODS)}")
    offered = await rows_of(
        state,
        "SELECT price, duration_minutes FROM services WHERE id = %s AND provider_id = %s AND active",
        (service, provider),
    )
    if not offered:
        raise problem(404, "this provider does not offer this service")
    end = _end(day, start, offered[0]["duration_minutes"])
    price: Decimal = offered[0]["price"]
    fee = (price * FEE).quantize(Decimal("0.001"))
    try:
        (row,) = await rows_of(
            state,
            _INSERT,
            (user, provider, service, day, start, end, price, fee, price - fee, method),
        )
    except psycopg.errors.ExclusionViolation as error:
        raise problem(409, "this time is taken") from error
    return JSONResponse(row, 201)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise problem(400, "date must be like 2026-01-31") from error


def _clock(text: str) -> time:
    if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", text):
        raise problem(400, "start_time must be like 14:30")
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise problem(400, "start_time must be like 14:30") from error


def _end(day: date, start: time, minutes: int) -> time:
    end = datetime.combine(day, start) + timedelta(minutes=minutes)
    if end.date() != day:
        raise problem(400, "the service would end after midnight")
    return end.time()


async def mine(request: Request) -> Response:
    """GET /api/bookings: the user's own."""
    user = await signed_in_user(request)
    found = await rows_of(
        state_of(request),
        f"SELECT {_COLUMNS} FROM bookings WHERE user_id = %s ORDER BY date, start_time LIMIT 200",  # noqa: S608
        (user,),
    )
    return JSONResponse({"bookings": found, "count": len(found)})


async def cancel(request: Request) -> Response:
    """DELETE /api/bookings/{id}: cancels it; the row stays."""
    user, booking = await signed_in_user(request), uuid_of(request.path_params["id"], "id")
    rows = await rows_of(
        state_of(request),
        "UPDATE bookings SET status = 'cancelled' WHERE id = %s AND user_id = %s "
        "AND status IN ('pending', 'confirmed', 'cancelled') RETURNING id",
        (booking, user),
    )
    if not rows:
        raise problem(404, "no such booking of yours can be cancelled")
    return Response(status_code=204)


async def pay(request: Request) -> Response:
    """POST /api/payments: charged by Tap, then recorded."""
    state, user, body = state_of(request), await signed_in_user(request), await body_of(request)
    booking = uuid_of(body.get("booking_id"), "booking_id")
    amount = _amount(body.get("amount"))
    if body.get("currency") != "JOD":
        raise problem(400, "currency must be JOD")
    found = await rows_of(state, "SELECT total_price FROM bookings WHERE id = %s AND user_id = %s", (booking, user))
    if not found:
        raise problem(404, "no such booking of yours")
    if found[0]["total_price"] != amount:
        raise problem(409, "the amount is not the price of the booking")
    charge = await _charge(state, booking, amount, str(body.get("source", "src_card"))[:100])
    await rows_of(
        state,
        "WITH paid AS (UPDATE bookings SET payment_status = 'paid' WHERE id = %s) "
        "INSERT INTO payments (booking_id, charge_id, amount, currency, status) "
        "VALUES (%s, %s, %s, 'JOD', %s) RETURNING id",
        (booking, booking, charge["id"], amount, charge["status"]),
    )
    return JSONResponse({"chargeId": charge["id"], "status": charge["status"]}, 201)


def _amount(value: object) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise problem(400, "amount must be a number") from error
    if not amount.is_finite() or amount <= 0:
        raise problem(400, "amount must be above 0")
    return amount.quantize(Decimal("0.001"))


async def _charge(state: State, booking: str, amount: Decimal, source: str) -> dict[str, Any]:
    order = {
        "amount": float(amount),
        "currency": "JOD",
        "source": {"id": source},
        "reference": {"order": booking},
    }
    try:
        answer = await state.http.post(f"{state.settings.tap_url}/v2/charges", json=order)
        answer.raise_for_status()
        charge: dict[str, Any] = answer.json()
    except httpx.TimeoutException as error:
        raise problem(504, "the payment service does not answer in time") from error
    except (httpx.HTTPError, ValueError) as error:
        raise problem(502, "the payment service fails") from error
    return charge


ROUTES = [
    Route("/api/bookings", book, methods=["POST"]),
    Route("/api/bookings", mine, methods=["GET"]),
    Route("/api/bookings/{id}", cancel, methods=["DELETE"]),
    Route("/api/payments", pay, methods=["POST"]),
]
