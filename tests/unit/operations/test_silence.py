"""Silence is not good news: no command that reads passes on an answer that says nothing, or dies of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from runbook_steps.engine.errors import RunbookError
from runbook_steps.operations import health_checks, patient, rollback_cli
from runbook_steps.operations.cli import app
from runbook_steps.operations.data_validation import RULES, Finding
from runbook_steps.operations.data_validation_cli import report
from runbook_steps.operations.health_settings import HealthSettings
from runbook_steps.operations.migrations import read_migrations
from runbook_steps.operations.rollback_criteria import baseline_ms, by_minute, errors_criterion, slow_criterion
from runbook_steps.operations.rollback_slots import Slot
from runbook_steps.operations.smoke_tests import run_smoke_tests
from tests.foreign_staging.silent import BODIES, SILENCES, STATUSES, silent

RAW = re.compile(r"\b(?:KeyError|TypeError|AttributeError|IndexError|ZeroDivisionError|ValueError|JSONDecodeError)\b")
EVERY = pytest.mark.parametrize("kind", SILENCES)
Reading = Callable[[httpx.AsyncClient], Awaitable[tuple[str, dict[str, object]]]]
KEYS = {"AWS_ACCESS_KEY_ID": "AKIASILENT", "AWS_SECRET_ACCESS_KEY": "silent", "AWS_REGION": "me-south-1"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here for a limit that never ends."""
    monkeypatch.setattr(patient, "PATIENCE_S", 0.0)


def settings(url: str, **more: str) -> HealthSettings:
    """All of it at the same address."""
    named = {"API_BASE_URL": url, "DATABASE_URL": "postgres://u@127.0.0.1:9/x", "REDIS_URL": "redis://127.0.0.1:9/0"}
    parties = {f"{name}_API_URL": url for name in ("TAP", "TWILIO", "EXPO")} | {"CDN_URL": url}
    return HealthSettings.from_environ({**named, **parties, **KEYS, **more})


def read(kind: str, check: Reading) -> str:
    """What a check makes of it: its status, or why it does not say one."""

    async def ask(url: str) -> str:
        transport = patient.Patient(verify=False)
        async with httpx.AsyncClient(transport=transport, base_url=url, timeout=5, trust_env=False) as client:
            try:
                return (await check(client))[0]
            except (health_checks.NotHealthy, patient.Throttled) as reason:
                return f"not: {reason}"

    with silent(kind) as url:
        return asyncio.run(ask(url))


@EVERY
def test_the_api_is_healthy_by_its_own_word_only(kind: str) -> None:
    """Not by an answer."""
    said = read(kind, health_checks._api)
    assert said.startswith("not: ")
    assert not RAW.search(said)


@pytest.mark.parametrize("kind", STATUSES)
@pytest.mark.parametrize("check", [health_checks._headers, health_checks._times, health_checks._throughput])
def test_what_is_no_answer_of_the_api_is_not_measured(check: Reading, kind: str) -> None:
    """A redirect is quick."""
    assert read(kind, check) != "healthy"


@pytest.mark.parametrize("kind", STATUSES)
def test_a_cdn_is_well_by_what_it_serves(kind: str) -> None:
    """Not by where it leads."""
    with silent(kind) as url:
        asked = settings(url)
        with pytest.raises(health_checks.NotHealthy):
            asyncio.run(health_checks._cdn(asked, asked.tls()))


@EVERY
def test_a_load_balancer_that_says_nothing_is_not_well(kind: str) -> None:
    """Also with a success that lists nobody."""
    with silent(kind) as url, pytest.raises(health_checks.NotHealthy):
        health_checks._balancer(settings(url, ALB_NAME="any", AWS_ENDPOINT_URL=url))


@EVERY
def test_no_smoke_test_passes_on_it(kind: str) -> None:
    """And each says in words what is wrong."""
    with silent(kind) as url:
        environ = {
            "API_BASE_URL": url, "DATABASE_URL": "postgres://u@127.0.0.1:9/x", "REDIS_URL": "redis://127.0.0.1:9/0",
            "TAP_API_URL": url, "SMOKE_PHONES": "+962790000001", "SMOKE_CODES_URL": url, "SMOKE_PROVIDER_ID": "1",
            "SMOKE_CARD": "tok_test", "TWILIO_API_URL": url, "HEALTH_CHECK_TIMEOUT": "5000",
        }  # fmt: skip
        tests = asyncio.run(run_smoke_tests(environ, False, lambda _: None))
    reachable = {"SMS Service", "Response Times SLA"}  # by their status alone
    assert [test.name for test in tests if test.status == "passed" and test.name not in reachable] == []
    assert [test.error for test in tests if test.error and RAW.search(test.error)] == []


@EVERY
def test_a_slot_neither_runs_a_version_nor_is_healthy(kind: str) -> None:
    """Whatever status it answers with."""
    with silent(kind) as url:
        assert (Slot(1, url).version(), Slot(1, url).healthy()) == ("", False)


@EVERY
def test_a_ci_that_says_nothing_is_not_green(kind: str) -> None:
    """Told in words, with another exit code than 0."""
    with silent(kind) as url:
        done = CliRunner().invoke(app, ["ci", "runs"], env={"GITHUB_REPOSITORY": "owner/name", "GITHUB_API_URL": url})
    assert isinstance(done.exception, RunbookError)
    assert not RAW.search(str(done.exception))


