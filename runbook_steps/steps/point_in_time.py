"""Back to a moment: a server that archives its WAL, and rows that no backup holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from pytest_bdd import given, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.data_loss import table_checksums
from runbook_steps.faults.lost_rows import Backups
from runbook_steps.faults.wal_archive import NewRowsDeleted, WalArchived
from runbook_steps.steps.backup_checks import rows_are_back


@given("the server archives its WAL")
def server_archives(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(WalArchived(connect, environment(), connect_as_administrator)).detail)


@given("a base backup is in the archive")
def base_is_in_the_archive(target: Target, operate: Callable[[str], Any], note: Callable[[str], None]) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("whether a base backup is in the archive is seen by its commands, on the server's host")
    note(f"from {operate('beautycort database-backup base-backup --format json')['from']} on")


@given("bookings that no backup holds are deleted, and customers go on booking")
def new_bookings_are_deleted(
    situation: Situation,
    connect: Callable[..., Any],
    live: str,
    variables: dict[str, str],
    kept_rows: dict[str, list[str]],
    newer: list[str],
    backups: Backups,
    note: Callable[[str], None],
) -> None:
    fault = NewRowsDeleted(connect, live, backups)
    note(situation.arrange(fault).detail)
    if fault.moment is not None:  # on a live target the person knows it: a parameter of the page
        variables["DAMAGED_AT"] = fault.moment.isoformat()
    kept_rows.update(fault.kept)
    newer.extend(fault.newer)


@given("the damage is older than every base backup")
def damage_is_older(
    connect: Callable[..., Any], variables: dict[str, str], checksums_before: dict[str, str], live_before: str
) -> None:
    assert live_before, "there is no live database"
    with connect() as live:
        now = live.execute("SELECT clock_timestamp()").fetchone()[0]
        checksums_before.update(table_checksums(live))
    variables["DAMAGED_AT"] = (now - timedelta(days=400)).isoformat()


@then("every booking and payment of that moment is there again")
def rows_of_the_moment_are_back(connect: Callable[..., Any], kept_rows: dict[str, list[str]]) -> None:
    rows_are_back(connect, kept_rows)
