"""A breach: the copies of the logs, a tighter limit, and secrets that are worthless afterwards."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from pytest_bdd import given, then

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow, NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl, Target
from runbook_steps.faults.broken_proxy import ProxyFile
from runbook_steps.faults.leaks import LEAKED_ROLE, NEW_ROLE, LeakedPassword, LeakedRoleOfTheApplication, StolenSecret
from runbook_steps.steps.accounts import Session
from runbook_steps.steps.attacks import told_from
from runbook_steps.steps.tokens import claims_of

CALM = "203.0.113.78"  # RFC 5737: documentation
BURST = 15  # more than the 10 that the page allows at once
DEADLINE_S = 20.0
LONG_LIFE_S = 60  # entries of the blacklist that live shorter may end by themselves
FORMER = "api.conf.before"


@then("nobody has the right to write to the copies")
def copies_are_readonly(environment: Callable[[], Mapping[str, str]]) -> None:
    modes = {file.name: file.stat().st_mode & 0o222 for file in Path(environment()["INCIDENT_DIR"]).iterdir()}
    assert {"app.log", "security.log", "access.log", "SHA256SUMS"} <= set(modes)
    assert set(modes.values()) == {0}


def until(condition: Callable[[], bool], what: str) -> None:
    """Waits for a condition. Raises CheckFailed after 20 s."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise CheckFailed(f"waited {DEADLINE_S:g} s in vain until {what}")
        time.sleep(0.05)


def refused_of_a_burst(api: httpx.Client) -> int:
    """How many of a burst of requests the limit refuses, with 503 as nginx does or with 429.

    From another address each time: who has just sent a burst is refused for that.
    """
    address = f"198.51.100.{1 + secrets.randbelow(250)}"
    codes = [api.get("/api/version", headers=told_from(address)).status_code for _ in range(BURST)]
    return sum(code in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE} for code in codes)


@given("the rate limit allows an address many requests")
def limit_is_wide(
    target: Target,
    api: httpx.Client,
    environment: Callable[[], Mapping[str, str]],
    cannot_be_seen: Callable[[str], None],
) -> Generator[None, None, None]:
    if not target.facts.disposable:
        cannot_be_seen("nobody sends bursts to a live target to find its limit")
        yield
        return
    file = Path(environment()["NGINX_PREFIX"]) / "limits.d" / "api.conf"
    before = file.read_text("utf-8")
    assert refused_of_a_burst(api) == 0
    yield
    ProxyFile(environment(), "limits.d", FORMER).take_away()
    if file.read_text("utf-8") != before:
        file.write_text(before, "utf-8")
        ProxyFile(environment(), "limits.d", FORMER).nginx("-s", "reload")


@then("a burst from one address is refused, and others are served")
def limit_is_tight(target: Target, api: httpx.Client, cannot_be_seen: Callable[[str], None]) -> None:
    if not target.facts.disposable:
        cannot_be_seen("nobody sends bursts to a live target")
        return
    until(lambda: refused_of_a_burst(api) > 0, "a burst is refused")
    assert api.get("/api/version", headers=told_from(CALM)).status_code == httpx.codes.OK


@then("the rate limit allows an address as many requests as before")
def limit_is_back(target: Target, api: httpx.Client, environment: Callable[[], Mapping[str, str]]) -> None:
    assert not (Path(environment()["NGINX_PREFIX"]) / "limits.d" / FORMER).exists()
    if not target.facts.disposable:  # the file is back, and nginx took it
        return
    until(lambda: refused_of_a_burst(api) == 0, "a burst is served")


@pytest.fixture
def known_settings(environment: Callable[[], Mapping[str, str]]) -> bytes:
    """The API's settings as they were at the start of the scenario."""
    return Path(environment()["API_ENV_FILE"]).read_bytes()


@given("the settings of the API are noted")
def settings_are_known(known_settings: bytes) -> None:
    assert known_settings is not None


@then("the settings of the API are unchanged")
def settings_unchanged(known_settings: bytes, environment: Callable[[], Mapping[str, str]]) -> None:
    assert Path(environment()["API_ENV_FILE"]).read_bytes() == known_settings


@given("the JWT secret was stolen, and a token forged with it", target_fixture="stolen_secret")
def secret_is_stolen(
    target: Target,
    control: ServiceControl,
    sessions: list[Session],
    redis_client: redis.Redis,
    environment: Callable[[], Mapping[str, str]],
    situation: Situation,
    note: Callable[[str], None],
) -> StolenSecret:
    if not target.facts.disposable:
        raise NotRunnableHere("that the secret was stolen cannot be seen from outside")
    fault = StolenSecret(control, redis_client, environment(), claims_of(sessions[-1].access_token))
    note(situation.arrange(fault).detail)
    return fault


@then("every slot refuses the forged token")
def forged_is_refused(stolen_secret: StolenSecret) -> None:
    assert set(stolen_secret.answers()) == {httpx.codes.UNAUTHORIZED}


