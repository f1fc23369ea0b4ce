"""pg_dump, pg_restore, and what both need to know of a database. Passwords travel in the environment alone."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.postgres_connection import Database

__all__ = [
    "TableState",
    "dump",
    "restore_into",
    "schema_hash",
    "server_identity",
    "table_states",
]

_READ = 1 << 20


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
        "--no-password", f"--dbname={database.tool_argument()}",
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
    command = [tool("pg_restore"), "--exit-on-error", "--no-password", f"--dbname={database.tool_argument(name)}"]
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
    command = [tool("pg_dump"), "--schema-only", "--no-password", f"--dbname={database.tool_argument(name)}"]
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
