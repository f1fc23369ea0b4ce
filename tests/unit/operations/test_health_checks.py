"""Both shapes of the health route are understood, and a database that it calls broken is not overlooked."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from runbook_steps.operations.health_checks import NotHealthy, _api

FLAT = {"status": "healthy", "version": "1.4.0"}
PUBLISHED = {"success": True, "data": {**FLAT, "database": {"status": "connected", "responseTime": 3}}}


def asked(body: object, status: int = 200) -> tuple[str, dict[str, object]]:
    """What the check makes of an answer."""

    async def ask() -> tuple[str, dict[str, object]]:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
            return await _api(client)

    return asyncio.run(ask())


@pytest.mark.parametrize("body", [FLAT, PUBLISHED])
def test_both_shapes_are_healthy(body: object) -> None:
    """On top, and under `data`."""
    assert asked(body) == ("healthy", {"version": "1.4.0", "httpStatus": 200})


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({**PUBLISHED, "data": {**FLAT, "database": {"status": "error"}}}, 200, "its database is 'error'"),
        ({"status": "degraded"}, 200, "status degraded"),
        ({"ok": True}, 200, "status unknown"),
        ([1], 200, "status unknown"),
        (FLAT, 503, "HTTP 503"),
    ],
)
def test_everything_else_is_not(body: object, status: int, said: str) -> None:
    """Also HTTP 200 whose database is broken."""
    with pytest.raises(NotHealthy, match=said):
        asked(body, status)
