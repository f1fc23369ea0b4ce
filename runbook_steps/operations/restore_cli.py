"""`beautycort database-backup restore|undo-restore|discard-old`: what replaces the live database, and the way back."""

from __future__ import annotations

import json
import os
import shlex
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_reports import (
    TRUSTED,
    MyRights,
    in_words,
    reported,
    result,
    settings_and_store,
    tell,
    warn_of_invalid,
)
from runbook_steps.operations.backup_restore import (
    refuse_foreign,
    refuse_in_place,
    restore,
    restore_into,
    what_is_lost,
)
from runbook_steps.operations.backup_store import Manifest, Store, refuse_malformed
from runbook_steps.operations.backup_verify import drop_leftovers, refuse_untrusted
from runbook_steps.operations.beside_tables import several
from runbook_steps.operations.confirmation import require_yes
from runbook_steps.operations.database_comparison import Contents
from runbook_steps.operations.database_session import session
from runbook_steps.operations.database_swap import KeptDatabase, discard, kept_databases, undo
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.notifications import notify
from runbook_steps.operations.point_in_time import backup_as_of, refuse_unreachable
from runbook_steps.operations.postgres_connection import Database, exclusive, maintenance
from runbook_steps.operations.rows_back import put_back
from runbook_steps.operations.spans import moment, seconds
from runbook_steps.operations.wal_archive import WalArchive

__all__ = ["register"]

CHANNEL = "#backup-alerts"
Yes = Annotated[str | None, typer.Option("--yes", help="the name of the target, as an explicit yes, for scripts")]
Where = Annotated[str, typer.Argument(help="s3://bucket/key, or a backup's id from `list`")]


def register(group: typer.Typer) -> None:
    """Adds the commands to `database-backup`."""
    group.command("restore")(restore_location)
    group.command("rows-back")(rows_back)
    group.command("undo-restore")(undo_restore)
    group.command("discard-old")(discard_old)


