"""Tokens: the secret that signs them, how long they live, and the blacklist of those that are revoked."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import redis
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Observation, Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.lost_blacklist import LostBlacklist
from runbook_steps.faults.wrong_setting import WrongSetting
from runbook_steps.steps.accounts import Session

SHORT = 16  # characters: half of what the API asks for
SHORT_LIFE_S = 20


def claims_of(token: str) -> dict[str, Any]:
    """What a token says of itself, whoever signed it."""
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.fixture
def short_secret() -> str:
    """A secret that is no good, another one each time."""
    return secrets.token_hex(SHORT // 2)


@pytest.fixture
def exchanged() -> list[Session]:
    """Sessions whose refresh token was exchanged for a new one, with the old one."""
    return []


@pytest.fixture
def keep_token(target: Target, workspace: Path, variables: dict[str, str]) -> Callable[[str], None]:
    """Writes a token to the header file that commands name; on a live target the operator did."""

    def keep(token: str) -> None:
        if target.facts.disposable:
            file = workspace / "token-header"
            file.touch(mode=0o600)
            file.write_text(f"Authorization: Bearer {token}\n", "utf-8")
            variables["TOKEN_HEADER_FILE"] = str(file)

    return keep


@given("a slot was restarted with a JWT secret that is too short")
def short_secret_in_force(
    control: ServiceControl,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    slots: Callable[[], list[str]],
    short_secret: str,
    target: Target,
    variables: dict[str, str],
    workspace: Path,
    note: Callable[[str], None],
) -> None:
    if target.facts.disposable:  # what a person takes from the vault
        variables["FORMER_SECRET_FILE"] = str(former := workspace / "former.secret")
        former.touch(mode=0o600)
        former.write_text(environment()["JWT_SECRET"], "utf-8")

    def look() -> Observation:
        try:
            code = httpx.get(f"{slots()[1]}/api/version", timeout=10, trust_env=False).status_code
        except httpx.ConnectError:
            return Observation(True, "the second slot does not listen")
        return Observation(False, f"the second slot answers {code}")

    file = Path(environment()["API_ENV_FILE"])
    settings = {"JWT_SECRET": short_secret}
    fault = WrongSetting("JWT_SECRET is too short", control, file, settings, look, slots=("api_2",))
    note(situation.arrange(fault).detail)


@given("tokens expire after a few seconds")
def short_life(
    control: ServiceControl,
    sign_in: Callable[[], Session],
    situation: Situation,  # after what it looks with: it is undone before the client is closed
    environment: Callable[[], Mapping[str, str]],
    keep_token: Callable[[str], None],
    note: Callable[[str], None],
    target: Target,
) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere(f"how long a new token lives is seen by signing in, and nobody signs in to {target.name}")

    def look() -> Observation:
        life = lifetime_s(sign_in().access_token)
        return Observation(life == SHORT_LIFE_S, f"a new token lives {life} s")

    file = Path(environment()["API_ENV_FILE"])
    settings = {"JWT_EXPIRES_IN": f"{SHORT_LIFE_S}s"}
    note(situation.arrange(WrongSetting("JWT_EXPIRES_IN is too short", control, file, settings, look)).detail)
    keep_token(sign_in().access_token)


@given("the token of a customer who signed out is available")
def revoked_token_at_hand(
    target: Target,
    revoked: Callable[[], Session],
    keep_token: Callable[[str], None],
    cannot_be_seen: Callable[[str], None],
) -> None:
    if target.facts.disposable:
        keep_token(revoked().access_token)
    else:
        cannot_be_seen("TOKEN_HEADER_FILE is what the operator wrote: whose token it is cannot be seen")


@given("the blacklist has lost a refresh token that was exchanged")
def blacklist_lost(
    target: Target,
    api: httpx.Client,
    signed_in: Callable[[], Session],
    exchanged: list[Session],
    redis_client: redis.Redis,
    situation: Situation,
    keep_token: Callable[[str], None],
    note: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("a lost entry of the blacklist cannot be seen from outside")
    session = signed_in()
    api.post("/api/auth/refresh", json={"refreshToken": session.refresh_token}).raise_for_status()
    exchanged.append(session)
    keep_token(session.access_token)
    jti = claims_of(session.refresh_token)["jti"]
    note(situation.arrange(LostBlacklist(redis_client, jti)).detail)
    again = api.post("/api/auth/refresh", json={"refreshToken": session.refresh_token})
    assert again.status_code == httpx.codes.OK  # the danger: it works again; using it revokes it once more
    redis_client.delete(f"blacklist:{jti}")


def lifetime_s(token: str) -> int:
    """From issue to expiry."""
    claims = claims_of(token)
    return int(claims["exp"]) - int(claims["iat"])


@then(parsers.parse("it shows a length of {length:d} characters, and not the secret"))
def tells_the_length(last_result: Result, length: int, short_secret: str) -> None:
    assert f"JWT_SECRET has {length} characters" in last_result.stdout
    assert short_secret not in last_result.stdout + last_result.stderr


@then("the second slot does not listen, and the first one serves")
def one_slot_serves(slots: Callable[[], list[str]]) -> None:
    first, second = slots()[:2]
    assert httpx.get(f"{first}/api/health", timeout=10, trust_env=False).status_code == httpx.codes.OK
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{second}/api/health", timeout=10, trust_env=False)


@then("its output says that the secret needs at least 32 characters")
def says_why(last_result: Result, short_secret: str) -> None:
    assert f"JWT_SECRET has {SHORT} characters, needs at least 32" in last_result.stdout
    assert short_secret not in last_result.stdout


@then("every slot accepts the tokens of customers who were signed in")
def slots_accept(slots: Callable[[], list[str]], sessions: list[Session]) -> None:
    assert answers_of(slots(), sessions) == {httpx.codes.OK}


@then("every slot refuses the tokens of customers who were signed in")
def slots_refuse(slots: Callable[[], list[str]], sessions: list[Session]) -> None:
    assert answers_of(slots(), sessions) == {httpx.codes.UNAUTHORIZED}


@then("every slot accepts a token that any slot issues now")
def slots_agree(slots: Callable[[], list[str]], sign_in: Callable[[], Session]) -> None:
    assert answers_of(slots(), [sign_in(), sign_in()]) == {httpx.codes.OK}


def answers_of(slots: list[str], sessions: list[Session]) -> set[int]:
    """How the slots answer those who ask who they are."""
    assert sessions, "nobody was signed in: nothing to prove"
    return {
        httpx.get(f"{slot}/api/users/me", headers=session.headers, timeout=10, trust_env=False).status_code
        for slot in slots
        for session in sessions
    }


@then(parsers.parse("it shows a lifetime of {seconds:d} seconds"))
def tells_the_life(last_result: Result, seconds: int) -> None:
    assert f"valid for {seconds} s" in last_result.stdout


@then(parsers.parse("a new token lives {seconds:d} seconds"))
def new_token_lives(sign_in: Callable[[], Session], seconds: int) -> None:
    assert [lifetime_s(sign_in().access_token) for _ in range(2)] == [seconds, seconds]


@then("the answer says that the token is on the blacklist")
def on_the_blacklist(last_result: Result, redis_client: redis.Redis) -> None:
    answer = answer_of(last_result)
    assert answer["blacklisted"] is True
    assert redis_client.exists(f"blacklist:{answer['jti']}") == 1


@then("the exchanged refresh token is refused")
def exchanged_is_refused(api: httpx.Client, exchanged: list[Session]) -> None:
    answers = [api.post("/api/auth/refresh", json={"refreshToken": each.refresh_token}) for each in exchanged]
    assert [answer.status_code for answer in answers] == [httpx.codes.UNAUTHORIZED]
