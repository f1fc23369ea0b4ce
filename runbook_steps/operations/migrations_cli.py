"""`beautycort migrate status|plan|up|adopt`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from runbook_steps.engine.errors import ConfigurationError, OperationError, RefusedError
from runbook_steps.engine.postgres.address import Address, read_address
from runbook_steps.engine.postgres.held_lock import quiet_settings
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.migration_locks import locks_of
from runbook_steps.operations.migration_record import (
    adopt,
    find_record,
    other_tools,
    read_applied,
    refuse_unknown_history,
)
from runbook_steps.operations.migration_run import Patience, apply_pending
from runbook_steps.operations.migrations import Migration, Standing, read_migrations, standings
from runbook_steps.operations.postgres_connection import locked
from runbook_steps.operations.settings import required

__all__ = ["LOCK_KEY", "register"]

Folder = Annotated[Path, typer.Option("--dir", envvar="MIGRATIONS_DIR", help="folder of the .sql files")]
DEFAULT_FOLDER = Path("database/migrations")
LOCK_KEY = 0x42434D49  # "BCMI": one number for all migration runs of a database


def register(app: typer.Typer) -> None:
    """Adds `migrate` to the command."""
    group = typer.Typer(no_args_is_help=True, help="Schema migrations: what is applied, what is pending.")
    group.command("status")(status)
    group.command("plan")(plan)
    group.command("up")(up)
    group.command("adopt")(adopt_files)
    app.add_typer(group, name="migrate")


def status(folder: Folder = DEFAULT_FOLDER, format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Show every migration and how it stands. Only reads. Exit 1 when one is not applied as its file says."""
    with _reported(), _reading(_address()) as connection:
        now = _standings(connection, read_migrations(folder))
        others = [str(tool) for tool in other_tools(connection)]
    good = all(standing.state == "applied" for standing in now)
    if format is Format.JSON:
        typer.echo(
            json.dumps({"current": good, "migrations": [asdict(s) for s in now], "otherTools": others}, indent=1)
        )
    else:
        for standing in now:
            typer.echo(f"{standing.state:<8} {standing.version}_{standing.name} {standing.applied_at or ''}".rstrip())
        typer.echo("up to date" if good else "not up to date", err=True)
        for tool in others:
            typer.echo(f"also recorded by {tool}", err=True)
    raise typer.Exit(0 if good else 1)


