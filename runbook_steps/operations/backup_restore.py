"""Restores beside the live database, verifies, and only then swaps: both renames in one transaction.

Until that transaction commits the live database is untouched and serving; a kill at any moment leaves
either the old database live or the new one, never neither.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from runbook_steps.engine.errors import OperationError, RefusedError, RunbookError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.backup_verify import (
    SCRATCH_LOCK,
    Filled,
    fill,
    refuse_untrusted,
    refuse_what_is_missing,
)
from runbook_steps.operations.database_comparison import Contents
from runbook_steps.operations.database_emptying import Emptiness, empty_again, is_empty
from runbook_steps.operations.database_names import scratch_name
from runbook_steps.operations.database_properties import (
    Properties,
    apply_properties,
    create_database,
    drop_database,
    property_differences,
    read_properties,
)
from runbook_steps.operations.database_rights import (
    extensions_to_leave_out,
    may_end_sessions,
    prepared_transactions,
    read_rights,
    refuse_unmakeable,
    server_identity,
)
from runbook_steps.operations.database_session import Connection, session
from runbook_steps.operations.database_swap import Kept, swap
from runbook_steps.operations.outside_dumps import not_in_a_dump
from runbook_steps.operations.postgres_connection import maintenance
from runbook_steps.operations.restoring_role import refuse_unloadable
from runbook_steps.operations.settings import Unreachable

__all__ = ["refuse_foreign", "refuse_impossible", "refuse_in_place", "restore", "restore_into", "what_is_lost"]


def refuse_foreign(settings: BackupSettings, manifest: Manifest, *, allow_other: bool) -> None:
    """Raises RefusedError for a backup of another database or cluster, or of a newer server."""
    with session(settings.database, maintenance(settings.database)) as admin:
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


def refuse_impossible(settings: BackupSettings) -> None:
    """Raises RefusedError when this role could not put a restored database in the place of the live one."""
    live = settings.database.name
    with session(settings.database, maintenance(settings.database)) as admin:
        rights = read_rights(admin, live)
        busy = may_end_sessions(admin, live)
        waiting = prepared_transactions(admin, live)
    denied = "" if rights.superuser or not rights.may_swap else _rehearsed(settings)
    if not rights.may_swap:
        raise RefusedError(
            f"{rights.role} cannot put a restored database in the place of {live}: that takes its owner, with "
            "CREATEDB. Restore into an empty database that an administrator prepared (--into NAME), or bring back "
            "the rows of single tables (--tables … --beside)"
        )
    if busy:
        raise RefusedError(f"{rights.role} may not end the sessions of {', '.join(busy[:3])} in {live}: end them first")
    refuse_waiting(live, waiting)
    if denied:
        raise RefusedError(
            f"{rights.role} may not give a new database all that {live} has (privileges, settings, settings of roles "
            f"in it): PostgreSQL says: {denied}. Restore into an empty database beside it (--into NAME)"
        )


def refuse_waiting(live: str, waiting: list[str]) -> None:
    """Raises RefusedError for prepared transactions, which keep a database from being renamed."""
    if waiting:
        raise RefusedError(
            f"{live} cannot be replaced while prepared transactions wait in it: {', '.join(waiting[:3])}; end them "
            "first (COMMIT PREPARED or ROLLBACK PREPARED, in that database)"
        )


def _rehearsed(settings: BackupSettings) -> str:
    """Why this role may not give what belongs to the live database; empty when it may. Nothing is changed."""
    name = settings.database.name
    with session(settings.database) as live:
        wanted = read_properties(live, name)
        if wanted is None:
            return ""
        try:
            with live.transaction(force_rollback=True):
                apply_properties(live, name, wanted)
        except psycopg.errors.InsufficientPrivilege as error:
            return error.diag.message_primary or "permission denied"
    return ""


def what_is_lost(settings: BackupSettings, manifest: Manifest) -> tuple[str, ...]:
    """What this restore cannot carry, in words: asked for before anything starts."""
    told = list(Contents.from_document(manifest.contents).not_carried)
    with suppress(RunbookError, psycopg.Error), session(settings.database) as live:
        told += _lost_of_now(live)
    return tuple(dict.fromkeys(told))


def _lost_of_now(live: Connection) -> list[str]:
    return [text for text in not_in_a_dump(live) if not text.startswith("index ")]


def restore(
    settings: BackupSettings, store: Store, manifest: Manifest, tell: Callable[[str], None], prepared: str = ""
) -> tuple[str | None, Filled]:
    """Puts the backup in the place of the live database; gives the name under which the old one is kept.

    `prepared` is an empty database that an administrator made, with the extensions that the role may not create; it
    becomes the live one. None when there was no live database. Raises RefusedError or OperationError; then the live one
    is as it was.
    """
    refuse_in_place(settings, manifest, prepared)
    live = settings.database.name
    name = prepared or scratch_name(live, "restore")
    with session(settings.database, maintenance(settings.database)) as admin:
        lives = _wanted(settings, admin)
        wanted = lives or Contents.from_document(manifest.contents).known_properties()
        refuse_what_is_missing(admin, manifest, None if lives else wanted)
        admin.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [SCRATCH_LOCK, name])
        before = _Prepared.read(settings, prepared) if prepared else None
        try:
            if not prepared:
                create_database(admin, name, wanted)
            filled = fill(settings, store, manifest, name, tell)
            if wanted is not None:
                with session(settings.database, name) as new:
                    apply_properties(new, name, wanted)
                    _refuse_unlike(wanted, read_properties(new, name))
            tell("swapping")
            return swap(settings.database, name, Kept.of(live, f"replaced by {manifest.backup_id}")), filled
        except BaseException:
            if before is not None:
                before.give_back(settings, tell)
            else:
                with suppress(psycopg.Error, RunbookError):
                    drop_database(admin, name)
            raise


def _wanted(settings: BackupSettings, admin: Connection) -> Properties | None:
    """What belongs to the live database, told by itself, in its encoding; by another where it lets nobody in."""
    try:
        with session(settings.database) as live:
            return read_properties(live, settings.database.name)
    except Unreachable:
        return read_properties(admin, settings.database.name)


def refuse_in_place(settings: BackupSettings, manifest: Manifest, prepared: str) -> None:
    """All that can be told before a restore in place begins: ask before anything is stopped. Raises RefusedError."""
    refuse_untrusted(settings, manifest)
    refuse_unloadable(settings.database, trusted=settings.with_my_rights)
    refuse_impossible(settings)
    _refuse_unprepared(settings, manifest, prepared)


def _refuse_unprepared(settings: BackupSettings, manifest: Manifest, name: str) -> None:
    """Raises RefusedError when the backup cannot be restored into the prepared database `name`, or without one."""
    if name == settings.database.name:
        raise RefusedError(f"{name} is the live database: prepare an empty one to take its place")
    needed = Contents.from_document(manifest.contents).needs.get("extensions", ())
    if not name:
        with session(settings.database, maintenance(settings.database)) as admin:
            refuse_unmakeable(admin, read_rights(admin, settings.database.name), needed)
        return
    with session(settings.database, name) as target:
        if not is_empty(target):
            raise RefusedError(f"{name} is not empty: nothing was done")
        extensions_to_leave_out(target, read_rights(target, settings.database.name), needed)
    with session(settings.database, maintenance(settings.database)) as admin:
        rights = read_rights(admin, name)
    if not rights.may_swap:
        raise RefusedError(f"{rights.role} does not own {name}: it could not give it the name of the live database")


@dataclass(frozen=True)
class _Prepared:
    """An empty database that somebody prepared, as it is before a restore into it begins."""

    name: str
    emptiness: Emptiness
    properties: Properties | None

    @classmethod
    def read(cls, settings: BackupSettings, name: str) -> _Prepared:
        """As it is now."""
        with session(settings.database, name) as target:
            return cls(name, Emptiness.of(target), read_properties(target, name))

    def give_back(self, settings: BackupSettings, tell: Callable[[str], None]) -> None:
        """After a restore into it failed; where this fails too, it is told."""
        try:
            with session(settings.database, self.name) as target:
                empty_again(target, self.emptiness)
                if self.properties != read_properties(target, self.name) and self.properties is not None:
                    apply_properties(target, self.name, self.properties)
        except (psycopg.Error, RunbookError) as error:
            tell(f"{self.name} could not be emptied again, drop what is in it: {error}")


def _refuse_unlike(wanted: Properties, found: Properties | None) -> None:
    wrong = property_differences(wanted, found) if found else ["it is gone"]
    if wrong:
        raise OperationError(f"the restored database is not like the live one: {'; '.join(wrong)}")


def restore_into(
    settings: BackupSettings, store: Store, manifest: Manifest, name: str, tell: Callable[[str], None]
) -> Filled:
    """Restores into the empty database `name` that somebody prepared, beside the live one, which is not touched."""
    refuse_untrusted(settings, manifest)
    if name == settings.database.name:
        raise RefusedError(f"--into names the live database {name}: name an empty one")
    with session(settings.database, name) as target:
        refuse_what_is_missing(target, manifest)
        if not is_empty(target):
            raise RefusedError(f"{name} is not empty: nothing was done")
    before = _Prepared.read(settings, name)
    try:
        return fill(settings, store, manifest, name, tell)
    except BaseException:
        before.give_back(settings, tell)
        raise
