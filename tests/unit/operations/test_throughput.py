"""The throughput check counts answers that serve, not answers that came."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from runbook_steps.operations.health_checks import NotHealthy, _throughput


def asked(status: int) -> object:
    """What the check says of a server that answers everything with that status."""

    async def run() -> object:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, headers={"location": "/maintenance"}))
        async with httpx.AsyncClient(base_url="https://api.example", transport=transport) as client:
            return await _throughput(client)

    return asyncio.run(run())


@pytest.mark.parametrize("status", [204, 302, 404, 503])
def test_what_is_no_answer_that_serves_has_failed(status: int) -> None:
    """A redirect to a page of maintenance is no health."""
    with pytest.raises(NotHealthy, match="requests failed"):
        asked(status)


def test_what_serves_is_healthy() -> None:
    """Every request answered with 200."""
    assert asked(200)
