"""The test customer of the smoke tests: who signs in, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx
import psycopg

from runbook_steps.operations.patient import Throttled, waited_s
from runbook_steps.operations.settings import database_url

__all__ = ["REGISTERED_NAME", "Journey", "NeedsOther", "NotAsked", "TestFailed", "bearer", "expect"]

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
REGISTERED_NAME = "Smoke Test"
SIGNED_IN_NAME = "customer"  # what the API calls who never told a name


class TestFailed(Exception):
    """What was expected and what was seen."""


class NeedsOther(Exception):
    """A test that this one builds on did not pass."""


class NotAsked(Exception):
    """The platform has nothing to test with; the text names the variable that tells what it is."""


def expect(answer: httpx.Response, status: int, what: str) -> Any:
    """The body of an answer. Raises TestFailed when its status is another."""
    if answer.status_code != status:
        raise TestFailed(f"{what}: expected HTTP {status}, got {answer.status_code}")
    return answer.json() if answer.content else {}


def bearer(tokens: Mapping[str, Any]) -> dict[str, str]:
    """The headers of whom these tokens were given to."""
    return {"Authorization": f"Bearer {tokens['accessToken']}"}


def test_phone(numbers: str) -> str:
    """One of `+962790000001 +962790000002`, or of a range, `+962790000000-+962790009999`. Raises NotAsked."""
    choice = secrets.choice(numbers.split())
    first, dash, last = choice.partition("-")
    if not (_NUMBER.fullmatch(first) and (not dash or (_NUMBER.fullmatch(last) and len(first) == len(last)))):
        raise NotAsked("SMOKE_PHONES must hold numbers like +962790000001, or a range of them joined by -")
    span = int(last) - int(first) if dash else 0
    if span < 0:
        raise NotAsked("SMOKE_PHONES: a range begins with its lower number")
    return f"+{int(first) + secrets.randbelow(span + 1)}"


@dataclass
class Journey:
    """What the tests of one run share: the clients, and what the test customer got so far."""

    api: httpx.AsyncClient
    outside: httpx.AsyncClient
    environ: Mapping[str, str] = field(repr=False)
    phone: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)
    invited: tuple[str, str] | None = None
    categories: dict[str, Any] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    booking: dict[str, Any] = field(default_factory=dict)
    phones: list[str] = field(default_factory=list)
    took_ms: dict[str, list[float]] = field(default_factory=dict)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Asks, and keeps how long a good answer took, without its wait for the rate limit."""
        began = time.perf_counter()
        answer = await self.api.get(path, **options)
        if answer.is_success:
            self.took_ms.setdefault(path, []).append(1000 * (time.perf_counter() - began - waited_s(answer)))
        return answer

    def headers(self) -> dict[str, str]:
        """Of the signed-in test customer. Raises NeedsOther when nobody is."""
        if not self.tokens:
            raise NeedsOther("nobody is signed in: Authentication Flow did not pass")
        return bearer(self.tokens)

    async def customer(self) -> tuple[str, dict[str, Any]]:
        """The signed-in test customer, who signs in now where nobody is: phone and tokens."""
        if not self.tokens:
            self.phone, self.tokens = await self.sign_in()
        return self.phone, self.tokens

    async def another_customer(self) -> tuple[str, dict[str, Any]]:
        """One more, with the code that was sent already where one was: phone and tokens."""
        if self.invited is None:
            return await self.sign_in()
        (phone, code), self.invited = self.invited, None
        return phone, await self._verify(phone, code)

    async def own_phone(self, tokens: Mapping[str, Any]) -> str:
        """The phone in the account that the tokens open."""
        me = expect(await self.get("/api/users/me", headers=bearer(tokens)), 200, "reading the own account")
        return str(me["phone"])

    def new_phone(self) -> str:
        """A test number of the SMS vendor; its account is removed at the end. Raises NotAsked."""
        self.phones.append(test_phone(self.set_for("SMOKE_PHONES", "the test numbers of the SMS vendor")))
        return self.phones[-1]

    def set_for(self, name: str, what: str) -> str:
        """The value of a variable that says what to test with. Raises NotAsked: nothing real is touched instead."""
        value = self.environ.get(name, "").strip()
        if not value:
            raise NotAsked(f"set {name} to {what}; no real customer, provider or card is used instead")
        return value

    async def sign_in(self) -> tuple[str, dict[str, Any]]:
        """A new customer: phone and tokens."""
        phone = self.new_phone()
        expect(await self.api.post("/api/auth/otp/request", json={"phone": phone}), 202, "requesting a code")
        return phone, await self._verify(phone, await self.received_code(phone))

    async def _verify(self, phone: str, code: str) -> dict[str, Any]:
        answer = await self.api.post("/api/auth/otp/verify", json={"phone": phone, "code": code})
        tokens: dict[str, Any] = expect(answer, 200, "signing in with the code")
        return tokens

    async def received_code(self, phone: str) -> str:
        """The last code that the SMS sandbox received for a number."""
        if fixed := self.environ.get("SMOKE_CODE", "").strip():
            return fixed
        inbox = self.set_for("SMOKE_CODES_URL", "the inbox of the test numbers, or SMOKE_CODE to a fixed code")
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
        with suppress(httpx.HTTPError, TimeoutError, Throttled):
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