def restore_location(
    location: Where = "",
    *,
    yes: Yes = None,
    to_time: Annotated[
        str, typer.Option(help="instead of a backup: the database as it was then, like 2026-11-28T14:00+03:00")
    ] = "",
    into: Annotated[str, typer.Option(help="an empty database; the live one is not touched")] = "",
    tables: Annotated[str, typer.Option(help='only these: public.bookings,audit."a.b"; with --beside')] = "",
    beside: Annotated[bool, typer.Option(help="into a schema of its own beside the live tables")] = False,
    prepared: Annotated[str, typer.Option(help="an empty database that takes the place of the live one")] = "",
    allow_other_database: Annotated[bool, typer.Option(help="also a backup of another database")] = False,
    drop_old: Annotated[bool, typer.Option(help="do not keep the database that is replaced")] = False,
    with_my_rights: MyRights = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Restore a backup in place of the live database, which is kept beside it.

    The backup is restored into a new database and verified first; only then the two are swapped.
    """
    then = moment(to_time, "--to-time") if to_time else None
    _refuse_contradictions(location, then, tables=tables, beside=beside, into=into, prepared=prepared)
    settings, store = settings_and_store(with_my_rights=with_my_rights)
    began = time.monotonic()
    with reported(format):
        manifest = _as_of(settings, store, then) if then else store.manifest(store.key_of(location))
        refuse_untrusted(settings, manifest)
        refuse_foreign(settings, manifest, allow_other=allow_other_database)
        if beside:
            from runbook_steps.operations.backup_rows import restore_beside  # noqa: PLC0415 - its parser is costly

            schema, found = restore_beside(settings, store, manifest, several(tables), tell)
            rows = {name: asdict(row) for name, row in found.items()}
            _told(format, {"success": True, "schema": schema, "tables": rows})
            return
        if into:
            told = store.told_of(manifest)
            for text in (*Contents.from_document(manifest.contents).not_carried, *map(in_words, told)):
                typer.echo(f"warning: {text}", err=True)
            filled = restore_into(settings, store, manifest, into, tell)
            result(format, manifest, store, began, database=into, seconds=filled.seconds)
            warn_of_invalid([each for each in filled.invalid if each not in told])
            return
    _in_place(settings, store, manifest, yes=yes, prepared=prepared, drop_old=drop_old, format=format)


def _refuse_contradictions(
    location: str, then: datetime | None, *, tables: str, beside: bool, into: str, prepared: str
) -> None:
    if bool(location) == bool(then):
        raise ConfigurationError("name one of both: a backup from `list`, or a moment with --to-time")
    if location:
        refuse_malformed(location)
    if bool(tables) != beside:
        raise ConfigurationError("--tables and --beside belong together: single tables are never put over live ones")
    if prepared and (into or beside):
        raise ConfigurationError("--prepared is for a restore in place: it does not go with --into or --beside")


def _in_place(
    settings: BackupSettings, store: Store, manifest: Manifest, *, yes: str | None, prepared: str, drop_old: bool,
    format: Format,  # noqa: A002 - the option's name
) -> None:  # fmt: skip
    """Asks, then puts the backup in the place of the live database."""
    live = settings.database.name
    with reported(format):
        refuse_in_place(settings, manifest, prepared)
        told = store.told_of(manifest)
        lost = (
            *what_is_lost(settings, manifest), *map(in_words, told), *((TRUSTED,) if settings.with_my_rights else ())
        )  # fmt: skip
    require_yes(
        os.environ,
        yes,
        what=_question(live, manifest, lost),
        again=f"beautycort database-backup restore {shlex.quote(store.location(manifest.key))}",
    )
    began = time.monotonic()
    with reported(format), exclusive(settings.database, "restore") as lock:
        drop_leftovers(lock, live)
        for text in lost:
            typer.echo(f"warning: {text}", err=True)
        kept, filled = restore(settings, store, manifest, tell, prepared)
        if drop_old and kept:
            discard(settings.database, (kept,))
            kept = None
    notify(os.environ, CHANNEL, f"{live} was restored from {manifest.backup_id}; the old one is kept as {kept}")
    result(format, manifest, store, began, keptDatabase=kept, seconds=filled.seconds)
    warn_of_invalid([each for each in filled.invalid if each not in told])


def _as_of(settings: BackupSettings, store: Store, then: datetime) -> Manifest:
    refuse_unreachable(settings)
    made = backup_as_of(settings, store, WalArchive.from_environ(os.environ), then, tell)
    typer.echo(f"{store.location(made.key)} is a backup as of {then.isoformat()}, and stays in the list", err=True)
    return made


def rows_back(
    schema: Annotated[str, typer.Argument(help="as `restore --tables … --beside` told it")],
    yes: Yes = None,
    keep: Annotated[bool, typer.Option(help="do not drop the schema after")] = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Put rows that are missing in the live tables back, out of the schema beside. What is newer stays as it is."""
    settings, _ = settings_and_store()
    require_yes(
        os.environ,
        yes,
        what=f"this inserts the rows of {schema} that are missing in the live tables of {settings.database.name}",
        again=f"beautycort database-backup rows-back {shlex.quote(schema)}",
    )
    with reported(format), exclusive(settings.database, "rows-back"):
        done = put_back(settings.database, schema, keep=keep)
    _told(format, {"success": True, "tables": {name: asdict(row) for name, row in done.items()}})
    warn_of_invalid([f"{check} of {name}" for name, row in done.items() for check in row.not_valid])


def _question(live: str, manifest: Manifest, lost: tuple[str, ...]) -> str:
    more = "".join(f"\n  {text}" for text in lost)
    return (
        f"this replaces the live database {live} by {manifest.backup_id}, made {manifest.created} "
        f"({_age(manifest.created)} ago, {manifest.rows} rows): what was written since is gone from it{more}"
    )


def undo_restore(yes: Yes = None, format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Put the database back that the last restore replaced; the restored one is kept beside it."""
    settings, _ = settings_and_store()
    live = settings.database.name
    with reported(format):
        kept = _kept(settings.database)
    if not kept:
        typer.echo(f"no restore of {live} is kept: nothing to undo", err=True)
        raise typer.Exit(3)
    newest = kept[-1]
    require_yes(
        os.environ,
        yes,
        what=f"this puts {_described(newest)} in the place of {live}: what was written since then is gone from it",
        again="beautycort database-backup undo-restore",
    )
    with reported(format), exclusive(settings.database, "undo-restore"):
        back, now_kept = undo(settings.database, newest.name)
    notify(os.environ, CHANNEL, f"a restore of {live} was undone: {back} is live again, the restored one is {now_kept}")
    _told(format, {"success": True, "restored": back, "keptDatabase": now_kept})


def discard_old(
    older_than: Annotated[str, typer.Option(help="only those replaced longer ago than this: 1h, 24h")] = "",
    yes: Yes = None,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Show the databases that restores replaced, with age and size, and drop them. There is no way back."""
    settings, _ = settings_and_store()
    least = seconds(older_than, "--older-than") if older_than else 0.0
    with reported(format):
        chosen = [each for each in _kept(settings.database) if _seconds_since(each.since) >= least]
    if not chosen:
        _told(format, {"success": True, "discarded": []})
        return
    require_yes(
        os.environ,
        yes,
        what=f"this drops for good: {'; '.join(_described(each) for each in chosen)}; they were replaced",
        again="beautycort database-backup discard-old",
    )
    with reported(format), exclusive(settings.database, "discard"):
        discard(settings.database, tuple(each.name for each in chosen))
    _told(format, {"success": True, "discarded": [each.name for each in chosen]})


def _kept(database: Database) -> tuple[KeptDatabase, ...]:
    with session(database, maintenance(database)) as admin:
        return kept_databases(admin, database.name)


def _described(kept: KeptDatabase) -> str:
    return f"{kept.name} ({kept.why} {_age(kept.since)} ago, {kept.size / 1e6:.1f} MB)"


def _seconds_since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


def _age(moment: str) -> str:
    """`3 d 4 h`, `12 min`: two parts at most."""
    parts: list[str] = []
    left = int(_seconds_since(moment))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if (left >= size or (unit == "s" and not parts)) and len(parts) < 2:  # noqa: PLR2004 - two parts
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts)


def _told(form: Format, answer: dict[str, object]) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps(answer))
        return
    for name, value in answer.items():
        shown = ", ".join(value) or "nothing" if isinstance(value, list) else value
        typer.echo(f"{name:<14}{shown}")
