"""Backups: made, damaged, restored; what must be true behind it stands in `backup_checks`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_bdd import given, parsers

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow
from runbook_steps.engine.model import Command, Position, Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.backup_damage import BackupDamaged
from runbook_steps.faults.data_loss import (
    OTHER_DATABASE,
    DataLost,
    OtherDatabase,
    RestoredOver,
    RowsDeleted,
    catalogue_of,
    rows_of,
    table_checksums,
)
from runbook_steps.faults.lost_rows import Backups
from runbook_steps.faults.old_backups import BackupsStopped
from runbook_steps.faults.prepared_database import PREPARED, DatabasePrepared

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
def kept_rows() -> dict[str, list[str]]:
    """The rows of bookings and payments when the backup was made."""
    return {}


@pytest.fixture
def newer() -> list[str]:
    """Bookings that were made after the damage."""
    return []


@pytest.fixture
def privileges_before(connect: Callable[..., Any], live: str) -> str:
    """Who may connect with the live database, before the procedure."""
    return privileges_of(connect, live)


@pytest.fixture
def live_before(connect: Callable[..., Any], live: str) -> str:
    """The oid of the live database before the procedure."""
    return oid_of(connect, live)


@pytest.fixture
def operate(execute: Callable[[Command], Result]) -> Callable[[str], Any]:
    """Runs a `beautycort` command for a Given, and gives what it printed as JSON."""

    def run(text: str) -> Any:
        result = execute(Command(text, "bash", "arrange the situation", HERE, 300.0))
        if result.exit_code != 0:
            raise CheckFailed(f"`{text}` ended with {result.exit_code}: {result.stderr[-500:]}")
        return json.loads(result.stdout)

    return run


@pytest.fixture
def backups(aws: Callable[[str], Any], environment: Callable[[], Mapping[str, str]], live: str) -> Backups:
    """What is in the bucket of the backups, of this database."""
    return Backups(aws("s3"), environment()["AWS_BACKUP_BUCKET"], live)


@pytest.fixture
def prepare(
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    live: str,
    situation: Situation,
    variables: dict[str, str],
) -> Callable[[], None]:
    """Prepares, in a drill, what the pages say that an administrator prepares before a restore in place."""

    def run() -> None:
        situation.arrange(DatabasePrepared(connect, connect_as_administrator, live))
        variables["PREPARED_DATABASE"] = PREPARED

    return run


@given("a verified backup")
def a_verified_backup(
    target: Target,
    backups: Backups,
    prepare: Callable[[], None],
    note: Callable[[str], None],
    operate: Callable[[str], Any],
    connect: Callable[..., Any],
    variables: dict[str, str],
    checksums_before: dict[str, str],
    kept_rows: dict[str, list[str]],
    live_before: str,
    privileges_before: str,
) -> None:
    assert live_before, "there is no live database"
    assert privileges_before
    if not target.facts.disposable:  # what was made before the incident; another one now would be of the damage
        found = backups.manifests()
        if not found:
            raise NotApplicableNow(f"there is no backup of {target.name}'s database")
        variables["BACKUP_LOCATION"] = backups.location(found[0])
        note(f"{len(found)} backups, the newest of {found[0]['created']}")
        return
    prepare()
    made = operate("beautycort database-backup backup --format json")
    variables["BACKUP_LOCATION"] = made["location"]
    with connect() as live:
        checksums_before.update(table_checksums(live))
        kept_rows.update(rows_of(live))


@given("rows and a table of the live database are lost")
def data_is_lost(
    target: Target,
    situation: Situation,
    connect: Callable[..., Any],
    live: str,
    variables: dict[str, str],
    backups: Backups,
    note: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        note(situation.arrange(DataLost(connect, live, backups)).detail)
        before, _ = backups.newest_with_what_is_lost(connect)
        assert before is not None
        made = datetime.fromisoformat(str(before["created"]))
        variables["DAMAGED_AT"] = (made + timedelta(seconds=1)).isoformat(timespec="seconds")
        return
    # a backup's time is in whole seconds, and was taken when it began
    variables["DAMAGED_AT"] = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="seconds")
    note(situation.arrange(DataLost(connect, live, backups)).detail)
    time.sleep(1.1)


@given("rows of the bookings are deleted, and customers go on booking")
def bookings_are_deleted(
    target: Target,
    situation: Situation,
    connect: Callable[..., Any],
    live: str,
    newer: list[str],
    backups: Backups,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    fault = RowsDeleted(connect, live, backups)
    if not target.facts.disposable:
        note(situation.arrange(fault).detail)
        before, _ = backups.newest_with_what_is_lost(connect)
        assert before is not None
        variables["BACKUP_LOCATION"] = backups.location(before)
        return
    note(situation.arrange(fault).detail)
    newer.extend(fault.newer)


@given("a backup was made after the damage")
def a_backup_after_the_damage(
    target: Target, operate: Callable[[str], Any], cannot_be_seen: Callable[[str], None]
) -> None:
    if target.facts.disposable:  # on a live target there may be one or not: the list leaves it out
        operate("beautycort database-backup backup --format json")
    else:
        cannot_be_seen("whether one was made since is seen by the list, which leaves it out")


@given("the live database was replaced by a restore")
def live_database_was_replaced(
    situation: Situation, connect: Callable[..., Any], live: str, operate: Callable[[str], Any]
) -> None:
    prepared = '${PREPARED_DATABASE:+--prepared="$PREPARED_DATABASE"}'
    confirmed = f'"$BACKUP_LOCATION" {prepared} --yes "$RUNBOOKS_TARGET"'
    restore = f"beautycort database-backup restore {confirmed} --format json"
    situation.arrange(RestoredOver(connect, live, lambda: operate(restore)))


@given(parsers.re(r"the backup is (?P<damage>changed by one byte|cut short)"))
def backup_is_damaged(
    damage: str,
    situation: Situation,
    aws: Callable[[str], Any],
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    bucket, key = split(variables["BACKUP_LOCATION"])
    note(situation.arrange(BackupDamaged(aws("s3"), bucket, key, DAMAGES[damage])).detail)


@given("the newest backup is three days old")
def backups_stopped(
    situation: Situation,
    aws: Callable[[str], Any],
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(BackupsStopped(aws("s3"), environment())).detail)


@given("the backup is encrypted with another key")
def another_key(environment: Callable[[], Mapping[str, str]], variables: dict[str, str]) -> None:
    variables["BACKUP_ENCRYPTION_KEY"] = environment()["BACKUP_ENCRYPTION_KEY"][::-1]


@given("the backup is made of another database")
def another_database(
    situation: Situation,
    connect: Callable[..., Any],
    live: str,
    operate: Callable[[str], Any],
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
) -> None:
    situation.arrange(OtherDatabase(connect, live))
    url = environment()["DATABASE_URL"]
    variables["DATABASE_URL"] = f"{url.rpartition('/')[0]}/{OTHER_DATABASE}"
    variables["BACKUP_LOCATION"] = operate("beautycort database-backup backup --format json")["location"]
    variables["DATABASE_URL"] = url


def oid_of(connect: Callable[..., Any], name: str) -> str:
    """The oid of a database: a restore gives its name to another one."""
    with catalogue_of(connect) as catalogue:
        row = catalogue.execute("SELECT oid::text FROM pg_database WHERE datname = %s", [name]).fetchone()
    return str(row[0]) if row else ""


def privileges_of(connect: Callable[..., Any], name: str) -> str:
    """The privileges on a database, the default ones spelled out."""
    with catalogue_of(connect) as catalogue:
        row = catalogue.execute(
            "SELECT coalesce(datacl, acldefault('d', datdba))::text FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
    return str(row[0]) if row else ""


def split(location: str) -> tuple[str, str]:
    """`s3://bucket/key` → bucket, key."""
    parts = urlsplit(location)
    return parts.netloc, parts.path.lstrip("/")
