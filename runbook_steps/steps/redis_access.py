"""Redis that cannot be reached, refuses the password, or has no place for another client."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from urllib.parse import unquote, urlsplit

import httpx
import pytest
import redis
from pytest_bdd import given, parsers, then

from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.redis_clients import CLIENT_NAME, LIMIT, RedisClientsFull
from runbook_steps.faults.redis_password import RedisPasswordChanged
from runbook_steps.steps.accounts import Session


@pytest.fixture
def kept_client(environment: Callable[[], Mapping[str, str]]) -> Generator[redis.Redis, None, None]:
    """A client with one connection, which stays in whatever happens at the door."""
    client = redis.Redis.from_url(
        environment()["REDIS_URL"], decode_responses=True, protocol=2, single_connection_client=True
    )
    yield client
    client.close()


@given("Redis has another password than the application knows")
def another_password(
    kept_client: redis.Redis,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    target: Target,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    url = environment()["REDIS_URL"]
    password = unquote(urlsplit(url).password or "")
    note(situation.arrange(RedisPasswordChanged(kept_client, url, password)).detail)
    if target.facts.disposable:  # the password manager knows the new one; the drill has it from the server
        answer: dict[str, str] = kept_client.config_get("requirepass")  # type: ignore[assignment]
        variables["NEW_REDIS_PASSWORD"] = answer["requirepass"]


@given("the client limit of Redis is reached")
def every_place_taken(
    kept_client: redis.Redis,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    target: Target,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    url = environment()["REDIS_URL"]
    password = unquote(urlsplit(url).password or "")
    if target.facts.disposable:
        variables.update(INSTANCE="beautycort-api-1", LEAKER=CLIENT_NAME.decode())

    def connect() -> redis.Redis:
        return redis.Redis.from_url(url, protocol=2, socket_timeout=5)

    note(situation.arrange(RedisClientsFull(kept_client, connect, password)).detail)


@then(parsers.parse('the error says "{words}"'))
def told_apart(last_result: Result, words: str) -> None:
    assert words.lower() in (last_result.stdout + last_result.stderr).lower()


@then("the error says that nobody answers")
def nobody_answers(last_result: Result) -> None:
    said = (last_result.stdout + last_result.stderr).lower()
    # the second is the guard's word, which stands between a read-only command and Redis
    assert "could not connect" in said or "cannot reach redis" in said
    assert not any(word in said for word in ("pong", "wrongpass", "max number of clients"))


@then("Redis answers to the application's password")
def redis_answers(redis_client: redis.Redis) -> None:
    assert redis_client.ping() is True


@then("every slot says that Redis is healthy")
def slots_reach_redis(slots: Callable[[], list[str]]) -> None:
    running = slots()
    assert running, "no slot runs"
    for slot in running:
        checks = httpx.get(f"{slot}/api/health/detailed", timeout=10, trust_env=False).json()["checks"]
        assert {check["name"]: check["status"] for check in checks}["Redis Health"] == "healthy"


@then("the output counts most clients of the one that leaks")
def counts_clients(last_result: Result) -> None:
    counted = {words[1]: int(words[0]) for words in map(str.split, last_result.stdout.splitlines()) if len(words) > 1}
    assert counted[CLIENT_NAME.decode()] > LIMIT // 4
    assert max(counted.values()) == counted[CLIENT_NAME.decode()]


@then("a customer who signs out is signed out")
def sign_out_works(revoked: Callable[[], Session], api: httpx.Client) -> None:
    assert api.get("/api/users/me", headers=revoked().headers).status_code == httpx.codes.UNAUTHORIZED
