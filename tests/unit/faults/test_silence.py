"""A look at something that says nothing is no observation: it raises, in words, and never reads as calm."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.run.outcome_of_error import message_of
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.live_looks import NoHands
from runbook_steps.faults.alarm import AlarmRinging
from runbook_steps.faults.bad_release import BadRelease
from runbook_steps.faults.ci_red import CiRed
from runbook_steps.faults.compression_off import CompressionOff
from runbook_steps.faults.day_of_traffic import DayOfTraffic
from runbook_steps.faults.migration_fails import MigrationFailed
from runbook_steps.faults.old_backups import BackupsStopped
from runbook_steps.faults.outside import slot_urls, whether_down
from runbook_steps.faults.pool_exhausted import PoolExhausted
from runbook_steps.faults.redis_clients import RedisClientsFull
from runbook_steps.faults.redis_password import RedisPasswordChanged
from runbook_steps.faults.sessions import ConnectionsExhausted, TransactionForgotten
from runbook_steps.faults.slow_query import SlowQueryAsked
from runbook_steps.faults.slow_third_party import SlowThirdParty
from runbook_steps.faults.table_locked import UsersLockedAgainAndAgain
from runbook_steps.faults.third_party_down import ThirdPartyDown
from tests.foreign_staging.silent import SILENCES, STATUSES, silent

HANDS = NoHands("staging")
NOBODY: Any = None  # what only `arrange` would use
Look = Callable[[str, httpx.Client], Observation]
NOTHING_OF_IT: dict[str, Look] = {  # each reads an answer: one that says nothing is never “not the case”
    "the CI": lambda url, _: CiRed(url, "owner/name").observe(),
    "a day of traffic": lambda url, api: DayOfTraffic(api, NOBODY, ThirdPartyDown("twilio", url), 3).observe(),
    "a bad release": lambda url, _: BadRelease(HANDS, Path("/nowhere"), url).observe(),
}
NO_ANSWER_OF_IT: dict[str, Look] = {  # each measures an answer, whatever stands in it
    "compression": lambda _, api: CompressionOff(HANDS, Path("/nowhere"), api).observe(),
    "a slow health route": lambda _, api: UsersLockedAgainAndAgain(NOBODY, api).observe(),
    "the pools": lambda url, _: PoolExhausted(NOBODY, [url]).observe(),
}
THEIR_WORD = {  # what these statuses say is an observation: nobody answers, or it cannot serve
    "a slow health route": {"503 of the limit"},
    "the pools": {"nobody listens", "500", "503 of the limit"},
}


def looked(look: Look, kind: str) -> str:
    """What is told of it: `present` or `absent`, or the words of the error."""
    with silent(kind) as url, httpx.Client(base_url=url, timeout=5, trust_env=False) as api:
        try:
            return "present" if look(url, api).present else "absent"
        except Exception as error:
            return message_of(error)


@pytest.mark.parametrize("kind", SILENCES)
@pytest.mark.parametrize("what", NOTHING_OF_IT)
def test_an_answer_that_says_nothing_is_not_calm(what: str, kind: str) -> None:
    """Zero traffic is the one thing that was really looked at."""
    said = looked(NOTHING_OF_IT[what], kind)
    if (what, kind) == ("a day of traffic", "zero traffic"):
        assert said == "absent"
    else:
        assert said not in {"present", "absent"}, said
        assert "the step itself is at fault" not in said


@pytest.mark.parametrize("kind", STATUSES)
@pytest.mark.parametrize("what", NO_ANSWER_OF_IT)
def test_what_is_no_answer_is_neither_there_nor_not(what: str, kind: str) -> None:
    """A redirect is not compressed, quick, and asks no database."""
    said = looked(NO_ANSWER_OF_IT[what], kind)
    if kind in THEIR_WORD.get(what, ()):
        assert said == ("present" if what == "the pools" else "absent")
    else:
        assert said.startswith("could not look"), said


def test_a_third_party_that_nobody_reaches_is_down_and_not_slow() -> None:
    """One fault is not taken for the other."""
    assert looked(lambda url, _: ThirdPartyDown("tap", url).observe(), "nobody listens") == "present"
    assert looked(lambda url, _: SlowThirdParty("tap", url, 1).observe(), "nobody listens").startswith("could not look")


def test_no_instances_are_not_all_of_them() -> None:
    """An empty list of slots is nothing to go through."""
    for blank in ("", " "):
        with pytest.raises(NotRunnableHere, match="API_SLOTS names no instance"):
            slot_urls({"API_SLOTS": blank})
    with pytest.raises(NotRunnableHere, match="API_SLOTS names 1 instances: there is no instance 2"):
        whether_down("api_2", {"API_SLOTS": "http://127.0.0.1:9"})


def test_a_redis_that_is_away_has_no_full_house_and_no_wrong_password() -> None:
    """Neither was seen."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{held.getsockname()[1]}/0"
        full = RedisClientsFull(NOBODY, lambda: redis.Redis.from_url(url), "x")
        with pytest.raises(redis.ConnectionError):
            full.observe()
        with pytest.raises(redis.ConnectionError):
            RedisPasswordChanged(NOBODY, url, "x").observe()


