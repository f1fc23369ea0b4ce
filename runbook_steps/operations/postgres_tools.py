"""pg_dump, pg_restore, and what both need to know of a database. Passwords travel in the environment alone."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.settings import Unreachable

__all__ = [
    "Database",
    "TableState",
    "connect",
    "dump",
    "exclusive",
    "restore_into",
    "schema_hash",
    "server_identity",
    "table_states",
]

MAINTENANCE = "postgres"
LOCK_KEY = 0x42434255  # "BCBU": one backup, verification or restore at a time in a cluster
_READ = 1 << 20
_ENV = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "options": "PGOPTIONS",
}


@dataclass(frozen=True)
class Database:
    """How to reach a cluster, and the name of its live database. `parameters` hold the password."""

    name: str
    parameters: Mapping[str, Any]

    @classmethod
    def from_url(cls, url: str) -> Database:
        """Raises ConfigurationError, without the URL, when it is no good."""
        try:
            parameters = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise ConfigurationError("DATABASE_URL is not a PostgreSQL URL") from error
        name = parameters.pop("dbname", None)
        if not name:
            raise ConfigurationError("DATABASE_URL names no database")
        return cls(str(name), parameters)

    def tool_environment(self) -> dict[str, str]:
        """What pg_dump and pg_restore get: PATH, and the connection as PG* variables."""
        named = {_ENV[key]: str(value) for key, value in self.parameters.items() if key in _ENV}
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR", "LANG") if key in os.environ}
        return {**kept, **named, "PGCONNECT_TIMEOUT": "10"}


@contextmanager
def connect(database: Database, name: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection in autocommit. Raises Unreachable, without a secret."""
    parameters = {**database.parameters, "dbname": name or database.name, "connect_timeout": 10}
    try:
        connection = psycopg.connect(autocommit=True, application_name="beautycort database-backup", **parameters)
    except psycopg.OperationalError as error:
        last = str(error).strip().splitlines()[-1]
        raise Unreachable(f"cannot connect to database {name or database.name}: {last}") from error
    with connection:
        yield connection


@contextmanager
def exclusive(database: Database, what: str) -> Iterator[psycopg.Connection[Any]]:
    """Holds the one lock of backups and restores. Raises OperationError naming who holds it."""
    with connect(database, MAINTENANCE) as connection:
        connection.execute(
            sql.SQL("SET application_name = {}").format(sql.Literal(f"beautycort {what} of {database.name}"[:63]))
        )
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
        if not row or not row[0]:
            raise OperationError(f"{_holder(connection)}; wait for it to end, nothing was done")
        yield connection


def _holder(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute(
        "SELECT a.application_name, a.usename, a.pid, a.backend_start::timestamptz(0)::text "
        "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.objid = %s AND l.granted",
        [LOCK_KEY],
    ).fetchone()
    return (
        f"another run is under way: {row[0]} ({row[1]}, process {row[2]}, since {row[3]})"
        if row
        else ("another backup or restore is under way")
    )


@dataclass(frozen=True)
class TableState:
    """Rows of a table, and a checksum over their contents that does not depend on their order."""

    rows: int
    checksum: str


def table_states(connection: psycopg.Connection[Any]) -> dict[str, TableState]:
    """Every table of the application's schemas, in constant memory; inside the transaction of `connection`."""
    connection.execute(
        "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1; "
        "SET LOCAL bytea_output = 'hex'; SET LOCAL IntervalStyle = 'postgres'"
    )
    tables = connection.execute(
        "SELECT schemaname, tablename FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname NOT LIKE 'pg\\_%' "
        "ORDER BY 1, 2"
    ).fetchall()
    states = {}
    for schema, table in tables:
        row = connection.execute(
            sql.SQL(
                "SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text "
                "FROM ONLY {} t"
            ).format(sql.Identifier(schema, table))
        ).fetchone()
        states[f"{schema}.{table}"] = TableState(int(row[0]), str(row[1])) if row else TableState(0, "0")
    return states


def server_identity(connection: psycopg.Connection[Any]) -> tuple[int, str]:
    """The server's version number (180001), and the cluster's identifier; empty where it may not be read."""
    row = connection.execute("SELECT current_setting('server_version_num')::int").fetchone()
    version = int(row[0]) if row else 0
    try:
        with connection.transaction():
            found = connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return version, ""
    return version, str(found[0]) if found else ""


def tool(name: str, server_version: int = 0) -> str:
    """The path of a PostgreSQL tool that is not older than the server. Raises ConfigurationError."""
    path = shutil.which(name)
    if path is None:
        raise ConfigurationError(f"`{name}` is not on the PATH; install the PostgreSQL client tools")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    shape = re.search(r"(\d+)", said)
    if shape is None or int(shape[1]) < server_version // 10000:
        raise ConfigurationError(
            f"{said.strip()} is older than the server ({server_version // 10000}); install newer client tools"
        )
    return path


def dump(database: Database, snapshot: str, server_version: int) -> Iterator[bytes]:
    """The dump in custom format, uncompressed, as of the snapshot. Raises OperationError when pg_dump fails."""
    command = [
        tool("pg_dump", server_version), "--format=custom", "--compress=0", f"--snapshot={snapshot}",
        "--no-password", f"--dbname={database.name}",
    ]  # fmt: skip
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, env=database.tool_environment(), stdout=subprocess.PIPE, stderr=told)
        stream: IO[bytes] = process.stdout  # type: ignore[assignment]
        try:
            while piece := stream.read(_READ):
                yield piece
        except BaseException:
            process.kill()  # nobody reads on: the dump is of no use
            raise
        finally:
            stream.close()
            code = process.wait()
        if code != 0:
            raise OperationError(f"pg_dump failed: {_last_line(told)}")


def restore_into(database: Database, name: str, pieces: Iterator[bytes]) -> None:
    """Restores a dump into the empty database `name`. Raises OperationError when pg_restore fails."""
    command = [tool("pg_restore"), "--exit-on-error", "--no-password", f"--dbname={name}"]
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            command,
            env=database.tool_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=told,
        )
        stream: IO[bytes] = process.stdin  # type: ignore[assignment]
        try:
            for piece in pieces:
                stream.write(piece)
            stream.close()
        except BrokenPipeError:
            pass  # pg_restore gave up; its exit code and its last line say why
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() != 0:
            raise OperationError(f"pg_restore failed: {_last_line(told)}")


def schema_hash(database: Database, name: str, snapshot: str | None = None) -> str:
    """SHA-256 of the schema as pg_dump writes it, without its comments and settings."""
    command = [tool("pg_dump"), "--schema-only", "--no-password", f"--dbname={name}"]
    if snapshot:
        command.append(f"--snapshot={snapshot}")
    done = subprocess.run(command, env=database.tool_environment(), capture_output=True, check=False, timeout=600)
    if done.returncode != 0:
        raise OperationError(f"pg_dump failed: {done.stderr.decode(errors='replace').strip().splitlines()[-1:]}")
    # \restrict carries a random word since the releases of August 2025
    skipped = (b"--", b"\\restrict", b"\\unrestrict", b"SET ", b"SELECT pg_catalog.set_config")
    lines = [line for line in done.stdout.splitlines() if line.strip() and not line.startswith(skipped)]
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def _last_line(told: IO[bytes]) -> str:
    told.seek(0)
    lines = told.read()[-4000:].decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"
