"""Proves a backup: downloads it, checks it, restores it into a new database and compares that with the manifest."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import zstandard
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError, RunbookError
from runbook_steps.operations.archive_restore import Archive
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.backup_stream import decrypt, key_fingerprint
from runbook_steps.operations.database_comparison import Contents, Expected, compare, take_away
from runbook_steps.operations.database_emptying import Emptiness, empty_again, is_empty
from runbook_steps.operations.database_names import leftover_pattern, scratch_name
from runbook_steps.operations.database_properties import Properties, create_database, drop_database
from runbook_steps.operations.database_rights import (
    Rights,
    acts_as,
    extensions_to_leave_out,
    out_of_reach,
    provided,
    read_rights,
    schemas_of_extensions,
)
from runbook_steps.operations.database_session import Connection, session
from runbook_steps.operations.pipeline import begun
from runbook_steps.operations.postgres_connection import Database, maintenance
from runbook_steps.operations.postgres_programs import find_programs
from runbook_steps.operations.restore_by_path import restore_by_any_path
from runbook_steps.operations.restoring_role import explained, loading_role, refuse_unloadable

__all__ = ["Filled", "drop_leftovers", "fill", "opened_archive", "refuse_untrusted", "refuse_what_is_missing", "verify"]

_READ = 1 << 20
_SLICE = 4 << 10  # of compressed data: a table of blanks becomes 30,000 times as large
_SHOWN = 5  # differences that a message names
SCRATCH_LOCK = 0x42435343  # "BCSC", with a number of the database's name: it is in use by a living run
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Filled:
    """A database that a backup was restored into: what is not valid in it any more, and seconds of each part."""

    invalid: tuple[str, ...]
    seconds: dict[str, float]


def verify(settings: BackupSettings, store: Store, manifest: Manifest, tell: Tell) -> Filled:
    """Restores the backup into a scratch database, compares, and drops it again.

    Raises RefusedError when the backup cannot be trusted, OperationError when it cannot be restored.
    """
    refuse_untrusted(settings, manifest)
    with scratch(settings, manifest, "verify") as name:
        return fill(settings, store, manifest, name, tell)


def refuse_untrusted(settings: BackupSettings, manifest: Manifest) -> None:
    """What can be told before the download. Raises RefusedError for another key, or a missing one."""
    own = key_fingerprint(settings.key) if settings.key else None
    if manifest.encryption_key is None and own is not None:
        raise RefusedError(
            f"{manifest.backup_id} is not encrypted, though this environment encrypts: anybody who can write to the "
            "bucket could have put it there; if it is yours, set BACKUP_ENCRYPTION=false for this one command"
        )
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


def refuse_what_is_missing(admin: Connection, manifest: Manifest, wanted: Properties | None = None) -> None:
    """Raises RefusedError naming roles and tablespaces that the backup needs and this cluster does not have.

    `wanted` is what the database itself will be given, where no live one has it.
    """
    needs = Contents.from_document(manifest.contents).needs
    own = {"roles": wanted.roles, "tablespaces": {wanted.tablespace}} if wanted else {}
    here = {
        "roles": {str(name) for (name,) in admin.execute("SELECT rolname FROM pg_roles").fetchall()},
        "tablespaces": {str(name) for (name,) in admin.execute("SELECT spcname FROM pg_tablespace").fetchall()},
    }
    missing = [
        f"the {kind} {', '.join(sorted(lost))}"
        for kind, known in here.items()
        if (lost := {*needs.get(kind, ()), *own.get(kind, ())} - known)
    ]
    if missing:
        raise RefusedError(
            f"{manifest.backup_id} needs {' and '.join(missing)}, which this cluster does not have: create them first"
        )


@contextmanager
def scratch(settings: BackupSettings, manifest: Manifest, what: str) -> Iterator[str]:
    """An empty database for a while, like the one that was backed up; or the one that was prepared."""
    if settings.scratch:
        with _prepared(settings.database, settings.scratch) as name:
            yield name
        return
    with session(settings.database, maintenance(settings.database)) as admin:
        rights = read_rights(admin, settings.database.name)
        _refuse_without_createdb(rights)
        refuse_what_is_missing(admin, manifest)
        name = scratch_name(settings.database.name, what)
        admin.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [SCRATCH_LOCK, name])
        try:
            create_database(
                admin,
                name,
                _ownable(rights, acts_as(admin), Contents.from_document(manifest.contents).known_properties()),
            )
            yield name
        finally:
            with suppress(psycopg.Error, RunbookError):
                drop_database(admin, name)


def refuse_unverifiable(settings: BackupSettings) -> None:
    """Raises RefusedError when this role could not restore a backup anywhere: said before one is made."""
    refuse_unloadable(settings.database, trusted=settings.with_my_rights)
    if not settings.scratch:
        with session(settings.database, maintenance(settings.database)) as admin:
            _refuse_without_createdb(read_rights(admin, settings.database.name))
    with session(settings.database) as live:
        if denied := out_of_reach(live):
            role = read_rights(live, settings.database.name).role
            shown = "; ".join(denied[:_SHOWN]) + (f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else "")
            raise RefusedError(
                f"{role} could restore a backup nowhere, for it may not make again: {shown}. "
                "Grant it the roles, or make a backup with --unverified, which a superuser can restore; rows of its "
                "tables come back with --tables … --beside"
            )


def _refuse_without_createdb(rights: Rights) -> None:
    if not (rights.superuser or rights.may_create_databases):
        raise RefusedError(
            f"{rights.role} may not create a database to restore into: give it CREATEDB, or let an administrator "
            "create an empty database that it owns, and name that in BACKUP_SCRATCH_DATABASE"
        )


def _ownable(rights: Rights, roles: frozenset[str], wanted: Properties | None) -> Properties | None:
    return wanted if wanted is None or rights.superuser or wanted.owner in roles else wanted.owned_by(rights.role)


@contextmanager
def _prepared(database: Database, name: str) -> Iterator[str]:
    if name == database.name:
        raise RefusedError("BACKUP_SCRATCH_DATABASE names the live database")
    with session(database, name) as target:
        target.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [SCRATCH_LOCK, name])
        mark = "scratch database of beautycort database-backup: emptied by each run"
        found = target.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        if not is_empty(target) and (found is None or found[0] != mark):
            raise RefusedError(f"{name} is not empty: BACKUP_SCRATCH_DATABASE must name a database without any table")
        target.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(mark)))
        empty_again(target, Emptiness.of_others(target))
        try:
            yield name
        finally:
            with suppress(psycopg.Error, RunbookError):
                empty_again(target, Emptiness.of_others(target))


def fill(settings: BackupSettings, store: Store, manifest: Manifest, name: str, tell: Tell) -> Filled:
    """Downloads, restores into the empty database `name`, and compares it with the manifest.

    Raises RefusedError or OperationError.
    """
    database, contents = settings.database, Contents.from_document(manifest.contents)
    began = time.monotonic()
    with (
        opened_archive(settings, store, manifest, name, tell) as packed,
        loading_role(database, trusted=settings.with_my_rights, spaces=contents.needs.get("tablespaces", ())) as loader,
    ):
        opened = replace(packed, loader=loader)
        downloaded = time.monotonic()
        with session(database, name) as target:
            brought = {f"{each} is unexpected" for each in provided(target)}
        tell(f"restoring into {name}")
        take_away(database, name, contents.needs)
        with explained(loader):
            archive, invalid = restore_by_any_path(database, name, opened, contents, tell)
        restored = time.monotonic()
        tell("comparing")
        expected = Expected(
            manifest.tables, contents, manifest.schema_sha256, manifest.server_version // 10000,
            manifest.rows_by_archive,
        )  # fmt: skip

        @contextmanager
        def another() -> Iterator[str]:
            if settings.scratch == name:
                with session(database, name) as target:
                    empty_again(target, Emptiness.of_others(target))
                yield name
            else:
                with scratch(settings, manifest, "verify") as other:
                    yield other

        wrong = compare(database, name, expected, archive, invalid=invalid, scratch=another)
        wrong = [text for text in wrong if text not in brought]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise OperationError(
            f"{manifest.backup_id} does not restore to what was backed up: {'; '.join(wrong[:_SHOWN])}{more}"
        )
    seconds = {
        "downloading": downloaded - began,
        "restoring": restored - downloaded,
        "comparing": time.monotonic() - restored,
    }
    return Filled(tuple(invalid), {part: round(value, 3) for part, value in seconds.items()})


@contextmanager
def opened_archive(
    settings: BackupSettings, store: Store, manifest: Manifest, name: str, tell: Tell
) -> Iterator[Archive]:
    """The dump of a backup in a private file, checked, with the programs that can read it and write to `name`."""
    contents = Contents.from_document(manifest.contents)
    with session(settings.database, name) as target:
        rights = read_rights(target, settings.database.name)
        known = extensions_to_leave_out(target, rights, contents.needs.get("extensions", ()))
        there = schemas_of_extensions(target, known)
        version, roles = target.info.server_version // 10000, acts_as(target)
        programs = find_programs(max(version, contents.program)).written_in(target)
    with _private_folder(manifest.size + contents.dump_size) as folder:
        tell("downloading and checking")
        packed, file = folder / "packed", folder / "dump"
        store.download(manifest, packed)
        with file.open("wb") as plain, begun(unpacked(packed, manifest, settings.key)) as pieces:
            for piece in pieces:
                plain.write(piece)
        packed.unlink()
        left_out = [
            f"{kind}{what}{dash} {name} "
            for what, names in (("EXTENSION", known), ("SCHEMA", there))
            for name in names
            for kind, dash in (("", " -"), ("COMMENT - ", ""))
        ]
        yield Archive(file, programs, tuple(left_out), () if rights.superuser else tuple(sorted(roles)))


@contextmanager
def _private_folder(size: int) -> Iterator[Path]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < size * 1.05:
        raise OperationError(
            f"{tempfile.gettempdir()} has {free} bytes free, the backup needs {size}; free some, or set TMPDIR"
        )
    with tempfile.TemporaryDirectory(prefix="beautycort-backup-") as folder:
        yield Path(folder)


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
            for start in range(0, len(piece), _SLICE):
                if out := unpacker.decompress(piece[start : start + _SLICE]):
                    yield out
    except zstandard.ZstdError as error:
        raise RefusedError("the compressed data is damaged") from error
    if not unpacker.eof:
        raise RefusedError("the compressed data ends too early: it was cut short")


def drop_leftovers(admin: Connection, live: str) -> tuple[str, ...]:
    """Drops what killed runs left behind, and nothing that a living run uses. Gives the names."""
    pattern = leftover_pattern(live)
    rows = admin.execute("SELECT datname::text FROM pg_database").fetchall()
    dropped = []
    for (name,) in rows:
        if not pattern.fullmatch(name):
            continue
        row = admin.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [SCRATCH_LOCK, name]).fetchone()
        if row and row[0]:
            drop_database(admin, name)
            admin.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [SCRATCH_LOCK, name])
            dropped.append(name)
    return tuple(dropped)
