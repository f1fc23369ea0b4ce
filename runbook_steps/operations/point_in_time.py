"""A backup of the database as it was at a moment: out of a base backup and the WAL that the server archived since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.operations.backup_make import BackupSettings, make_backup
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.database_session import query, session
from runbook_steps.operations.past_server import ArchiveEndsError, Past, past_server
from runbook_steps.operations.postgres_connection import exclusive, maintenance
from runbook_steps.operations.wal_archive import WalArchive, reach, refuse_without_archive

__all__ = ["backup_as_of", "refuse_unreachable"]


def refuse_unreachable(settings: BackupSettings) -> None:
    """Raises RefusedError when this server keeps no WAL for us: before anything else is asked for."""
    with session(settings.database) as live:
        refuse_without_archive(live)


def backup_as_of(
    settings: BackupSettings, store: Store, archive: WalArchive, moment: datetime, tell: Callable[[str], None]
) -> Manifest:
    """Makes a backup like any other, whose time is `moment`; the live database is not touched.

    Raises RefusedError when the moment cannot be reached, OperationError; then no backup is visible.
    """
    with session(settings.database, maintenance(settings.database)) as live:
        ((now, user),) = query(live, "SELECT clock_timestamp(), session_user::text")
        if moment > now:
            raise RefusedError(f"{moment.isoformat()} has not come yet: the server's clock says {now.isoformat()}")
        wanted = Past(moment, archive, archive.base_before(moment), str(user), live.info.server_version // 10000)
        unasked = reach(live, archive, tell)
    try:
        return _backup_of(settings, store, wanted, tell)
    except ArchiveEndsError as error:
        raise OperationError(f"{error}; {unasked}" if unasked else str(error)) from error


def _backup_of(settings: BackupSettings, store: Store, wanted: Past, tell: Callable[[str], None]) -> Manifest:
    # the lock is that of the live cluster, whose backups these are; it is not held while WAL is rolled forward
    with past_server(settings.database, wanted, tell) as past, exclusive(settings.database, "backup"):
        return make_backup(replace(settings, database=past), store, tell, as_of=wanted.moment)
