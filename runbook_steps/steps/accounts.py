"""Customers of the platform: they sign in with a code by SMS, sign out, and their tokens are revoked."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from pytest_bdd import given, then

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.targets.protocol import Target


@dataclass(frozen=True)
class Session:
    """A customer who is signed in."""

    phone: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this customer carries."""
        return {"Authorization": f"Bearer {self.access_token}"}


@pytest.fixture
def sign_in(api: httpx.Client, environment: Callable[[], Mapping[str, str]]) -> Callable[[], Session]:
    """Signs in a new customer of the test range, with the code that the SMS sandbox received."""

    def customer() -> Session:
        phone = f"+96279000{secrets.randbelow(10_000):04d}"
        request = api.post("/api/auth/otp/request", json={"phone": phone})
        if request.status_code != httpx.codes.ACCEPTED:
            raise CheckFailed(f"requesting a code answered {request.status_code}; expected 202")
        code = code_sent_to(phone, environment()["TWILIO_API_URL"])
        answer = api.post("/api/auth/otp/verify", json={"phone": phone, "code": code})
        if answer.status_code != httpx.codes.OK:
            raise CheckFailed(f"signing in answered {answer.status_code}; expected 200")
        return Session(phone, answer.json()["accessToken"], answer.json()["refreshToken"])

    return customer


def code_sent_to(phone: str, sandbox: str) -> str:
    """The code of the newest message that the SMS sandbox received for the phone. Raises CheckFailed without one."""
    inbox = httpx.get(f"{sandbox}/_inbox?to={quote(phone)}", timeout=10, trust_env=False).json()
    messages: list[Any] = inbox["messages"] if isinstance(inbox, dict) else inbox
    digits = [word for word in str(messages[-1].get("body", messages[-1])).replace(".", " ").split() if word.isdigit()]
    if not digits:
        raise CheckFailed("the SMS sandbox received no code")
    return digits[0]


@pytest.fixture
def sessions() -> list[Session]:
    """Customers that the scenario signed in and left signed in."""
    return []


@pytest.fixture
def revoked_sessions() -> list[Session]:
    """Customers that signed out: their tokens are revoked."""
    return []


@pytest.fixture
def signed_in(sign_in: Callable[[], Session], sessions: list[Session]) -> Callable[[], Session]:
    """Signs in one customer more."""

    def one() -> Session:
        sessions.append(sign_in())
        return sessions[-1]

    return one


@pytest.fixture
def revoked(
    api: httpx.Client, sign_in: Callable[[], Session], revoked_sessions: list[Session]
) -> Callable[[], Session]:
    """Signs in one customer and out again."""

    def one() -> Session:
        session = sign_in()
        answer = api.post("/api/auth/logout", headers=session.headers)
        if answer.status_code != httpx.codes.NO_CONTENT:
            raise CheckFailed(f"signing out answered {answer.status_code}; expected 204")
        revoked_sessions.append(session)
        return session

    return one


@given("a customer is signed in")
def a_customer_is_signed_in(
    target: Target, signed_in: Callable[[], Session], cannot_be_seen: Callable[[str], None]
) -> None:
    if target.facts.disposable:  # on a live target customers are
        signed_in()
    else:
        cannot_be_seen("who is signed in there is not ours: nobody has the tokens of its customers")


@given("a customer has signed out")
def a_customer_has_signed_out(
    target: Target, revoked: Callable[[], Session], cannot_be_seen: Callable[[str], None]
) -> None:
    if target.facts.disposable:  # on a live target customers have
        revoked()
    else:
        cannot_be_seen("whose token is revoked there is not ours to know")


@then("every revoked token is still refused")
def revoked_tokens_are_refused(
    target: Target, api: httpx.Client, revoked: Callable[[], Session], revoked_sessions: list[Session]
) -> None:
    if not target.facts.disposable and not revoked_sessions:
        revoked()  # nobody has the tokens of its customers: one of the test range signs in, and out again
    assert revoked_sessions, "no token was revoked: nothing to prove"
    answers = [api.get("/api/users/me", headers=session.headers).status_code for session in revoked_sessions]
    assert [httpx.codes.UNAUTHORIZED] * len(answers) == answers


@then("a signed-in customer is still signed in")
def sessions_still_valid(
    target: Target, api: httpx.Client, sessions: list[Session], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable and not sessions:
        cannot_be_seen("nobody has the tokens of its customers")
        return
    assert sessions, "nobody was signed in: nothing to prove"
    answers = [api.get("/api/users/me", headers=session.headers).status_code for session in sessions]
    assert [httpx.codes.OK] * len(answers) == answers


@then("a customer can sign in")
def a_customer_can_sign_in(sign_in: Callable[[], Session]) -> None:
    assert sign_in().access_token
