"""Backups: made, damaged, restored; and the live database that must not be harmed by any of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_bdd import given, parsers

from runbook_steps.errors import CheckFailed
from runbook_steps.faults.backup_damage import BackupDamaged
from runbook_steps.faults.base import Situation
from runbook_steps.faults.data_loss import DataLost, table_checksums
from runbook_steps.model import Command, Position, Result

PREFIX = "beautycort-backup-"
HERE = Position("runbook_steps/steps/backup.py", 1)
DAMAGES = {"changed by one byte": "one flipped byte", "cut short": "a truncated file"}


@pytest.fixture
def live(environment: Callable[[], Mapping[str, str]]) -> str:
    """The name of the live database."""
    return environment()["PGDATABASE"]


@pytest.fixture
def checksums_before() -> dict[str, str]:
    """The tables of the live database when the backup was made."""
    return {}


@pytest.fixture
def operate(execute: Callable[[Command], Result]) -> Callable[[str], Any]:
    """Runs a `beautycort` command for a Given, and gives what it printed as JSON."""

    def run(text: str) -> Any:
        result = execute(Command(text, "bash", "arrange the situation", HERE, 300.0))
        if result.exit_code != 0:
            raise CheckFailed(f"`{text}` ended with {result.exit_code}: {result.stderr[-500:]}")
        return json.loads(result.stdout)

    return run


@given("a verified backup")
def a_verified_backup(
    operate: Callable[[str], Any],
    connect: Callable[..., Any],
    variables: dict[str, str],
    checksums_before: dict[str, str],
) -> None:
    made = operate("beautycort database-backup backup --format json")
    operate("beautycort database-backup verify-latest --format json")
    variables["BACKUP_LOCATION"] = made["location"]
    with connect() as live:
        checksums_before.update(table_checksums(live))


@given("rows and a table of the live database are lost")
def data_is_lost(
    situation: Situation, connect: Callable[..., Any], live: str, note: Callable[[str], None]
) -> None:
    note(situation.arrange(DataLost(connect, live)).detail)


@given("the live database was replaced by a restore")
def live_database_was_replaced(operate: Callable[[str], Any]) -> None:
    operate('beautycort database-backup restore "$BACKUP_LOCATION" --yes "$RUNBOOKS_TARGET" --format json')


@given(parsers.parse("the backup is {damage}"))
def backup_is_damaged(
    damage: str,
    situation: Situation,
    aws: Callable[[str], Any],
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    bucket, key = split(variables["BACKUP_LOCATION"])
    match damage:
        case "encrypted with another key":
            old = environment()["BACKUP_ENCRYPTION_KEY"]
            variables["BACKUP_ENCRYPTION_KEY"] = old[::-1]
            note("the key of this shell is another one")
        case "made of another database":
            variables["PGDATABASE"] = "beautycort_other"
            raise CheckFailed("not written yet")
        case _:
            note(situation.arrange(BackupDamaged(aws("s3"), bucket, key, DAMAGES[damage])).detail)


def split(location: str) -> tuple[str, str]:
    """`s3://bucket/key` → bucket, key."""
    parts = urlsplit(location)
    return parts.netloc, parts.path.lstrip("/")
