"""The stand-ins of the third parties tell what they received, however long a run has lasted."""

from __future__ import annotations

import asyncio

import httpx

from runbook_steps.stand_in.reference_api import third_parties


def test_what_was_received_is_counted_beyond_what_is_kept() -> None:
    """A scenario late in a long run still sees that one more came."""

    async def told_after(messages: int) -> tuple[int, int]:
        transport = httpx.ASGITransport(third_parties.create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://parties") as client:
            for number in range(messages):
                await client.post("/tap/v2/charges", json={"amount": number})
            told = (await client.get("/_control/tap/received")).json()
        return told["count"], len(told["received"])

    assert asyncio.run(told_after(third_parties.KEPT + 1)) == (third_parties.KEPT + 1, third_parties.KEPT)