@given("the revoked tokens are noted", target_fixture="known_blacklist")
def known_blacklist(target: Target, redis_client: redis.Redis) -> set[str]:
    found = {str(key) for key in redis_client.scan_iter(match="blacklist:*", count=1000)}
    if not found and not target.facts.disposable:
        raise NotApplicableNow("Redis holds no revoked token: none could come back")
    assert found
    return {key for key in found if redis_client.ttl(key) > LONG_LIFE_S}


@then("no session is left, and the blacklist is whole")
def only_sessions_are_gone(
    redis_client: redis.Redis, known_blacklist: set[str], environment: Callable[[], Mapping[str, str]]
) -> None:
    kinds = environment()["SIGNED_IN_KEYS"].split()
    assert kinds, "no kind of key keeps anybody signed in: nothing to look for"
    assert [key for kind in kinds for key in redis_client.scan_iter(match=f"{kind}*", count=1000)] == []
    assert known_blacklist
    assert known_blacklist <= {str(key) for key in redis_client.scan_iter(match="blacklist:*", count=1000)}


@given("the password of a database role is known to somebody else", target_fixture="leaked_password")
def password_leaked(
    target: Target,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    situation: Situation,
    variables: dict[str, str],
    workspace: Path,
) -> LeakedPassword:
    if not target.facts.disposable:
        raise NotRunnableHere("that a password leaked cannot be seen from outside")
    fault = LeakedPassword(connect, connect_as_administrator)
    variables.update(LEAKED_ROLE=LEAKED_ROLE, ROLE_PASSWORD_FILE=str(workspace / "role.password"))
    situation.arrange(fault)
    assert fault.is_inside()
    return fault


@given("the password of the application's database role is known to somebody else", target_fixture="leaked_password")
def password_of_the_application_leaked(
    target: Target,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    control: ServiceControl,
    situation: Situation,
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    workspace: Path,
) -> LeakedPassword:
    if not target.facts.disposable:
        raise NotRunnableHere("that a password leaked cannot be seen from outside")
    fault = LeakedRoleOfTheApplication(connect, control, environment(), connect_as_administrator)
    variables.update(LEAKED_ROLE=LEAKED_ROLE, NEW_ROLE=NEW_ROLE, ROLE_PASSWORD_FILE=str(workspace / "role.password"))
    situation.arrange(fault)
    assert fault.is_inside()
    return fault


@then("the application signs in as the new role alone")
def application_uses_the_new_role(database: psycopg.Connection[Any], slots: Callable[[], list[str]]) -> None:
    for slot in slots():
        httpx.get(f"{slot}/api/services?limit=1", timeout=10, trust_env=False).raise_for_status()
    who = "SELECT usename::text, application_name FROM pg_stat_activity WHERE usename = ANY(%s)"
    seen = database.execute(who, [[LEAKED_ROLE, NEW_ROLE]]).fetchall()
    assert NEW_ROLE in {role for role, _ in seen}
    assert [name for role, name in seen if role == LEAKED_ROLE] == [""], "the session of who knows the password is left"


@then("whoever knows the old password is out, and cannot come back")
def old_password_is_worthless(leaked_password: LeakedPassword) -> None:
    assert leaked_password.is_inside() is False
    assert leaked_password.observe().present is False


@then("the old password is refused, its sessions are gone, and the new password works")
def password_is_changed(
    leaked_password: LeakedPassword, last_result: Result, environment: Callable[[], Mapping[str, str]]
) -> None:
    assert leaked_password.observe().present is False
    assert leaked_password.is_inside() is False
    assert last_result.stdout.split()[:2] == [LEAKED_ROLE, "ended"]  # the new one works, then the others go
    leaked_password.come_in(new_password(environment())).close()


@then("the new password is in no output, no statistics and no server log")
def password_is_nowhere(
    results: list[Result], database: psycopg.Connection[Any], environment: Callable[[], Mapping[str, str]]
) -> None:
    password = new_password(environment())
    statements = [row[0] for row in database.execute("SELECT query FROM pg_stat_statements").fetchall()]
    log = subprocess.run(
        ["docker", "compose", "logs", "postgres"],
        env=dict(environment()), capture_output=True, text=True, timeout=DEADLINE_S, check=True,
    ).stdout  # fmt: skip
    assert f'ALTER ROLE "{LEAKED_ROLE}" PASSWORD' in log  # the server did log it: with what it stores, not the word
    told = [each.stdout + each.stderr + each.command.text for each in results]
    assert not any(password in text for text in [*told, *statements, log])


def new_password(environment: Mapping[str, str]) -> str:
    """What the command wrote, for its owner only."""
    file = Path(environment["ROLE_PASSWORD_FILE"])
    assert file.stat().st_mode & 0o077 == 0
    return file.read_text("utf-8").strip()
