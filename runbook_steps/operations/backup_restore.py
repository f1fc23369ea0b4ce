"""Restores beside the live database, verifies, and only then swaps: both renames in one transaction.

Until that transaction commits the live database is untouched and serving; a kill at any moment leaves
either the old database live or the new one, never neither.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.backup_verify import fill_new_database, new_name, refuse_untrusted
from runbook_steps.operations.postgres_connection import MAINTENANCE, Database, connect
from runbook_steps.operations.postgres_tools import server_identity

__all__ = ["discard_replaced", "refuse_foreign", "replaced_databases", "restore"]

SWAP_TRIES = 5
TERMINATE_EVERY_S = 0.05


def refuse_foreign(settings: BackupSettings, manifest: Manifest, *, allow_other: bool) -> None:
    """Raises RefusedError for a backup of another database or cluster, or of a newer server."""
    with connect(settings.database, MAINTENANCE) as admin:
        version, cluster = server_identity(admin)
    if manifest.server_version // 10000 > version // 10000:
        raise RefusedError(
            f"{manifest.backup_id} was made on PostgreSQL {manifest.server_version // 10000}, "
            f"this server is {version // 10000}: it cannot be restored here"
        )
    same = manifest.database == settings.database.name and (not manifest.cluster or manifest.cluster == cluster)
    if not same and not allow_other:
        elsewhere = "" if manifest.database != settings.database.name else " in another cluster"
        raise RefusedError(
            f"{manifest.backup_id} is a backup of another database: {manifest.database}{elsewhere}, not of "
            f"{settings.database.name} here; if that is what you want, add --allow-other-database"
        )


def restore(settings: BackupSettings, store: Store, manifest: Manifest, tell: Callable[[str], None]) -> str | None:
    """Puts the backup in the place of the live database; gives the name under which the old one is kept.

    None when there was no live database. Raises RefusedError or OperationError; then the live one is as it was.
    """
    refuse_untrusted(settings, manifest)
    name = new_name(settings.database, "restore")
    try:
        fill_new_database(settings, store, manifest, name, tell)
        tell("swapping")
        return _swap(settings.database, name)
    except BaseException:
        with connect(settings.database, MAINTENANCE) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        raise


def _swap(database: Database, new: str) -> str | None:
    kept = f"{database.name[:40]}_before_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    with connect(database, MAINTENANCE) as admin:
        exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database.name]).fetchone()
        if exists is None:
            admin.execute(_rename(new, database.name))
            return None
        for attempt in range(1, SWAP_TRIES + 1):
            try:
                with _sessions_ended(database), admin.transaction():
                    # the rename locks the database against new sessions, and waits for the old ones to end
                    admin.execute(_rename(database.name, kept))
                    admin.execute(_rename(new, database.name))
            except psycopg.errors.ObjectInUse as error:
                if attempt == SWAP_TRIES:
                    raise OperationError(
                        f"sessions keep {database.name} busy; stop what connects to it, then restore again. "
                        "The live database is as it was"
                    ) from error
            else:
                break
        # kept to look things up, not to be written to by mistake
        admin.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(sql.Identifier(kept)))
    return kept


def _rename(old: str, new: str) -> sql.Composed:
    return sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))


class _sessions_ended:  # noqa: N801 - reads as a statement
    """Ends the sessions of the live database again and again, as long as the rename waits for them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        """Begins."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        with connect(self._database, MAINTENANCE) as admin:
            while not self._stop.is_set():
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [self._database.name],
                )
                self._stop.wait(TERMINATE_EVERY_S)


def replaced_databases(admin: psycopg.Connection[Any], live: str) -> tuple[str, ...]:
    """The databases that restores replaced and kept, the oldest first."""
    rows = admin.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s) "
        "AND datname ~ '_before_[0-9]{8}_[0-9]{6}$' ORDER BY datname",
        [f"{live[:40]}_before_"],
    ).fetchall()
    return tuple(str(name) for (name,) in rows)


def discard_replaced(database: Database) -> tuple[str, ...]:
    """Drops what restores replaced; gives the names. There is no way back."""
    with connect(database, MAINTENANCE) as admin:
        names = replaced_databases(admin, database.name)
        for name in names:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    return names
