"""`beautycort database-backup backup|list|verify|verify-latest|verify-all`; `restore_cli` has the rest."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
import typer

from runbook_steps.engine.errors import OperationError, RunbookError
from runbook_steps.operations import restore_cli
from runbook_steps.operations.backup_age_file import write_age_file
from runbook_steps.operations.backup_doctor import examine
from runbook_steps.operations.backup_make import BackupSettings, make_backup
from runbook_steps.operations.backup_reports import (
    MyRights,
    reported,
    result,
    settings_and_store,
    tell,
    warn_of_invalid,
)
from runbook_steps.operations.backup_retention import clear_leftovers, prune
from runbook_steps.operations.backup_status_cli import status, unreadable_rows, unusable, warn, warn_of_unusable
from runbook_steps.operations.backup_store import Manifest, Store, refuse_malformed, whose_is
from runbook_steps.operations.backup_verify import Filled, drop_leftovers, refuse_unverifiable, verify
from runbook_steps.operations.database_rights import server_identity
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.notifications import notify
from runbook_steps.operations.point_in_time import refuse_unreachable
from runbook_steps.operations.postgres_connection import exclusive
from runbook_steps.operations.spans import moment
from runbook_steps.operations.wal_archive import WalArchive, make_base

__all__ = ["register"]

CHANNEL = "#backup-alerts"


def register(app: typer.Typer) -> None:
    """Adds `database-backup` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Back up the database, prove backups, restore. Examples: `database-backup backup`, "
        "`database-backup list`, `database-backup restore s3://bucket/key`.",
    )
    group.command("backup")(backup)
    group.command("base-backup")(base_backup)
    group.command("list")(list_backups)
    group.command("status")(status)
    group.command("verify")(verify_one)
    group.command("verify-latest")(verify_latest)
    group.command("verify-all")(verify_all)
    group.command("doctor")(doctor)
    restore_cli.register(group)
    app.add_typer(group, name="database-backup")


