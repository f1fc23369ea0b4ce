"""`beautycort database-backup backup|list|verify-latest|verify-all|restore|discard-old`."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
import typer

from runbook_steps.engine.errors import OperationError, RunbookError
from runbook_steps.operations.backup_make import BackupSettings, make_backup
from runbook_steps.operations.backup_restore import discard_replaced, refuse_foreign, restore
from runbook_steps.operations.backup_retention import clear_leftovers, prune
from runbook_steps.operations.backup_status_cli import status, unreadable_rows, unusable, warn, warn_of_unusable
from runbook_steps.operations.backup_store import Manifest, Store, refuse_malformed, whose_is
from runbook_steps.operations.backup_verify import drop_leftovers, verify
from runbook_steps.operations.confirmation import require_yes
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.notifications import notify
from runbook_steps.operations.postgres_connection import exclusive
from runbook_steps.operations.postgres_tools import server_identity

__all__ = ["register"]

CHANNEL = "#backup-alerts"
Yes = Annotated[str | None, typer.Option("--yes", help="the name of the target, as an explicit yes")]


def register(app: typer.Typer) -> None:
    """Adds `database-backup` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="Back up the database, prove backups, restore. Examples: `database-backup backup`, "
        "`database-backup list`, `database-backup restore s3://bucket/key --yes staging`.",
    )
    group.command("backup")(backup)
    group.command("list")(list_backups)
    group.command("status")(status)
    group.command("verify-latest")(verify_latest)
    group.command("verify-all")(verify_all)
    group.command("restore")(restore_location)
    group.command("discard-old")(discard_old)
    app.add_typer(group, name="database-backup")


