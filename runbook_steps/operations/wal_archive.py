"""The folder to which a server archives its WAL, and the base backups beside it: what going back to a time needs.

`POINT_IN_TIME_ARCHIVE` names the folder: `wal/` is filled by the server's own `archive_command`, `base/` by
`base-backup`. Both hold everything in the clear, as the server's own data folder does: the folder is the server's.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import zstandard

from runbook_steps.engine.errors import ConfigurationError, OperationError, RefusedError
from runbook_steps.operations.database_session import Connection, one, query, session
from runbook_steps.operations.postgres_connection import Database, maintenance
from runbook_steps.operations.postgres_programs import reason, server_programs

__all__ = ["Base", "WalArchive", "make_base", "reach", "refuse_without_archive"]

VARIABLE = "POINT_IN_TIME_ARCHIVE"
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_ENDING = ".tar.zst"
_WAIT_S = 120.0
_READ = 1 << 20
_VENDORS = {
    "supabase_admin": "Supabase keeps the WAL itself: dashboard, Database, Backups, Point in time (an add-on)",
    "rds_superuser": "Amazon RDS keeps the WAL itself: `aws rds restore-db-instance-to-point-in-time`",
    "cloudsqlsuperuser": "Cloud SQL keeps the WAL itself: `gcloud sql instances clone --point-in-time`",
    "azure_pg_admin": "Azure keeps the WAL itself: `az postgres flexible-server restore --restore-time`",
}


@dataclass(frozen=True)
class Base:
    """A copy of the whole cluster; what was committed after `ended` can be reached from it."""

    file: Path
    ended: datetime


@dataclass(frozen=True)
class WalArchive:
    """The folder."""

    folder: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> WalArchive:
        """Raises ConfigurationError when it is not set or cannot be seen from this machine."""
        text = environ.get(VARIABLE, "").strip()
        if not text:
            raise ConfigurationError(f"{VARIABLE} is not set: the folder to which the server archives its WAL, in wal/")
        found = cls(Path(text))
        if not found.wal.is_dir():
            raise ConfigurationError(f"{VARIABLE}: {found.wal} is no folder of this machine: run this where it is")
        try:
            next(found.wal.iterdir(), None)
        except PermissionError as error:
            raise ConfigurationError(f"{VARIABLE}: {found.wal} may not be read by this user") from error
        return found

    @property
    def wal(self) -> Path:
        """Segments under their own names, as `archive_command` writes them."""
        return self.folder / "wal"

    def bases(self) -> tuple[Base, ...]:
        """The oldest first."""
        found = []
        for file in sorted((self.folder / "base").glob(f"*{_ENDING}")):
            with suppress(ValueError):
                when = datetime.strptime(file.name.removesuffix(_ENDING), _STAMP).replace(tzinfo=UTC)
                found.append(Base(file, when))
        return tuple(found)

    def base_before(self, moment: datetime) -> Base:
        """The newest from which `moment` can be reached. Raises RefusedError naming what there is."""
        bases = self.bases()
        good = [base for base in bases if base.ended < moment]
        if good:
            return good[-1]
        if bases:
            raise RefusedError(
                f"the oldest base backup ended {bases[0].ended.isoformat()}: no moment before that can be reached"
            )
        raise RefusedError("there is no base backup: `beautycort database-backup base-backup` makes one for later")


def refuse_without_archive(live: Connection) -> None:
    """Raises RefusedError when this server archives nothing, or its vendor does so out of reach."""
    for (role,) in query(live, "SELECT rolname::text FROM pg_roles"):
        if role in _VENDORS:
            raise RefusedError(
                f"{_VENDORS[role]}; restore there into another project or instance, make a backup of that one with "
                "this command, and bring its rows back with `restore … --tables … --beside --allow-other-database`"
            )
    mode = one(live, "SHOW archive_mode")
    if mode == "off":
        raise RefusedError(
            "this server archives no WAL (archive_mode is off): it cannot go back to a moment, only to a backup: "
            "`beautycort database-backup list --before TIME`"
        )


def make_base(database: Database, archive: WalArchive, tell: Callable[[str], None]) -> Base:
    """Copies the whole cluster into the archive. Raises RefusedError or OperationError; then nothing is left there."""
    database.address.refuse_pooler("a base backup")
    with session(database, maintenance(database)) as live:
        refuse_without_archive(live)
        _refuse_without_replication(live)
        program = server_programs(live.info.server_version // 10000) / "pg_basebackup"
    folder = archive.folder / "base"
    folder.mkdir(mode=0o700, exist_ok=True)
    tell("copying the cluster")
    with tempfile.NamedTemporaryFile(prefix=".new-", dir=folder) as new:
        _copied(program, database, Path(new.name))
        with session(database, maintenance(database)) as live:
            ended: datetime = query(live, "SELECT clock_timestamp()")[0][0]
            # a base is of use only when the server's archive is this folder
            if unasked := reach(live, archive, tell):
                tell(unasked)
        final = folder / f"{ended.astimezone(UTC):{_STAMP}}{_ENDING}"
        final.hardlink_to(new.name)
    return Base(final, ended.astimezone(UTC))


def _refuse_without_replication(live: Connection) -> None:
    if not one(live, "SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user"):
        raise RefusedError("this role may not copy the cluster: a base backup needs a role with REPLICATION")


def _copied(program: Path, database: Database, file: Path) -> None:
    command = [
        str(program), "--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast", "--no-password",
        f"--dbname={database.tool_argument()}",
    ]  # fmt: skip
    packer = zstandard.ZstdCompressor(level=1, write_checksum=True)
    with tempfile.TemporaryFile() as told, file.open("wb") as out:
        process = subprocess.Popen(
            command, env=database.tool_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told
        )
        assert process.stdout is not None  # noqa: S101 - for the type: it is a pipe
        try:
            packer.copy_stream(process.stdout, out, read_size=_READ)
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            code = process.wait()
        if code != 0:
            told.seek(0)
            raise OperationError(f"pg_basebackup failed: {reason(told.read().decode('utf-8', 'replace'))}")


def reach(live: Connection, archive: WalArchive, tell: Callable[[str], None]) -> str:
    """Waits until everything committed before now is in the archive; gives why it may not be, empty when it is.

    Raises RefusedError or OperationError.
    """
    query(live, "SELECT pg_current_xact_id()")  # a commit after the moment: by it a server sees that it is reached
    try:
        segment = str(one(live, "SELECT pg_walfile_name(pg_switch_wal())"))
    except psycopg.errors.InsufficientPrivilege:
        return (
            "this role may not let the server archive what it wrote last: GRANT EXECUTE ON FUNCTION pg_switch_wal() in "
            f"the database {live.info.dbname}, or try again when the server has archived by itself"
        )
    tell(f"waiting until {segment} is archived")
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        ((last, failed),) = query(
            live,
            "SELECT coalesce(last_archived_wal, ''), last_failed_time > coalesce(last_archived_time, '-infinity') "
            "FROM pg_stat_archiver",
        )
        if str(last) >= segment:
            if not (archive.wal / segment).is_file():
                raise RefusedError(f"the server archives elsewhere: {segment} is archived, and not in {archive.wal}")
            return ""
        time.sleep(0.1)
    why = "its archive_command fails" if failed else "its archiver is behind"
    raise OperationError(f"the server has not archived {segment} within {_WAIT_S:.0f} s: {why}, see its log")
