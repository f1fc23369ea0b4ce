"""What a database said of itself is shared by sessions that may read the same of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from runbook_steps.engine.guards.services import postgres_relay
from runbook_steps.engine.guards.services.postgres_relay import PostgresRelay
from runbook_steps.engine.guards.services.postgres_wire import Startup
from runbook_steps.engine.model import Risk


def test_a_role_is_not_judged_by_what_another_may_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """A superuser sees settings that others do not know to hold a password."""
    asked: list[Any] = []

    async def answer(session: Any) -> str:
        asked.append(session)
        return f"of {session}"

    monkeypatch.setattr(postgres_relay, "the_catalogue", answer)
    nothing: Any = None
    relay = PostgresRelay(nothing, (), Risk.READONLY, nothing, nothing)

    async def catalogue(user: str, database: str) -> str:
        session: Any = user
        return await relay._catalogue(session, Startup({"user": user, "database": database}))

    async def of_each() -> list[str]:
        return [await catalogue(user, "shop") for user in ("reader", "reader", "admin", "reader", "admin")]

    assert asyncio.run(of_each()) == ["of reader", "of reader", "of admin", "of reader", "of admin"]
    assert asked == ["reader", "admin"]


def test_a_database_that_was_empty_stays_this_runs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore into it takes more sessions, and longer than an answer is kept; another database is as it says."""
    answers = iter(['{"empty" : true}', '{"empty" : false}', '{"empty" : false}'])

    async def answer(_: Any) -> str:
        return next(answers)

    monkeypatch.setattr(postgres_relay, "the_catalogue", answer)
    monkeypatch.setattr(postgres_relay, "_CATALOGUE_S", -1.0)
    nothing: Any = None
    relay = PostgresRelay(nothing, (), Risk.MUTATING, nothing, nothing)

    async def of_each() -> list[str]:
        return [await relay._catalogue(nothing, Startup({"user": "a", "database": name})) for name in "ssl"]

    assert asyncio.run(of_each()) == ['{"empty" : true}', '{"empty" : true}', '{"empty" : false}']
