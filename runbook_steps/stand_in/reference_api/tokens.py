"""Tokens: HS256, signed with the one secret of today. A token of an older secret is refused."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt

__all__ = ["REFRESH_TTL_S", "Claims", "make_token", "read_token"]

REFRESH_TTL_S = 30 * 86400
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Claims:
    """Whose token, of which session, and until when (seconds since the epoch)."""

    user: str
    session: str
    jti: str
    kind: str
    expires: int


def make_token(secret: str, user: str, session: str, kind: str, ttl_s: int) -> str:
    """A signed token; `kind` is `access` or `refresh`."""
    now = int(time.time())
    payload = {
        "sub": user,
        "sid": session,
        "jti": uuid.uuid4().hex,
        "kind": kind,
        "iat": now,
        "exp": now + ttl_s,
    }
    return jwt.encode(payload, secret, algorithm=_ALGORITHM)


def read_token(secret: str, token: str, kind: str) -> Claims | None:
    """The claims of a token of that kind; None when signature, expiry or kind are no good."""
    try:
        found: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[_ALGORITHM], options={"require": ["exp", "sub", "jti", "sid", "kind"]}
        )
    except (jwt.InvalidTokenError, UnicodeError, ValueError):
        return None
    if found["kind"] != kind:
        return None
    return Claims(str(found["sub"]), str(found["sid"]), str(found["jti"]), kind, int(found["exp"]))
