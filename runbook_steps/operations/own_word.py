"""What the health route of the API says of itself: good news only when it says so, in either of its two shapes."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = ["said_of_itself", "trouble"]

_HEALTHY = "healthy"
_KNOWN = ("degraded", "unhealthy")
_WELL = (None, "connected", _HEALTHY)  # what is said of a database that can be used, or nothing at all


def said_of_itself(answer: httpx.Response) -> dict[str, Any]:
    """What the health route says, on top or under `data`; {} when it is neither."""
    try:
        body = answer.json()
        body = body if "status" in body else body["data"]
    except (ValueError, TypeError, KeyError):
        return {}
    return body if isinstance(body, dict) else {}


def trouble(answer: httpx.Response) -> str:
    """Why it cannot serve, or nobody can tell whether it can; empty when it says that it is healthy."""
    if "location" in answer.headers:
        return f"HTTP {answer.status_code}, which leads to {answer.headers['location']}: that is no answer of its own"
    body = said_of_itself(answer)
    said = body.get("status")
    if answer.status_code != httpx.codes.OK or said != _HEALTHY:
        return f"HTTP {answer.status_code}, status {said if said in _KNOWN else 'unknown'}: it cannot serve"
    part = body.get("database")
    if isinstance(part, dict) and part.get("status") not in _WELL:
        return f"it says that its database is {str(part['status'])[:40]!r}: it cannot serve"
    return ""