def backup(
    unverified: Annotated[
        bool, typer.Option(help="do not restore it into a scratch database, where none may be")
    ] = False,
    keep_old: Annotated[
        bool, typer.Option(help="remove nothing: no backup past retention, and nothing that a killed run left")
    ] = False,
    with_my_rights: MyRights = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Make a backup now, check it, and remove those past retention. Exit 0 only when it is whole."""
    settings, store = settings_and_store(with_my_rights=with_my_rights)
    began = time.monotonic()
    try:
        with reported(format):
            if not unverified:
                refuse_unverifiable(settings)
            with exclusive(settings.database, "backup") as lock:
                drop_leftovers(lock, settings.database.name)
                _, cluster = server_identity(lock)
                made = make_backup(settings, store, tell, before=_before(settings, store, cluster, keep_old=keep_old))
            dumped = time.monotonic()
            # a restore may begin while this is looked at
            filled = Filled((), {})
            if not unverified:
                filled = verify(settings, store, made, tell)
                store.mark_verified(made, _now(), filled.invalid)
            for text in () if keep_old else prune(store, made, settings.retention_days, datetime.now(UTC)):
                warn(text)
    except RunbookError as error:
        notify(os.environ, CHANNEL, f"Backup of {settings.database.name} FAILED: {error}")
        raise
    notify(
        os.environ,
        CHANNEL,
        f"Backup {made.backup_id} of {made.database}: {made.rows} rows, {made.size} bytes",
    )
    result(format, made, store, began, seconds={"dumping": round(dumped - began, 3), **filled.seconds})
    if why := write_age_file(os.environ, made.made):
        warn(why)
    warn_of_invalid(filled.invalid)


def _before(settings: BackupSettings, store: Store, cluster: str, *, keep_old: bool) -> Callable[[], None]:
    return lambda: None if keep_old else _clear_leftovers(settings, store, cluster)


def _clear_leftovers(settings: BackupSettings, store: Store, cluster: str) -> None:
    for text in clear_leftovers(store, whose_is(cluster, settings.database.name)):
        warn(text)


def base_backup(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Copy the whole cluster into POINT_IN_TIME_ARCHIVE: from then on `restore --to-time` can reach any moment."""
    settings = BackupSettings.from_environ(os.environ)
    database = settings.database.settled()
    with reported(format):
        refuse_unreachable(replace(settings, database=database))
        base = make_base(database, WalArchive.from_environ(os.environ), tell)
    answer = {"success": True, "file": str(base.file), "size": base.file.stat().st_size, "from": base.ended.isoformat()}
    if format is Format.JSON:
        typer.echo(json.dumps(answer, indent=1))
    else:
        typer.echo("\n".join(f"{name:<14}{value}" for name, value in answer.items()))


def list_backups(
    before: Annotated[str, typer.Option(help="only those made before this time, like 2026-11-28T14:00+03:00")] = "",
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """List the backups, the newest first. Only reads."""
    limit = moment(before, "--before") if before else None
    store = Store.from_environ(os.environ)
    listing = store.listing()
    rows = [
        _row(manifest, verified, store)
        for manifest, verified in listing.backups
        if limit is None or datetime.fromisoformat(manifest.created) < limit
    ]
    if format is Format.JSON:
        typer.echo(json.dumps({"backups": rows, **unusable(store, listing)}, indent=1))
        return
    for row in rows:
        proof = f"verified {row['verified']}" if row["verified"] else "never verified"
        typer.echo(f"{row['created']}  {row['size']:>12} bytes  {row['rows']:>9} rows  {proof}\n  {row['location']}")
    warn_of_unusable(store, listing)
    if not rows:
        none = f"no backup from before {before}" if before else "no backup yet"
        typer.echo(f"{none}: `beautycort database-backup backup` makes one now", err=True)


def verify_one(
    location: Annotated[str, typer.Argument(help="s3://bucket/key, or a backup's id from `list`")],
    with_my_rights: MyRights = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Restore one backup into a scratch database and compare. A restore may begin meanwhile."""
    refuse_malformed(location)
    _verify(format, location=location, with_my_rights=with_my_rights)


def verify_latest(
    with_my_rights: MyRights = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Restore the newest backup into a scratch database and compare. Exit 1 when it is not whole."""
    _verify(format, newest_only=True, with_my_rights=with_my_rights)


def verify_all(
    with_my_rights: MyRights = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Restore every backup into a scratch database and compare. Exit 1 when one is not whole."""
    _verify(format, with_my_rights=with_my_rights)


def doctor(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Tell which rights are there, what they allow, what stands in the way, and how long it will take. Only reads."""
    settings = BackupSettings.from_environ(os.environ)
    with reported(format):
        found = examine(replace(settings, database=settings.database.settled()))
    if format is Format.JSON:
        typer.echo(json.dumps({"findings": [asdict(each) for each in found]}, indent=1))
        return
    for each in found:
        sign = {True: "✓", False: "✗", None: "·"}[each.good]
        typer.echo(f"{sign} {each.what:<13}{each.found}")


def _verify(form: Format, *, with_my_rights: bool, newest_only: bool = False, location: str = "") -> None:
    settings, store = settings_and_store(with_my_rights=with_my_rights)
    rows: list[dict[str, Any]] = []
    with reported(form):
        if location:
            rows.append(_verified(settings, store, store.manifest(store.key_of(location))))
        else:
            listing = store.listing()
            rows += unreadable_rows(store, listing, newest_only=newest_only)
            backups = listing.backups[:1] if newest_only else listing.backups
            if not backups and not rows:
                raise OperationError("there is no backup; `beautycort database-backup backup` makes one")
            rows += [_verified(settings, store, manifest) for manifest, _ in backups]
            warn_of_unusable(store, listing)
    bad = [row for row in rows if not row["success"]]
    if form is Format.JSON:
        typer.echo(json.dumps({"success": not bad, "backups": rows}, indent=1))
    else:
        for row in rows:
            typer.echo(
                f"{'whole ' if row['success'] else 'BROKEN'}  {row['location']}  {row.get('error', '')}".rstrip()
            )
            warn_of_invalid(row.get("notValid", ()))
    if bad:
        notify(os.environ, CHANNEL, f"{len(bad)} of {len(rows)} backups are broken: {bad[0]['backupId']} …")
        raise typer.Exit(1)


def _verified(settings: BackupSettings, store: Store, manifest: Manifest) -> dict[str, Any]:
    began = time.monotonic()
    row: dict[str, Any] = {
        "backupId": manifest.backup_id,
        "location": store.location(manifest.key),
        "success": True,
    }
    try:
        filled = verify(settings, store, manifest, tell)
        store.mark_verified(manifest, _now(), filled.invalid)
        row |= {"seconds": filled.seconds} | ({"notValid": filled.invalid} if filled.invalid else {})
    except psycopg.Error as error:
        row |= {"success": False, "error": f"PostgreSQL says: {error.diag.message_primary or type(error).__name__}"}
    except RunbookError as error:
        row |= {"success": False, "error": str(error)}
    return {**row, "duration": round(time.monotonic() - began, 3)}


def _row(manifest: Manifest, verified: str | None, store: Store) -> dict[str, Any]:
    return {
        "backupId": manifest.backup_id,
        "location": store.location(manifest.key),
        "created": manifest.created,
        "database": manifest.database,
        "size": manifest.size,
        "rows": manifest.rows,
        "encrypted": manifest.encryption_key is not None,
        "verified": verified,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
