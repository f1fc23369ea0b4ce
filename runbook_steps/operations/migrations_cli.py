"""`beautycort migrate status|up`."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.migrations import apply_pending, read_applied, read_migrations, standings
from runbook_steps.operations.settings import database_url

__all__ = ["register"]

Folder = Annotated[Path, typer.Option("--dir", envvar="MIGRATIONS_DIR", help="folder of the .sql files")]
DEFAULT_FOLDER = Path("database/migrations")


def register(app: typer.Typer) -> None:
    """Adds `migrate` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Schema migrations: what is applied, what is pending.")
    group.command("status")(status)
    group.command("up")(up)
    app.add_typer(group, name="migrate")


def status(folder: Folder = DEFAULT_FOLDER, format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Show every migration and how it stands. Only reads. Exit 1 when one is not applied as its file says."""
    with _connect() as connection:
        connection.execute("SET default_transaction_read_only = on")
        now = standings(read_migrations(folder), read_applied(connection))
    good = all(standing.state == "applied" for standing in now)
    if format is Format.JSON:
        typer.echo(json.dumps({"current": good, "migrations": [asdict(s) for s in now]}, indent=1))
    else:
        for standing in now:
            typer.echo(f"{standing.state:<8} {standing.version}_{standing.name} {standing.applied_at or ''}".rstrip())
        typer.echo("up to date" if good else "not up to date", err=True)
    raise typer.Exit(0 if good else 1)


def up(
    folder: Folder = DEFAULT_FOLDER,
    retry_failed: Annotated[bool, typer.Option(help="run again what failed and was cleaned")] = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Apply what is pending, in order, one transaction each. Safe to run twice."""
    done: list[dict[str, Any]] = []
    with _connect() as connection:
        for file, duration_ms in apply_pending(connection, read_migrations(folder), retry_failed=retry_failed):
            done.append({"version": file.version, "name": file.name, "durationMs": duration_ms})
            if format is not Format.JSON:
                typer.echo(f"applied  {file.version}_{file.name}  {duration_ms} ms")
    if format is Format.JSON:
        typer.echo(json.dumps({"applied": done}, indent=1))
    elif not done:
        typer.echo("nothing pending")


def _connect() -> psycopg.Connection[Any]:
    url = database_url(os.environ)
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=5, application_name="beautycort migrate")
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        raise _NoDatabase(f"cannot reach the database: {said}") from error


class _NoDatabase(OperationError):
    """The database cannot be reached."""

    exit_code = 4