@EVERY
def test_no_security_alarm_is_no_calm(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown, and that is no advice to keep the release."""
    with silent(kind) as url:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": url, "AWS_MAX_ATTEMPTS": "1"}.items():
            monkeypatch.setenv(name, value)
        assert rollback_cli._security().fires is None


@pytest.mark.parametrize("kind", [kind for kind in SILENCES if kind != "429"])  # which is waited for, a quarter minute
def test_a_bucket_that_says_nothing_holds_no_good_backup(kind: str) -> None:
    """Unreachable, or empty, and red in both cases."""
    with silent(kind) as url:
        environ = {**KEYS, "AWS_ENDPOINT_URL": url, "AWS_BACKUP_BUCKET": "backups", "AWS_MAX_ATTEMPTS": "1"}
        done = CliRunner().invoke(app, ["database-backup", "status"], env=environ)
    assert done.exit_code != 0
    assert isinstance(done.exception, (RunbookError, SystemExit)), done.exception
    assert not RAW.search(str(done.exception))


def test_alarms_without_data_are_no_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm that hears nothing does not ring; one that rings does."""

    def among(**states: str) -> bool | None:
        class Client:
            def get_paginator(self, _: str) -> Client:
                return self

            def paginate(self, **_: object) -> list[object]:
                return [{"MetricAlarms": [{"AlarmName": name, "StateValue": state} for name, state in states.items()]}]

        monkeypatch.setattr("boto3.client", lambda *_, **__: Client())
        return rollback_cli._security().fires

    assert among() is None
    assert among(a="OK", b="INSUFFICIENT_DATA") is None
    assert among(a="OK", b="ALARM") is True
    assert among(a="OK", b="OK") is False


NOW = datetime.now(UTC)
WHOLE = {
    "timestamp": NOW.isoformat(),
    "message": "request",
    "method": "GET",
    "path": "/",
    "status": 200,
    "durationMs": 1,
}
LOGS = {
    "an empty file": "",
    "blank lines": "\n\n",
    "no request lines": '{"timestamp": "2026-01-31T09:00:00Z", "message": "started"}\n',
    "another format": '127.0.0.1 - - "GET / HTTP/1.1" 200 12\n',
    "arrays": "[]\n[1]\n",
    "null": "null\n",
    "bytes": "\x00\x01\n",
    **{f"without {name}": json.dumps({k: v for k, v in WHOLE.items() if k != name}) for name in WHOLE},
    **{f"null as {name}": json.dumps({**WHOLE, name: None}) for name in ("timestamp", "status", "durationMs")},
    "a status in words": json.dumps({**WHOLE, "status": "fine"}),
    "a time without its offset": json.dumps({**WHOLE, "timestamp": "2026-01-31T09:00:00"}),
    "yesterday": json.dumps({**WHOLE, "timestamp": (NOW - timedelta(days=1)).isoformat()}),
    "probes only": json.dumps({**WHOLE, "path": "/api/health"}),
}


@pytest.mark.parametrize("kind", LOGS)
def test_a_log_that_tells_nothing_is_no_quiet_day(kind: str, tmp_path: Path) -> None:
    """`traffic` refuses to call it good, in words; no criterion of a rollback says no."""
    (tmp_path / "app.log").write_text(LOGS[kind], "utf-8")
    done = CliRunner().invoke(app, ["traffic", "--since", "5m"], env={"LOG_DIR": str(tmp_path)})
    assert done.exit_code != 0
    assert isinstance(done.exception, RunbookError)
    assert not RAW.search(str(done.exception))
    lines, since = LOGS[kind].splitlines(), NOW - timedelta(minutes=5)
    minutes = by_minute(lines, since, 60)
    assert errors_criterion(minutes).fires is None
    assert slow_criterion(minutes, baseline_ms(lines, since, NOW)).fires is None


def test_some_lines_that_tell_nothing_spoil_the_count(tmp_path: Path) -> None:
    """The rate is told, and not called good."""
    lacking = {name: value for name, value in WHOLE.items() if name != "status"}
    (tmp_path / "app.log").write_text(f"{json.dumps(WHOLE)}\n{json.dumps(lacking)}\n", "utf-8")
    asked = ["traffic", "--since", "5m", "--format", "json"]
    done = CliRunner().invoke(app, asked, env={"LOG_DIR": str(tmp_path)})
    said = json.loads(done.stdout)
    assert (done.exit_code, said["status"], said["requests"], said["unreadable"]) == (1, "unhealthy", 1, 1)


@pytest.mark.parametrize("kind", ["no folder", "no file", "a folder for a file"])
def test_a_log_that_cannot_be_read_is_named(kind: str, tmp_path: Path) -> None:
    """As a setting to look at."""
    folder = tmp_path / "none" if kind == "no folder" else tmp_path
    if kind == "a folder for a file":
        (tmp_path / "app.log").mkdir()
    done = CliRunner().invoke(app, ["traffic"], env={"LOG_DIR": str(folder)})
    assert isinstance(done.exception, RunbookError)
    assert "cannot be read" in str(done.exception)


def test_an_empty_folder_of_migrations_is_not_up_to_date(tmp_path: Path) -> None:
    """It is the wrong folder."""
    (tmp_path / "README").write_text("none here", "utf-8")
    with pytest.raises(RunbookError, match="holds no migration: does MIGRATIONS_DIR name the right folder"):
        read_migrations(tmp_path)


def test_rules_of_empty_tables_judge_nothing() -> None:
    """Where no table has a row, that is the answer; where some have, those are judged."""
    empty = tuple(Finding(rule, 0, rows=False) for rule in RULES)
    assert report(empty)["status"] == "nothing to judge"
    assert report((*empty[1:], Finding(RULES[0], 0)))["status"] == "valid"
    assert report((*empty[1:], Finding(RULES[0], 1)))["status"] == "broken"


def test_every_silence_is_met() -> None:
    """What the two tables name is all there is."""
    assert set(STATUSES) | set(BODIES) == set(SILENCES)
