"""What must be true of backups and of the live database behind a backup, a restore, or a refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_bdd import parsers, then

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.data_loss import catalogue_of, own_tables, rows_of, table_checksums
from runbook_steps.faults.lost_rows import KEPT_SHARE, Backups, rows_now, what_is_lost
from runbook_steps.steps.backup import oid_of, privileges_of

PREFIX = "beautycort-backup-"
BOTH = ("bookings", "payments")  # in whatever schema
FEW_ROWS = 25  # that customers make or remove while a small table is counted


@then("it says how old the newest backup is")
def says_how_old(last_result: Result) -> None:
    assert "the newest backup is 3 days old, 26 h is the limit" in last_result.stdout


@then("the newest backup is in the bucket with its manifest")
def backup_is_in_the_bucket(aws: Callable[[str], Any], environment: Callable[[], Mapping[str, str]]) -> None:
    manifest = newest_manifest(aws("s3"), environment()["AWS_BACKUP_BUCKET"])
    head = aws("s3").head_object(Bucket=environment()["AWS_BACKUP_BUCKET"], Key=manifest["key"])
    assert manifest["size"] == head["ContentLength"]
    assert head["ServerSideEncryption"] == "AES256"


@then("its manifest counts the rows of every table as they are")
def manifest_counts_the_rows(
    target: Target,
    aws: Callable[[str], Any],
    environment: Callable[[], Mapping[str, str]],
    connect: Callable[..., Any],
    backups: Backups,
) -> None:
    if not target.facts.disposable:
        manifest = backups.manifests()[0]  # of this database: others may be in the same bucket
        with connect() as live:
            refuse_uncounted(manifest["tables"], rows_of_every_table(live))
        return
    manifest = newest_manifest(aws("s3"), environment()["AWS_BACKUP_BUCKET"])
    with connect() as live:
        counted = {table: int(text.partition(":")[0]) for table, text in table_checksums(live).items()}
    assert counted == {table: entry["rows"] for table, entry in manifest["tables"].items()}


def rows_of_every_table(live: Any) -> dict[str, int]:
    """`schema.name` → its rows, without reading them all into memory."""
    return rows_now(live, [f"{schema}.{table}" for schema, table in own_tables(live)])


def refuse_uncounted(tables: Mapping[str, Any], now: Mapping[str, int]) -> None:
    """Raises CheckFailed for a table that the backup lacks, or has other rows of than customers make in a while."""
    told = [f"{table} is not in it" for table in sorted(now.keys() - tables.keys())]
    for table, entry in sorted(tables.items()):
        rows = now.get(table, 0)
        several = max(FEW_ROWS, (1 - KEPT_SHARE) * max(rows, entry["rows"]))
        if abs(rows - entry["rows"]) > several or entry["rows"] == 0 < rows:
            told.append(f"{table} has {entry['rows']} rows in it, and {rows} now")
    if told:
        raise CheckFailed(f"the backup does not hold what the database does: {'; '.join(told)}")


@then("it tells the size of the database, and the room on this machine")
def tells_the_room(last_result: Result, connect: Callable[..., Any]) -> None:
    with connect() as live:
        (size,) = live.execute("SELECT pg_database_size(current_database())").fetchone()
    told = re.search(r"(\d+) MB on disk, .*a restore doubles it", last_result.stdout)
    assert told is not None
    assert abs(int(told[1]) - size / 1e6) < max(5, size / 1e7)  # the platform goes on writing meanwhile
    assert re.search(r"\d+ MB free in /", last_result.stdout)


@then("every backup in the report is good")
def every_backup_is_good(last_result: Result) -> None:
    assert [row for row in answer_of(last_result)["backups"] if not row["success"]] == []
    assert len(answer_of(last_result)["backups"]) >= 1


@then("no scratch database is left")
def no_scratch_database(connect: Callable[..., Any], live: str) -> None:
    assert databases_like(connect, f"{live}_verify_%") + databases_like(connect, f"{live}_restore_%") == []


@then("every table holds what it held in the backup")
def every_table_is_back(
    target: Target,
    connect: Callable[..., Any],
    checksums_before: dict[str, str],
    backups: Backups,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        refuse_fewer_rows(connect, manifest_of(backups, variables), note)
        return
    assert checksums_before, "no checksum was taken before: nothing to compare with"
    with connect() as live:
        assert checksums_before == table_checksums(live)


@then("every booking and payment of the backup is there again")
def rows_of_the_backup_are_back(
    target: Target,
    connect: Callable[..., Any],
    kept_rows: dict[str, list[str]],
    backups: Backups,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    if target.facts.disposable:
        rows_are_back(connect, kept_rows)
        return
    whole = manifest_of(backups, variables)
    both = {name: entry for name, entry in whole["tables"].items() if name.rpartition(".")[2] in BOTH}
    if len(both) < len(BOTH):
        raise CheckFailed(f"the backup holds {', '.join(both) or 'neither'} of {' and '.join(BOTH)}")
    refuse_fewer_rows(connect, {**whole, "tables": both}, note)


def rows_are_back(connect: Callable[..., Any], kept_rows: dict[str, list[str]]) -> None:
    """Every row that was noted before. Raises AssertionError, also when none was."""
    with connect() as live:
        now = rows_of(live)
    assert kept_rows, "no row was noted before: nothing to compare with"
    assert {table: len(set(rows) - set(now[table])) for table, rows in kept_rows.items()} == dict.fromkeys(kept_rows, 0)


@then("every booking that was made since is there too")
def newer_are_there(
    target: Target, connect: Callable[..., Any], newer: list[str], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("which rows are newer than the damage is not known: the command removes none")
        return
    assert newer, "nobody booked meanwhile: nothing to compare with"
    with connect() as live:
        assert set(newer) <= set(rows_of(live)["bookings"])


@then("who may connect with the database is as before")
def privileges_as_before(connect: Callable[..., Any], live: str, privileges_before: str) -> None:
    assert privileges_before == privileges_of(connect, live)


@then("the database from before the restore is live again")
def live_again(connect: Callable[..., Any], live: str, live_before: str) -> None:
    assert live_before == oid_of(connect, live)


@then("a row can be written to the live database")
def can_write(connect: Callable[..., Any]) -> None:
    with connect() as live, live.transaction(force_rollback=True):
        live.execute("UPDATE bookings SET id = id WHERE id = (SELECT id FROM bookings LIMIT 1)")


@then("the replaced database is kept")
def replaced_database_is_kept(connect: Callable[..., Any], live: str, last_result: Result) -> None:
    assert answer_of(last_result)["keptDatabase"] in databases_like(connect, f"{live}_before_%")


@then("no replaced database is kept")
def no_replaced_database(connect: Callable[..., Any], live: str) -> None:
    assert databases_like(connect, f"{live}_before_%") == []


@then("the live database was not touched")
def live_database_untouched(
    connect: Callable[..., Any], live: str, checksums_before: dict[str, str], live_before: str
) -> None:
    assert live_before == oid_of(connect, live)
    with connect() as connection:
        assert checksums_before == table_checksums(connection)


@then(parsers.parse("the refusal names the {reason}"))
def refusal_speaks_of(last_result: Result, reason: str) -> None:
    assert last_result.stderr.startswith("error: ")
    assert reason in last_result.stderr


def manifest_of(backups: Backups, variables: Mapping[str, str]) -> Mapping[str, Any]:
    """Of the backup that was restored. Raises CheckFailed when it is not in the bucket."""
    location = variables["BACKUP_LOCATION"]
    found = [each for each in backups.manifests() if backups.location(each) == location]
    if not found:
        raise CheckFailed(f"no manifest of {location}")
    return found[0]


def refuse_fewer_rows(connect: Callable[..., Any], manifest: Mapping[str, Any], note: Callable[[str], None]) -> None:
    """Raises CheckFailed for a table that is gone, or has fewer rows than in that backup; customers may add some."""
    with connect() as live:
        now = rows_now(live, manifest["tables"])
    note(f"{len(manifest['tables'])} tables, {sum(now.values())} rows now")
    if lost := what_is_lost(manifest, now, share=1.0):
        raise CheckFailed(f"still lost since the backup of {manifest['created']}: {'; '.join(lost)}")


def newest_manifest(s3: Any, bucket: str) -> Any:
    """The manifest that was written last."""
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=PREFIX).get("Contents", [])
    manifests = [entry["Key"] for entry in listed if entry["Key"].endswith(".manifest.json")]
    if not manifests:
        raise CheckFailed(f"no manifest in s3://{bucket}/{PREFIX}…")
    return json.loads(s3.get_object(Bucket=bucket, Key=max(manifests))["Body"].read())


def databases_like(connect: Callable[..., Any], pattern: str) -> list[str]:
    """Databases whose name matches a LIKE pattern."""
    with catalogue_of(connect) as catalogue:
        rows = catalogue.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern]).fetchall()
    return [str(name) for (name,) in rows]
