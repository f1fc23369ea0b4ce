"""Signing in with a code by SMS, refreshing, signing out, and the blacklist of revoked tokens."""

from __future__ import annotations

import hmac
import re
import secrets
import time
import uuid
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runbook_steps.stand_in.reference_api.logs import masked
from runbook_steps.stand_in.reference_api.problems import body_of, problem, text_field
from runbook_steps.stand_in.reference_api.state import State, state_of
from runbook_steps.stand_in.reference_api.tokens import REFRESH_TTL_S, Claims, make_token, read_token

__all__ = ["ROUTES", "phone_of", "signed_in_user"]

OTP_TRIES, OTP_WINDOW_S = 5, 15 * 60  # production: 5 tries in 15 minutes
OTP_TTL_S = 300
_PHONE = re.compile(r"\+[1-9][0-9]{7,14}")


def phone_of(body: dict[str, Any]) -> str:
    """The phone number of a body, or 400."""
    phone = text_field(body, "phone", 20)
    if not _PHONE.fullmatch(phone):
        raise problem(400, "phone must be like +962790000000")
    return phone


def _client_ip(request: Request) -> str:
    forwarded = request.headers.get("x-real-ip", "")
    return forwarded[:45] or (request.client.host if request.client else "unknown")


async def request_code(request: Request) -> Response:
    """POST /api/auth/otp/request."""
    state, phone = state_of(request), phone_of(await body_of(request))
    key = f"ratelimit:otp:{phone}"
    tries = await state.redis.incr(key)
    if tries == 1:
        await state.redis.expire(key, OTP_WINDOW_S)
    if tries > OTP_TRIES:
        state.security_log.write(event="rate limit exceeded", ip=_client_ip(request), phone=masked(phone))
        wait = max(1, await state.redis.ttl(key))
        raise problem(429, "too many codes requested; wait", **{"Retry-After": str(wait)})
    code = f"{secrets.randbelow(1_000_000):06d}"
    await state.redis.set(f"otp:{phone}", code, ex=OTP_TTL_S)
    await _send_code(state, phone, code)
    return JSONResponse({"requestId": uuid.uuid4().hex}, 202)


async def _send_code(state: State, phone: str, code: str) -> None:
    message = {"To": phone, "Body": f"Your BeautyCort code is {code}"}
    try:
        answer = await state.http.post(f"{state.settings.twilio_url}/Messages.json", data=message)
        answer.raise_for_status()
    except httpx.TimeoutException as error:
        raise problem(504, "the SMS service does not answer in time") from error
    except httpx.HTTPError as error:
        raise problem(502, "the SMS service fails") from error


async def verify_code(request: Request) -> Response:
    """POST /api/auth/otp/verify."""
    state, body = state_of(request), await body_of(request)
    phone, code = phone_of(body), text_field(body, "code", 10)
    expected = await state.redis.get(f"otp:{phone}")
    if expected is None or not hmac.compare_digest(expected.encode(), code.encode()):
        state.security_log.write(event="authentication failed", ip=_client_ip(request), phone=masked(phone))
        raise problem(401, "wrong or expired code")
    await state.redis.delete(f"otp:{phone}")
    async with state.pool.connection() as connection:
        cursor = await connection.execute(
            "INSERT INTO users (phone, name) VALUES (%s, 'customer') "
            "ON CONFLICT (phone) DO UPDATE SET phone = EXCLUDED.phone "
            "RETURNING id::text, name, preferred_language",
            [phone],
        )
        user = await cursor.fetchone()
    tokens = await _open_session(state, user[0])
    person = {"id": user[0], "phone": phone, "name": user[1], "preferred_language": user[2]}
    return JSONResponse({**tokens, "user": person})


async def _open_session(state: State, user: str) -> dict[str, Any]:
    session = uuid.uuid4().hex
    await state.redis.set(f"session:{session}", user, ex=REFRESH_TTL_S)
    return _tokens(state, user, session)


def _tokens(state: State, user: str, session: str) -> dict[str, Any]:
    secret, ttl = state.settings.secret, state.settings.access_ttl_s
    return {
        "accessToken": make_token(secret, user, session, "access", ttl),
        "refreshToken": make_token(secret, user, session, "refresh", REFRESH_TTL_S),
        "expiresIn": ttl,
    }


async def refresh(request: Request) -> Response:
    """POST /api/auth/refresh: new tokens for a session that lives; the old refresh token is revoked."""
    state = state_of(request)
    claims = read_token(state.settings.secret, text_field(await body_of(request), "refreshToken", 4000), "refresh")
    if claims is None or not await _alive(state, claims):
        state.security_log.write(event="authentication failed", ip=_client_ip(request), reason="refresh token")
        raise problem(401, "the refresh token is not valid")
    await _revoke(state, claims)
    return JSONResponse(_tokens(state, claims.user, claims.session))


async def logout(request: Request) -> Response:
    """POST /api/auth/logout: the token goes to the blacklist, the session ends."""
    state, claims = state_of(request), await _claims(request)
    await _revoke(state, claims)
    await state.redis.delete(f"session:{claims.session}")
    state.security_log.write(event="token revoked", ip=_client_ip(request), user=claims.user)
    return Response(status_code=204)


async def _revoke(state: State, claims: Claims) -> None:
    await state.redis.set(f"blacklist:{claims.jti}", "1", ex=max(1, claims.expires - int(time.time())))


async def _alive(state: State, claims: Claims) -> bool:
    blacklisted, session = await state.redis.mget(f"blacklist:{claims.jti}", f"session:{claims.session}")
    return blacklisted is None and session is not None


async def verify_blacklist(request: Request) -> Response:
    """GET /api/auth/verify-blacklist: whether the token that asks is revoked, and how many are."""
    state = state_of(request)
    claims = _bearer(request)
    if claims is None:
        raise problem(401, "send a token of this API")
    revoked = await state.redis.exists(f"blacklist:{claims.jti}")
    entries = 0
    async for _ in state.redis.scan_iter(match="blacklist:*", count=1000):
        entries += 1
    return JSONResponse({"jti": claims.jti, "blacklisted": bool(revoked), "entries": entries})


def _bearer(request: Request) -> Claims | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    return read_token(state_of(request).settings.secret, token.strip(), "access")


async def _claims(request: Request) -> Claims:
    state, claims = state_of(request), _bearer(request)
    if claims is None or not await _alive(state, claims):
        state.security_log.write(event="authorization failed", ip=_client_ip(request), path=request.url.path)
        raise problem(401, "sign in first")
    return claims


async def signed_in_user(request: Request) -> str:
    """The id of the user who asks; 401 when the token is not valid, revoked, or its session over."""
    return (await _claims(request)).user


ROUTES = [
    Route("/api/auth/otp/request", request_code, methods=["POST"]),
    Route("/api/auth/otp/verify", verify_code, methods=["POST"]),
    Route("/api/auth/refresh", refresh, methods=["POST"]),
    Route("/api/auth/logout", logout, methods=["POST"]),
    Route("/api/auth/verify-blacklist", verify_blacklist, methods=["GET"]),
]
