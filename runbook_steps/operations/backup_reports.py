"""What the commands of `database-backup` share: settings, progress, reports, and how a failure is told."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import psycopg
import typer

from runbook_steps.engine.errors import OperationError, RunbookError
from runbook_steps.operations.archive_views import EMPTY_VIEW
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.formats import Format

__all__ = ["TRUSTED", "MyRights", "in_words", "reported", "result", "settings_and_store", "tell", "warn_of_invalid"]


MyRights = Annotated[
    bool,
    typer.Option(
        "--with-my-rights",
        help="trust what is defined in the backup: it runs as the role of DATABASE_URL, though that may start programs "
        "on the server",
    ),
]
TRUSTED = "what is defined in the backup (functions, checks, views) runs with all rights of this role: --with-my-rights"


def settings_and_store(*, with_my_rights: bool = False) -> tuple[BackupSettings, Store]:
    """From the environment. Raises ConfigurationError."""
    settings, store = BackupSettings.from_environ(os.environ), Store.from_environ(os.environ)
    if with_my_rights:
        typer.echo(f"warning: {TRUSTED}", err=True)
    return replace(settings, database=settings.database.settled(), with_my_rights=with_my_rights), store


@contextmanager
def reported(form: Format) -> Iterator[None]:
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


def result(form: Format, manifest: Manifest, store: Store, began: float, **more: object) -> None:
    """What was made or restored, for people or machines."""
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


def tell(text: str) -> None:
    """Progress, on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"  … {text}\n")


def warn_of_invalid(names: Sequence[str]) -> None:
    """What is not as it was, though all rows are there."""
    for name in names:
        typer.echo(f"warning: {in_words(name)}", err=True)


def in_words(name: str) -> str:
    """What a restore told of one thing that is not as it was, and what to do then.

    Old rows break a constraint that new ones must keep: as before, but now it is written down.
    """
    if name.startswith(EMPTY_VIEW):
        return f"{name}; a dump holds no rows of it, so it is empty in a restore: REFRESH it when that is mended"
    return f"constraint {name} is NOT VALID now: rows of that time break it; it holds for new ones"
