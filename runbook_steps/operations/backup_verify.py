"""Proves a backup: downloads it, checks it, restores it into a new database and compares that with the manifest."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import zstandard
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError, RunbookError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.backup_stream import decrypt, key_fingerprint
from runbook_steps.operations.postgres_connection import MAINTENANCE, Database, connect
from runbook_steps.operations.postgres_tools import restore_into, schema_hash, table_states

__all__ = ["drop_leftovers", "fill_new_database", "refuse_untrusted", "verify"]

_READ = 1 << 20
NAME_LIMIT = 63  # bytes of a name in PostgreSQL


def verify(settings: BackupSettings, store: Store, manifest: Manifest, tell: Callable[[str], None]) -> None:
    """Restores the backup into a scratch database, compares, and drops it again.

    Raises RefusedError when the backup cannot be trusted, OperationError when it cannot be restored.
    """
    refuse_untrusted(settings, manifest)
    name = new_name(settings.database, "verify")
    try:
        fill_new_database(settings, store, manifest, name, tell)
    finally:
        with suppress(RunbookError), connect(settings.database, MAINTENANCE) as admin:
            _drop(admin, name)


def refuse_untrusted(settings: BackupSettings, manifest: Manifest) -> None:
    """What can be told before the download. Raises RefusedError for another key, or a missing one."""
    own = key_fingerprint(settings.key) if settings.key else None
    if manifest.encryption_key is not None and own is None:
        raise RefusedError(
            f"{manifest.backup_id} is encrypted with key {manifest.encryption_key}; set BACKUP_ENCRYPTION=true "
            "and BACKUP_ENCRYPTION_KEY"
        )
    if manifest.encryption_key not in {None, own}:
        raise RefusedError(
            f"{manifest.backup_id} was encrypted with another key: {manifest.encryption_key}, "
            f"this environment has {own}; load the key of that time into BACKUP_ENCRYPTION_KEY"
        )


def fill_new_database(
    settings: BackupSettings, store: Store, manifest: Manifest, name: str, tell: Callable[[str], None]
) -> None:
    """Downloads, creates the database `name`, restores into it, and compares it with the manifest."""
    with _private_file(manifest.size) as file:
        tell("downloading and checking")
        store.download(manifest, file)
        with connect(settings.database, MAINTENANCE) as admin:
            _create_like(admin, settings.database.name, name)
        tell(f"restoring into {name}")
        restore_into(settings.database, name, unpacked(file, manifest, settings.key))
    tell("comparing")
    _compare(settings.database, name, manifest)


@contextmanager
def _private_file(size: int) -> Iterator[Path]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < size * 1.05:
        raise OperationError(
            f"{tempfile.gettempdir()} has {free} bytes free, the backup needs {size}; free some, or set TMPDIR"
        )
    handle, name = tempfile.mkstemp(prefix="beautycort-backup-")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def unpacked(file: Path, manifest: Manifest, key: bytes | None) -> Iterator[bytes]:
    """The dump inside a downloaded backup. Raises RefusedError when it cannot be decrypted or unpacked."""
    with file.open("rb") as source:
        if manifest.encryption_key is not None and key is not None:
            pieces = decrypt(source, key, manifest.bound_to)
        else:
            pieces = iter(lambda: source.read(_READ), b"")
        if manifest.compression == "zstd":
            pieces = _decompressed(pieces)
        yield from pieces


def _decompressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    try:
        for piece in pieces:
            if out := unpacker.decompress(piece):
                yield out
    except zstandard.ZstdError as error:
        raise RefusedError("the compressed data is damaged") from error
    if not unpacker.eof:
        raise RefusedError("the compressed data ends too early: it was cut short")


def _compare(database: Database, name: str, manifest: Manifest) -> None:
    with connect(database, name) as connection, connection.transaction():
        found = table_states(connection)
    wrong = []
    for table in sorted({*manifest.tables, *found}):
        expected, actual = manifest.tables.get(table), found.get(table)
        if expected is None or actual is None:
            wrong.append(f"{table} is {'unexpected' if expected is None else 'missing'}")
        elif int(expected["rows"]) != actual.rows:
            wrong.append(f"{table} has {actual.rows} rows, not {expected['rows']}")
        elif expected["checksum"] != actual.checksum:
            wrong.append(f"{table} has other contents")
    if not wrong and schema_hash(database, name) != manifest.schema_sha256:
        wrong.append("the schema differs")
    if wrong:
        raise OperationError(f"{manifest.backup_id} does not restore to what was backed up: {'; '.join(wrong[:5])}")


def new_name(database: Database, what: str) -> str:
    """A name for a database of this run: `beautycort_verify_1a2b3c4d`."""
    suffix = f"_{what}_{secrets.token_hex(4)}"
    return database.name[: NAME_LIMIT - len(suffix)] + suffix


def drop_leftovers(admin: psycopg.Connection[Any], live: str) -> tuple[str, ...]:
    """Drops what killed runs left behind; called under the lock, when no other run can need it. Gives the names."""
    rows = admin.execute(
        "SELECT datname FROM pg_database WHERE datname ~ ('^' || regexp_replace(%s, '(\\W)', '\\\\\\1', 'g') "
        "|| '_(verify|restore)_[0-9a-f]{8}$')",
        [live],
    ).fetchall()
    for (name,) in rows:
        _drop(admin, name)
    return tuple(str(name) for (name,) in rows)


def _drop(admin: psycopg.Connection[Any], name: str) -> None:
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _create_like(admin: psycopg.Connection[Any], live: str, name: str) -> None:
    """An empty database with the owner, encoding, collation and settings of the live one (or of the server)."""
    row = admin.execute(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit, oid "
        "FROM pg_database WHERE datname = %s",
        [live],
    ).fetchone()
    if row is None:  # the live database is gone: that is what a restore is for
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return
    owner, encoding, collate, ctype, limit, oid = row
    admin.execute(
        sql.SQL(
            "CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {} CONNECTION LIMIT {}"
        ).format(
            sql.Identifier(name),
            sql.Identifier(owner),
            sql.Literal(encoding),
            sql.Literal(collate),
            sql.Literal(ctype),
            sql.Literal(limit),
        )
    )
    settings = admin.execute(
        "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setdatabase = %s AND setrole = 0", [oid]
    ).fetchall()
    for (setting,) in settings:
        parameter, _, value = str(setting).partition("=")
        admin.execute(
            sql.SQL("ALTER DATABASE {} SET {} TO {}").format(
                sql.Identifier(name), sql.Identifier(*parameter.split(".")), sql.Literal(value)
            )
        )
