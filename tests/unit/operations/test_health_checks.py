"""Both shapes of the health route are understood, and a database that it calls broken is not overlooked."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from runbook_steps.operations.health_checks import NotConfigured, NotHealthy, _api, _balancer, _cdn
from runbook_steps.operations.health_report import Check, health_document
from runbook_steps.operations.health_settings import HealthSettings

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


def test_what_is_not_configured_is_neither_good_nor_bad() -> None:
    """It is counted apart, does not make the rest bad, and is not good where nothing else was asked."""
    checks = [Check("API Health", "healthy", 1.0), Check("CDN Health", "not configured", 0.0)]
    report = health_document(checks)
    assert report["status"] == "healthy"
    assert report["summary"] == {"total": 2, "healthy": 1, "unhealthy": 0, "degraded": 0, "notConfigured": 1}
    assert health_document([checks[1], Check("API Health", "unhealthy", 1.0)])["status"] == "unhealthy"
    assert health_document([checks[1]])["status"] == "not configured"


def test_a_balancer_and_a_cdn_that_nobody_named_are_not_asked() -> None:
    """Each names what to set."""
    named = {"API_BASE_URL": "https://x", "DATABASE_URL": "postgres://u@127.0.0.1/x", "REDIS_URL": "redis://127.0.0.1"}
    settings = HealthSettings.from_environ(named)
    with pytest.raises(NotConfigured, match="neither ALB_TARGET_GROUP_ARN nor ALB_NAME is set"):
        _balancer(settings)
    with pytest.raises(NotConfigured, match="CDN_URL is not set"):
        asyncio.run(_cdn(settings, settings.tls()))