def test_backups_that_could_not_be_asked_for_are_not_young(tmp_path: Path) -> None:
    """The command failed: that is told with its word."""
    command = tmp_path / "beautycort"
    command.write_text("#!/bin/sh\necho 'error: cannot list: no AWS credentials are set' >&2\nexit 2\n", "utf-8")
    command.chmod(0o755)
    with pytest.raises(CheckFailed, match="could not look how old the backups are: error: cannot list: no AWS"):
        BackupsStopped(NOBODY, {"PATH": f"{tmp_path}:/usr/bin:/bin"}).observe()


class CloudWatch:
    """Knows no alarm."""

    def describe_alarms(self, **_: object) -> dict[str, list[object]]:
        """Nothing."""
        return {"MetricAlarms": []}


def test_an_alarm_that_is_not_there_does_not_keep_still() -> None:
    """It cannot ring."""
    with pytest.raises(NotRunnableHere, match="it cannot ring, whatever happens"):
        AlarmRinging(CloudWatch(), "beautycort-cpu").observe()


class Answers:
    """A database that answers each query in turn with one row, or with all that are given."""

    def __init__(self, *rows: Any) -> None:
        self._rows = list(rows)

    def execute(self, *_: object) -> Answers:
        """The next one."""
        self._now = self._rows.pop(0)
        return self

    def fetchone(self) -> Any:
        """The row."""
        return self._now

    def fetchall(self) -> Any:
        """The rows."""
        return self._now


def connected(*rows: Any) -> Callable[..., Any]:
    """Opens connections to it."""
    database = Answers(*rows)

    @contextmanager
    def connect(**_: object) -> Iterator[Answers]:
        yield database

    return connect


def test_sessions_that_are_hidden_are_not_none() -> None:
    """A role that may not see them counts too few, and finds nobody who forgot anything."""
    for hidden in (ConnectionsExhausted(connected((3, "owner"))), TransactionForgotten(connected([], (3, "owner")))):
        with pytest.raises(CheckFailed, match="hides 3 sessions of other roles from owner; GRANT pg_read_all_stats TO"):
            hidden.observe()
    assert TransactionForgotten(connected([], (0, "owner"))).observe().present is False


def test_a_server_that_speaks_another_language_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the code that the guard puts behind the words: it is full, it is not up yet, it refuses a password."""

    def refuses(said: str) -> Any:
        def connect(*_: object, **__: object) -> Any:
            raise psycopg.OperationalError(said)

        monkeypatch.setattr(psycopg, "connect", connect)
        return connect

    full = refuses("FATAL:  die verbleibenden Verbindungen sind für Superuser reserviert (SQLSTATE 53300)")
    assert ConnectionsExhausted(full).observe().present
    for said, down in (
        ("FATAL:  das Datenbanksystem wird heruntergefahren (SQLSTATE 57P03)", True),
        ("FATAL:  Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen (SQLSTATE 28P01)", False),
    ):
        refuses(said)
        assert whether_down("postgres", {"DATABASE_URL": "postgres://u@h/d"}).present is down


def test_queries_that_nobody_counts_are_not_quick() -> None:
    """`track = none`, or statistics without an entry."""
    for counted in ((0, "top"), (7, "none")):
        with pytest.raises(CheckFailed, match="counts no query of this database"):
            SlowQueryAsked(connected(("there",), [], counted)).observe()
    assert SlowQueryAsked(connected(("there",), [], (7, "top"))).observe().present is False
    with pytest.raises(NotRunnableHere, match="no extension pg_stat_statements"):
        SlowQueryAsked(connected((None,))).observe()


def test_an_empty_folder_of_migrations_is_not_applied_in_full(tmp_path: Path) -> None:
    """Nor is one that is not there: which files there should be is not known."""
    for folder in (tmp_path, tmp_path / "none"):
        fault = MigrationFailed(connected(), {"MIGRATIONS_DIR": str(folder)}, ("", ""))
        with pytest.raises(NotRunnableHere, match="holds no migration: does MIGRATIONS_DIR name the right folder"):
            fault.observe()