def plan(folder: Folder = DEFAULT_FOLDER, format: AsFormat = Format.CONSOLE) -> None:  # noqa: A002 - the option's name
    """Show each pending statement with the locks that it takes, who waits, and how large the table is. Only reads."""
    with _reported(), _reading(_address()) as connection:
        files = read_migrations(folder)
        pending = {int(s.version) for s in _standings(connection, files) if s.state in {"pending", "failed", "late"}}
        rows = [row for file in files if int(file.version) in pending for row in _planned(connection, file)]
    if format is Format.JSON:
        typer.echo(json.dumps({"statements": rows}, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['file']}:{row['line']}  {row['statement']}")
        for lock in row["locks"] or ():
            size = f", {lock['bytes']} bytes" if lock["bytes"] is not None else ""
            typer.echo(f"    {lock['mode']} on {lock['table']}{size}: {lock['waits']}")
        if row["locks"] is None:
            typer.echo("    its locks are not known: read it")
        for advice in row["advice"]:
            typer.echo(f"    ! {advice}")
    if not rows:
        typer.echo("nothing pending")


def up(
    folder: Folder = DEFAULT_FOLDER,
    *,
    retry_failed: Annotated[bool, typer.Option(help="run again what failed and was cleaned")] = False,
    lock_timeout: Annotated[float, typer.Option(help="seconds that a statement waits for a table", min=0.1)] = 3.0,
    tries: Annotated[int, typer.Option(help="how often a migration that gave way is tried", min=1, max=1000)] = 10,
    statement_timeout: Annotated[float, typer.Option(help="minutes that a statement may work", min=0)] = 15.0,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Apply what is pending, in order, one transaction each. Safe to run twice."""
    patience = Patience(int(lock_timeout * 1000), tries, int(statement_timeout * 60_000))
    files = read_migrations(folder)
    address = _address()
    done: list[dict[str, Any]] = []
    with _reported(), locked(address, address.parameters.get("dbname", ""), LOCK_KEY, "beautycort migrate"):
        with _session(address) as connection:
            record = find_record(connection)
            refuse_unknown_history(connection, record)
        applied = apply_pending(
            lambda: _session(address), record, files, patience, retry_failed=retry_failed,
            tell=lambda text: typer.echo(text, err=True),
        )  # fmt: skip
        for file, duration_ms in applied:
            done.append({"version": file.version, "name": file.name, "durationMs": duration_ms})
            if format is not Format.JSON:
                typer.echo(f"applied  {file.label}  {duration_ms} ms")
    if format is Format.JSON:
        typer.echo(json.dumps({"applied": done}, indent=1))
    elif not done:
        typer.echo("nothing pending")


def adopt_files(
    folder: Folder = DEFAULT_FOLDER,
    up_to: Annotated[str, typer.Option(help="the last version that the database has; 0 for none")] = "",
    from_other_tool: Annotated[bool, typer.Option(help="take the versions that another tool recorded")] = False,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Record migrations as applied without running them: for a database that something else made."""
    if bool(up_to) == from_other_tool or (up_to and not (up_to.isascii() and up_to.isdigit())):
        raise ConfigurationError("say what the database has: --up-to VERSION (0 for none), or --from-other-tool")
    files = read_migrations(folder)
    address = _address()
    lock = locked(address, address.parameters.get("dbname", ""), LOCK_KEY, "beautycort migrate adopt")
    with _reported(), lock, _session(address) as connection:
        versions = _recorded_elsewhere(connection, files) if from_other_tool else None
        chosen = adopt(connection, files, versions, int(up_to or 0))
    if format is Format.JSON:
        typer.echo(json.dumps({"adopted": [{"version": file.version, "name": file.name} for file in chosen]}, indent=1))
        return
    for file in chosen:
        typer.echo(f"adopted  {file.label}")
    typer.echo(f"{len(chosen)} recorded as applied, none was run")


def _recorded_elsewhere(connection: psycopg.Connection[Any], files: tuple[Migration, ...]) -> list[int]:
    found = [tool for tool in other_tools(connection) if tool.versions is not None]
    if len(found) != 1:
        known = ", ".join(map(str, other_tools(connection))) or "none"
        raise RefusedError(f"tables of other tools whose versions can be read: {known}; say --up-to VERSION instead")
    (tool,) = found
    versions = [int(version) for version in tool.versions or ()]
    if tool.tool == "golang-migrate":  # it records the last one only
        if not versions:
            raise RefusedError("golang-migrate says that its last migration failed half-way (dirty): settle that first")
        return [int(file.version) for file in files if int(file.version) <= versions[0]]
    return versions


def _standings(connection: psycopg.Connection[Any], files: tuple[Migration, ...]) -> tuple[Standing, ...]:
    record = find_record(connection)
    refuse_unknown_history(connection, record)
    return standings(files, read_applied(connection, record))


def _planned(connection: psycopg.Connection[Any], file: Migration) -> list[dict[str, Any]]:
    rows = []
    for statement in file.statements():
        taken = locks_of(statement)
        locks = None if taken.locks is None else [
            {"mode": lock.mode, "table": lock.table, "waits": lock.waits, "bytes": _size(connection, lock.table)}
            for lock in taken.locks
        ]  # fmt: skip
        rows.append({
            "file": file.path.name if file.path.name != "migration.sql" else file.label, "line": statement.line,
            "statement": " ".join(statement.text.split())[:100], "inTransaction": file.in_transaction, "locks": locks,
            "advice": list(taken.advice),
        })  # fmt: skip
    return rows


def _size(connection: psycopg.Connection[Any], table: str) -> int | None:
    """Bytes of a table with its indexes; None when it is not there yet, or an index stands for it."""
    name = psycopg.sql.Identifier(*table.split(".")).as_string(connection)
    row = connection.execute("SELECT pg_total_relation_size(to_regclass(%s))", [name]).fetchone()
    return int(row[0]) if row and row[0] is not None else None


def _address() -> Address:
    address = read_address(required(os.environ, "DATABASE_URL")["DATABASE_URL"])
    address.refuse_pooler("a migration")
    if not address.parameters.get("dbname"):
        raise ConfigurationError("DATABASE_URL names no database")
    return address


@contextmanager
def _session(address: Address) -> Iterator[psycopg.Connection[Any]]:
    with _connected(address) as connection:
        quiet_settings(connection)
        yield connection


@contextmanager
def _reading(address: Address) -> Iterator[psycopg.Connection[Any]]:
    """One transaction that writes nothing: what a session is told, a pooler would leave to the application's."""
    with _connected(address) as connection, connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        yield connection


@contextmanager
def _connected(address: Address) -> Iterator[psycopg.Connection[Any]]:
    known: dict[str, Any] = {"application_name": "beautycort migrate", "connect_timeout": "5"}
    try:
        # no statement is prepared: behind a pooler another's session would find it
        connection = psycopg.connect(autocommit=True, prepare_threshold=None, **{**known, **address.parameters})
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0]
        raise _NoDatabase(f"cannot reach the database: {said}") from error
    with connection:
        yield connection


@contextmanager
def _reported() -> Iterator[None]:
    """A database error that nothing else has a word for becomes one of ours."""
    try:
        yield
    except psycopg.Error as error:
        said = error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise OperationError(f"PostgreSQL says: {said}") from error


class _NoDatabase(OperationError):
    """The database cannot be reached."""

    exit_code = 4
