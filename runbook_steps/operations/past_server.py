"""A server of the past: a base backup on this machine, rolled forward to a moment, reachable by this user alone.

It listens on a socket in a private folder only, and is gone, with its files, when it is not needed any more.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import zstandard

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.engine.postgres.address import Address
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.postgres_programs import server_programs
from runbook_steps.operations.wal_archive import Base, WalArchive

__all__ = ["ArchiveEndsError", "Past", "past_server"]

_PORT = "5432"  # of a socket in a folder of its own
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_NOT_REACHED = "recovery ended before configured recovery target was reached"
_UNPACKED = 4  # times the packed size that are kept free


class ArchiveEndsError(OperationError):
    """The archived WAL does not reach the moment."""


@dataclass(frozen=True)
class Past:
    """What is to be seen: the moment, the base backup before it, the role that will look, the server's version."""

    moment: datetime
    archive: WalArchive
    base: Base
    user: str
    major: int


@dataclass(frozen=True)
class _Account:
    """Who the server runs as: PostgreSQL refuses root."""

    uid: int
    gid: int


@contextmanager
def past_server(database: Database, wanted: Past, tell: Callable[[str], None]) -> Iterator[Database]:
    """The cluster as it was just before the moment; gives how its database of the same name is reached.

    Raises ConfigurationError when this machine cannot run one, OperationError when the moment is not reached.
    """
    programs = server_programs(wanted.major)
    account = _account(wanted.archive)
    # the server's account gets to its archive, and perhaps not to a temporary folder of root's
    place = str(wanted.archive.folder) if account is not None else None
    with tempfile.TemporaryDirectory(prefix="beautycort-past-", dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        data = folder / "data"
        _refuse_small_disk(wanted.base, folder)
        tell("unpacking the base backup")
        _unpack(wanted.base, data)
        _configure(folder, data, wanted)
        if account is not None:
            _give(folder, account)
        tell(f"rolling forward to {wanted.moment.isoformat()}")
        with _running(programs / "postgres", folder, account) as server:
            past = Database(database.name, Address({"host": str(folder), "port": _PORT, "user": wanted.user}))
            _wait(server, past, folder / "log", wanted.moment)
            yield past


def _account(archive: WalArchive) -> _Account | None:
    if os.geteuid() != 0:
        return None
    owner = archive.wal.stat()
    if owner.st_uid != 0:
        return _Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Account(entry.pw_uid, entry.pw_gid)
    raise ConfigurationError("PostgreSQL does not run as root: run this command as another user")


def _refuse_small_disk(base: Base, folder: Path) -> None:
    need, free = base.file.stat().st_size * _UNPACKED, shutil.disk_usage(folder).free
    if free < need:
        raise OperationError(f"{folder.parent} has {free} bytes free, a server of the past needs {need}: set TMPDIR")


def _unpack(base: Base, data: Path) -> None:
    data.mkdir(mode=0o700)
    try:
        with (
            base.file.open("rb") as packed,
            zstandard.ZstdDecompressor().stream_reader(packed) as plain,
            tarfile.open(fileobj=plain, mode="r|") as tar,
        ):
            tar.extractall(data, filter="data")
    except (zstandard.ZstdError, tarfile.TarError) as error:
        raise OperationError(f"the base backup {base.file.name} is damaged: {error}") from error
    if not (data / "PG_VERSION").is_file():
        raise OperationError(f"{base.file.name} is no base backup")
    data.chmod(0o700)  # the server refuses a folder that others may look into


def _configure(folder: Path, data: Path, wanted: Past) -> None:
    """Settings of its own: those of the live server name its files, its network and its archive."""
    (data / "postgresql.auto.conf").write_text("")
    (data / "standby.signal").unlink(missing_ok=True)
    (data / "recovery.signal").touch()
    segment = shlex.quote(str(wanted.archive.wal)).replace("%", "%%")
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "port": _PORT,
        "hba_file": str(folder / "hba.conf"),
        "ident_file": str(folder / "ident.conf"),
        "restore_command": f'cp {segment}/%f "%p"',
        "recovery_target_time": wanted.moment.isoformat(sep=" "),
        "recovery_target_inclusive": "off",
        "recovery_target_action": "promote",
        "recovery_target_timeline": "latest",
        "hot_standby": "off",
        "archive_mode": "off",
        "max_connections": "20",
        "max_prepared_transactions": "1000",
        "max_locks_per_transaction": "1024",
        "autovacuum": "off",
        "fsync": "off",
        "logging_collector": "off",
        "log_destination": "stderr",
        "ssl": "off",
    }
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
    (folder / "settings.conf").write_text("\n".join(lines) + "\n")
    (folder / "hba.conf").write_text("local all all trust\n")  # the folder is closed to everybody else
    (folder / "ident.conf").write_text("")


def _give(folder: Path, account: _Account) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


@contextmanager
def _running(program: Path, folder: Path, account: _Account | None) -> Iterator[subprocess.Popen[bytes]]:
    more: dict[str, Any] = {}
    if account is not None:
        more = {"user": account.uid, "group": account.gid, "extra_groups": []}
    with (folder / "log").open("wb") as log:
        try:
            server = subprocess.Popen(
                [str(program), "-D", str(folder / "data"), "-c", f"config_file={folder / 'settings.conf'}"],
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "LC_MESSAGES": "C"}, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=_die_with_parent, **more,  # noqa: PLW1509 - no other thread forks here
            )  # fmt: skip
        except PermissionError as error:
            raise ConfigurationError(
                f"{program} cannot be run by the account of the server: run this command as an ordinary user"
            ) from error
    try:
        yield server
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()


def _die_with_parent() -> None:
    """A killed command leaves no server behind. Linux alone can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGQUIT)


def _wait(server: subprocess.Popen[bytes], past: Database, log: Path, moment: datetime) -> None:
    """Until it serves: hours, where much is to be rolled forward. Raises OperationError when it ends before."""
    while server.poll() is None:
        try:
            with psycopg.connect(past.address.conninfo(dbname=past.name), connect_timeout=5):
                return
        except psycopg.OperationalError as error:
            if "does not exist" in str(error):
                raise OperationError(f"the database {past.name} did not exist at {moment.isoformat()}") from error
        time.sleep(0.2)
    said = log.read_text("utf-8", "replace")
    if _NOT_REACHED in said:
        last = re.findall(r"last completed transaction was at log time (.*)", said)
        raise ArchiveEndsError(
            f"the archive ends before {moment.astimezone(UTC).isoformat()}"
            + (
                f": its last transaction is of {last[-1]}"
                if last
                else ", it holds no transaction after the base backup"
            )
        )
    wrong = re.findall(r"(?:FATAL|PANIC):\s+(.*)", said) or said.strip().splitlines() or ["it said nothing"]
    raise OperationError(f"the server of the past did not start: {wrong[0]}")
