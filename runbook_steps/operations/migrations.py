"""Schema migrations: plain SQL files, in order, each in one transaction, under a lock, with checksums.

A file is named `0007_add_rating.sql`; the digits are its version. A file whose first line is
`-- migrate: no-transaction` holds one statement that PostgreSQL refuses in a transaction
(CREATE INDEX CONCURRENTLY); when it fails, what it left is recorded as `failed` and must be cleaned first.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from runbook_steps.engine.errors import ConfigurationError, OperationError, RefusedError

__all__ = [
    "Applied",
    "Migration",
    "Standing",
    "apply_pending",
    "read_applied",
    "read_migrations",
    "standings",
]

LOCK_KEY = 0x42434D49  # "BCMI": one number for all migration runs of a database
LOCK_TIMEOUT = "5s"  # a migration that waits longer than this for a table blocks every query behind it
STATEMENT_TIMEOUT = "15min"
NO_TRANSACTION = "-- migrate: no-transaction"
_NAME = re.compile(r"(?P<version>\d{4,14})_(?P<name>[a-z0-9_]+)\.sql")

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version text PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    state text NOT NULL CHECK (state IN ('applied', 'failed')),
    applied_at timestamptz NOT NULL DEFAULT now(),
    duration_ms integer NOT NULL
)
"""


@dataclass(frozen=True)
class Migration:
    """One file. `checksum` is the SHA-256 of its bytes."""

    version: str
    name: str
    path: Path
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        """Whether it runs in one transaction: unless its first line says otherwise."""
        return not self.sql.lstrip().startswith(NO_TRANSACTION)


@dataclass(frozen=True)
class Applied:
    """What the database remembers of one migration."""

    version: str
    name: str
    checksum: str
    state: str
    applied_at: str


