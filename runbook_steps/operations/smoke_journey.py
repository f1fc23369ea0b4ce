"""The test customer of the smoke tests: who signs in, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import psycopg

from runbook_steps.operations.settings import database_url

__all__ = ["REGISTERED_NAME", "Journey", "NeedsOther", "TestFailed", "expect"]

TEST_RANGE = "+96279000"  # numbers that belong to nobody
REGISTERED_NAME = "Smoke Test"
SIGNED_IN_NAME = "customer"  # what the API calls who never told a name


class TestFailed(Exception):
    """What was expected and what was seen."""


class NeedsOther(Exception):
    """A test that this one builds on did not pass."""


def expect(answer: httpx.Response, status: int, what: str) -> Any:
    """The body of an answer. Raises TestFailed when its status is another."""
    if answer.status_code != status:
        raise TestFailed(f"{what}: expected HTTP {status}, got {answer.status_code}")
    return answer.json() if answer.content else {}


@dataclass
class Journey:
    """What the tests of one run share: the clients, and what the test customer got so far."""

    api: httpx.AsyncClient
    outside: httpx.AsyncClient
    environ: Mapping[str, str] = field(repr=False)
    tokens: dict[str, Any] = field(default_factory=dict)
    provider: dict[str, Any] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    booking: dict[str, Any] = field(default_factory=dict)
    phones: list[str] = field(default_factory=list)

    def headers(self) -> dict[str, str]:
        """Of the signed-in test customer. Raises NeedsOther when nobody is."""
        if not self.tokens:
            raise NeedsOther("nobody is signed in: Authentication Flow did not pass")
        return {"Authorization": f"Bearer {self.tokens['accessToken']}"}

    def new_phone(self) -> str:
        """A number of the test range; its account is removed at the end."""
        self.phones.append(f"{TEST_RANGE}{secrets.randbelow(1_000_000):06d}")
        return self.phones[-1]

    async def sign_in(self) -> tuple[str, dict[str, Any]]:
        """A new customer: phone and tokens."""
        phone = self.new_phone()
        expect(await self.api.post("/api/auth/otp/request", json={"phone": phone}), 202, "requesting a code")
        code = await self.received_code(phone)
        answer = await self.api.post("/api/auth/otp/verify", json={"phone": phone, "code": code})
        return phone, expect(answer, 200, "signing in with the code")

    async def received_code(self, phone: str) -> str:
        """The last code that the SMS sandbox received for a number."""
        inbox = self.environ.get("TWILIO_INBOX_URL") or f"{self.environ['TWILIO_API_URL']}/_inbox"
        messages = expect(await self.outside.get(f"{inbox}?to={quote(phone)}"), 200, "reading the SMS inbox")
        words = str(messages["messages"][-1]["body"] if messages["messages"] else "").split()
        codes = [word for word in words if word.isdigit()]
        if not codes:
            raise TestFailed("no SMS with a code arrived")
        return codes[-1]

    async def execute(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query, on a connection of its own."""
        connection = await psycopg.AsyncConnection.connect(
            database_url(self.environ),
            autocommit=True,
            connect_timeout=5,
            application_name="beautycort smoke",
        )
        async with connection:
            cursor = await connection.execute(query.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def clean_up(self, deadline_s: float) -> None:
        """Cancels the booking, signs out, and removes the test customers; a platform that is down keeps them."""
        with suppress(httpx.HTTPError, TimeoutError):
            await asyncio.wait_for(self._sign_out(), deadline_s)
        with suppress(psycopg.Error, TimeoutError):
            await asyncio.wait_for(self._remove_customers(), deadline_s)

    async def _sign_out(self) -> None:
        if self.booking:
            await self.api.delete(f"/api/bookings/{self.booking['id']}", headers=self.headers())
        if self.tokens:
            await self.api.post("/api/auth/logout", headers=self.headers())

    async def _remove_customers(self) -> None:
        await self.execute(
            "DELETE FROM users WHERE phone = ANY(%s) AND name = ANY(%s)", self.phones, [SIGNED_IN_NAME, REGISTERED_NAME]
        )
