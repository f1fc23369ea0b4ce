"""What can be wrong with a request, as HTTP answers; and how its body is read."""

from __future__ import annotations

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = ["body_of", "problem", "text_field"]

LARGEST_BODY = 64 * 1024  # bytes


def problem(status: int, message: str, **headers: str) -> HTTPException:
    """An answer that says what was wrong."""
    return HTTPException(status, message, headers=headers or None)


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request; 400 or 413 when it is none."""
    raw = await request.body()
    if len(raw) > LARGEST_BODY:
        raise problem(413, "the body is larger than 64 KiB")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise problem(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise problem(400, "the body must be a JSON object")
    return body


def text_field(body: dict[str, Any], name: str, longest: int = 200) -> str:
    """A non-empty text of the body; 400 when it is missing, no text, too long, or holds a NUL."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > longest or "\0" in value:
        raise problem(400, f"{name} must be a text of 1 to {longest} characters")
    return value.strip()