@dataclass(frozen=True)
class Standing:
    """How a migration stands.

    `state` is `applied`, `pending`, `failed`, `changed` or `missing` (its file), or `late`: not applied,
    though a later one is.
    """

    version: str
    name: str
    state: str
    applied_at: str | None = None


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The files of a folder, by version. Raises ConfigurationError for a folder or a name that is no good."""
    if not folder.is_dir():
        raise ConfigurationError(f"no folder {folder}; set MIGRATIONS_DIR to where the .sql files are")
    found: dict[str, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        shape = _NAME.fullmatch(path.name)
        if shape is None:
            raise ConfigurationError(f"{path}: name it like 0007_add_rating.sql")
        version = shape["version"]
        if version in found:
            raise ConfigurationError(f"{path}: version {version} is already {found[version].path.name}")
        found[version] = Migration(version, shape["name"], path, path.read_text("utf-8"))
    return tuple(found[version] for version in sorted(found, key=int))


def read_applied(connection: psycopg.Connection[Any]) -> tuple[Applied, ...]:
    """What the database remembers; nothing when it was never migrated. Only reads."""
    known = connection.execute("SELECT to_regclass('schema_migrations')").fetchone()
    if known is None or known[0] is None:
        return ()
    rows = connection.execute(
        "SELECT version, name, checksum, state, applied_at::text FROM schema_migrations ORDER BY version::numeric"
    ).fetchall()
    return tuple(Applied(*row) for row in rows)


def standings(files: Iterable[Migration], applied: Iterable[Applied]) -> tuple[Standing, ...]:
    """Files against memory. Pure."""
    remembered: Mapping[str, Applied] = {row.version: row for row in applied}
    by_version = {file.version: file for file in files}
    newest = max((int(v) for v, row in remembered.items() if row.state == "applied"), default=-1)
    result = []
    for version in sorted({*remembered, *by_version}, key=int):
        row, file = remembered.get(version), by_version.get(version)
        name = file.name if file else (row.name if row else "")
        result.append(Standing(version, name, _state(file, row, newest), row.applied_at if row else None))
    return tuple(result)


def _state(file: Migration | None, row: Applied | None, newest: int) -> str:
    if row is None:
        return "late" if file is not None and int(file.version) < newest else "pending"
    if row.state == "failed":
        return "failed"
    if file is None:
        return "missing"
    return "applied" if file.checksum == row.checksum else "changed"


def apply_pending(
    connection: psycopg.Connection[Any], files: tuple[Migration, ...], *, retry_failed: bool = False
) -> Iterator[tuple[Migration, int]]:
    """Applies what is pending, in order, and yields each with its duration in ms.

    `connection` is in autocommit. Raises RefusedError when another run holds the lock, a file was changed,
    or a failed one was not cleaned; OperationError, with file and line, when a migration fails: the ones
    before it stay applied, a transactional one leaves nothing.
    """
    with _lock(connection):
        connection.execute(_TABLE)
        now = standings(files, read_applied(connection))
        _refuse_inconsistent(now, retry_failed=retry_failed)
        to_do = {s.version for s in now if s.state in {"pending", "failed"}}
        for file in files:
            if file.version in to_do:
                yield file, _apply(connection, file)


@contextmanager
def _lock(connection: psycopg.Connection[Any]) -> Iterator[None]:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY]).fetchone()
    if row is None or not row[0]:
        raise RefusedError(f"another migration run is under way{_lock_owner(connection)}; wait for it to end")
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


def _lock_owner(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute(
        "SELECT a.pid, a.usename, a.backend_start::timestamptz(0)::text FROM pg_locks l "
        "JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.objid = %s AND l.granted",
        [LOCK_KEY],
    ).fetchone()
    return f" (process {row[0]} of {row[1]}, since {row[2]})" if row else ""


def _refuse_inconsistent(now: Iterable[Standing], *, retry_failed: bool) -> None:
    for standing in now:
        label = f"{standing.version}_{standing.name}"
        if standing.state == "changed":
            raise RefusedError(f"{label} was changed after it was applied; restore the file, and write a new migration")
        if standing.state == "late":
            raise RefusedError(f"{label} is older than what is applied; give it a newer version")
        if standing.state == "failed" and not retry_failed:
            raise RefusedError(
                f"{label} failed outside a transaction and may have left something; clean it, "
                "then run `beautycort migrate up --retry-failed`"
            )


def _apply(connection: psycopg.Connection[Any], file: Migration) -> int:
    began = time.monotonic()
    connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
    try:
        if file.in_transaction:
            with connection.transaction():
                connection.execute(file.sql.encode())
                _remember(connection, file, "applied", began)
        else:
            connection.execute(file.sql.encode())
            _remember(connection, file, "applied", began)
    except psycopg.Error as error:
        if not file.in_transaction and not connection.closed:
            _remember(connection, file, "failed", began)
        raise OperationError(_failure(file, error)) from error
    return int(1000 * (time.monotonic() - began))


def _remember(connection: psycopg.Connection[Any], file: Migration, state: str, began: float) -> None:
    connection.execute(
        "INSERT INTO schema_migrations (version, name, checksum, state, duration_ms) "
        "VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (version) DO UPDATE SET checksum = EXCLUDED.checksum, state = EXCLUDED.state, "
        "applied_at = now(), duration_ms = EXCLUDED.duration_ms",
        [file.version, file.name, file.checksum, state, int(1000 * (time.monotonic() - began))],
    )


def _failure(file: Migration, error: psycopg.Error) -> str:
    position = int(error.diag.statement_position or 0)
    line = file.sql[:position].count("\n") + 1 if position else 1
    said = error.diag.message_primary or str(error).strip()
    hint = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    left = (
        "it was rolled back: nothing of it is in the database"
        if file.in_transaction
        else "it ran outside a transaction: look for what it left, for example an INVALID index"
    )
    return f"{file.path.name}:{line}: {said}{hint} [{error.sqlstate or 'no connection'}]; {left}"