def backup(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Make a backup now, check it, and remove those past retention. Exit 0 only when it is whole."""
    settings, store = _settings()
    began = time.monotonic()
    try:
        with _reported(format), exclusive(settings.database, "backup") as lock:
            drop_leftovers(lock, settings.database.name)
            _, cluster = server_identity(lock)
            for text in clear_leftovers(store, whose_is(cluster, settings.database.name)):
                warn(text)
            made = make_backup(settings, store, _tell)
            verify(settings, store, made, _tell)
            store.mark_verified(made, _now())
            for text in prune(store, made, settings.retention_days, datetime.now(UTC)):
                warn(text)
    except RunbookError as error:
        notify(os.environ, CHANNEL, f"Backup of {settings.database.name} FAILED: {error}")
        raise
    notify(
        os.environ,
        CHANNEL,
        f"Backup {made.backup_id} of {made.database}: {made.rows} rows, {made.size} bytes",
    )
    _result(format, made, store, began)


def list_backups(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """List the backups, the newest first. Only reads."""
    store = Store.from_environ(os.environ)
    listing = store.listing()
    rows = [_row(manifest, verified, store) for manifest, verified in listing.backups]
    if format is Format.JSON:
        typer.echo(json.dumps({"backups": rows, **unusable(store, listing)}, indent=1))
        return
    for row in rows:
        proof = f"verified {row['verified']}" if row["verified"] else "never verified"
        typer.echo(f"{row['created']}  {row['size']:>12} bytes  {row['rows']:>9} rows  {proof}\n  {row['location']}")
    warn_of_unusable(store, listing)
    if not rows:
        typer.echo("no backup yet: `beautycort database-backup backup` makes one", err=True)


def verify_latest(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Restore the newest backup into a scratch database and compare. Exit 1 when it is not whole."""
    _verify(format, newest_only=True)


def verify_all(format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Restore every backup into a scratch database and compare. Exit 1 when one is not whole."""
    _verify(format, newest_only=False)


def restore_location(
    location: Annotated[str, typer.Argument(help="s3://bucket/key, or a backup's id from `list`")],
    yes: Yes = None,
    allow_other_database: Annotated[bool, typer.Option(help="also a backup of another database")] = False,
    drop_old: Annotated[bool, typer.Option(help="do not keep the database that is replaced")] = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Restore a backup in place of the live database, which is kept beside it.

    The backup is restored into a new database and verified first; only then the two are swapped.
    """
    refuse_malformed(location)
    settings, store = _settings()
    live = settings.database.name
    require_yes(
        os.environ,
        yes,
        what=f"this replaces the live database {live} by {location}: what was written since is gone from it",
        again=f"beautycort database-backup restore {shlex.quote(location)}",
    )
    began = time.monotonic()
    with _reported(format), exclusive(settings.database, "restore") as lock:
        drop_leftovers(lock, live)
        manifest = store.manifest(store.key_of(location))
        refuse_foreign(settings, manifest, allow_other=allow_other_database)
        kept = restore(settings, store, manifest, _tell)
        if drop_old:
            discard_replaced(settings.database)
            kept = None
    notify(os.environ, CHANNEL, f"{live} was restored from {manifest.backup_id}; the old one is kept as {kept}")
    _result(format, manifest, store, began, keptDatabase=kept)


def discard_old(yes: Yes = None, format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Drop the databases that restores replaced. There is no way back."""
    settings, _ = _settings()
    require_yes(
        os.environ,
        yes,
        what=f"this drops what restores of {settings.database.name} replaced",
        again="beautycort database-backup discard-old",
    )
    with exclusive(settings.database, "discard"):
        names = discard_replaced(settings.database)
    if format is Format.JSON:
        typer.echo(json.dumps({"discarded": names}))
    else:
        typer.echo(f"discarded: {', '.join(names)}" if names else "nothing to discard")


def _verify(form: Format, *, newest_only: bool) -> None:
    settings, store = _settings()
    rows = []
    with _reported(form), exclusive(settings.database, "verification") as lock:
        drop_leftovers(lock, settings.database.name)
        listing = store.listing()
        rows += unreadable_rows(store, listing, newest_only=newest_only)
        backups = listing.backups[:1] if newest_only else listing.backups
        if not backups and not rows:
            raise OperationError("there is no backup; `beautycort database-backup backup` makes one")
        for manifest, _ in backups:
            rows.append(_verified(settings, store, manifest))
        warn_of_unusable(store, listing)
    bad = [row for row in rows if not row["success"]]
    if form is Format.JSON:
        typer.echo(json.dumps({"success": not bad, "backups": rows}, indent=1))
    else:
        for row in rows:
            typer.echo(
                f"{'whole ' if row['success'] else 'BROKEN'}  {row['location']}  {row.get('error', '')}".rstrip()
            )
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
        verify(settings, store, manifest, _tell)
        store.mark_verified(manifest, _now())
    except RunbookError as error:
        row |= {"success": False, "error": str(error)}
    return {**row, "duration": round(time.monotonic() - began, 3)}


def _settings() -> tuple[BackupSettings, Store]:
    settings, store = BackupSettings.from_environ(os.environ), Store.from_environ(os.environ)
    return replace(settings, database=settings.database.settled()), store


@contextmanager
def _reported(form: Format) -> Iterator[None]:
    """A failure is told as JSON too, for who asked for it; a database error becomes one of ours."""
    try:
        try:
            yield
        except psycopg.Error as error:
            said = error.diag.message_primary or type(error).__name__
            raise OperationError(f"PostgreSQL says: {said}") from error
    except RunbookError as error:
        if form is Format.JSON:
            typer.echo(json.dumps({"success": False, "error": str(error)}))
        raise


def _result(form: Format, manifest: Manifest, store: Store, began: float, **more: object) -> None:
    result = {
        "success": True,
        "backupId": manifest.backup_id,
        "size": manifest.size,
        "duration": round(time.monotonic() - began, 3),
        "location": store.location(manifest.key),
        **more,
    }
    if form is Format.JSON:
        typer.echo(json.dumps(result, indent=1))
    else:
        for key, value in result.items():
            typer.echo(f"{key:<14}{value}")


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


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"  … {text}\n")
