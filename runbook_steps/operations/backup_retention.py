"""What goes from the store: backups past retention, and what killed runs left; nobody's only copy."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.operations.backup_manifest import Manifest
from runbook_steps.operations.backup_store import MANIFEST_SUFFIX, UNDER_WAY_SUFFIX, VERIFIED_SUFFIX, Store

__all__ = ["clear_leftovers", "prune", "to_prune"]


def to_prune(
    backups: Iterable[tuple[Manifest, str | None]], retention_days: int, now: datetime
) -> tuple[Manifest, ...]:
    """What is older than the retention, but never a database's newest backup, nor its newest verified one. Pure."""
    newest_first = sorted(backups, key=lambda pair: (pair[0].made, pair[0].key), reverse=True)
    kept: set[str] = set()
    for database in {(manifest.cluster, manifest.database) for manifest, _ in newest_first}:
        own = [pair for pair in newest_first if (pair[0].cluster, pair[0].database) == database]
        kept.add(own[0][0].key)
        kept |= {next((manifest.key for manifest, verified in own if verified), "")}
    oldest = now - timedelta(days=retention_days)
    return tuple(manifest for manifest, _ in newest_first if manifest.key not in kept and manifest.made < oldest)


def prune(store: Store, made: Manifest, retention_days: int, now: datetime) -> tuple[str, ...]:
    """Removes what is past retention of the database that `made` is of; gives warnings, one line each.

    The new backup is whole whatever this meets: what cannot be removed costs money, not data.
    """
    try:
        listing = store.listing()
    except OperationError as error:
        return (f"old backups were not looked at: {error}",)
    own = [pair for pair in listing.backups if (pair[0].cluster, pair[0].database) == (made.cluster, made.database)]
    warnings = [f"{store.location(key)} cannot be used: {reason}" for key, reason in listing.unreadable.items()]
    half = _half_removed(store, listing.incomplete, made, now - timedelta(days=retention_days))
    warnings += [
        f"{store.location(key)} is no backup: {reason}"
        for key, reason in listing.incomplete.items()
        if key not in {each.key for each in half}
    ]
    failed, reason = [], ""
    for old in (*to_prune(own, retention_days, now), *half):
        try:
            store.delete(old)
        except OperationError as error:
            failed.append(old.backup_id)
            reason = str(error)
    if failed:
        warnings.append(
            f"{len(failed)} backups past retention could not be removed ({failed[-1]} is the oldest): {reason}"
        )
    return tuple(warnings)


def _half_removed(store: Store, keys: Iterable[str], made: Manifest, oldest: datetime) -> list[Manifest]:
    """What a killed run had begun to remove: its data is gone, what says so is there, and it is past retention."""
    found = []
    for key in keys:
        with suppress(RefusedError):
            manifest = store.manifest(key)
            if (manifest.cluster, manifest.database) == (made.cluster, made.database) and manifest.made < oldest:
                found.append(manifest)
    return found


def clear_leftovers(store: Store, whose: dict[str, str]) -> tuple[str, ...]:
    """Clears what killed runs of this database left; called under the lock, when none of them can be alive.

    Gives what was cleared, and what could not be, one line each.
    """
    keys = store.keys()
    said = []
    for mark in sorted(key for key in keys if key.endswith(UNDER_WAY_SUFFIX)):
        key = mark.removesuffix(UNDER_WAY_SUFFIX)
        try:
            if _whose(store, mark) != whose:
                continue
            uploads = store.abort_uploads(key)
            if key + MANIFEST_SUFFIX not in keys:  # otherwise it is whole, and only its mark was left
                for each in (key + VERIFIED_SUFFIX, key):
                    if each in keys:
                        store.remove(each)
                        uploads += 1
            store.remove(mark)
        except OperationError as error:
            said.append(f"what a killed run left could not be cleared: {error}")
        else:
            if uploads:
                said.append(f"cleared what a killed run left: {store.location(key)}")
    return tuple(said)


def _whose(store: Store, mark: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in store.read_json(mark).items()}
    except RefusedError:
        return {}  # damaged: nobody's, so that nobody removes what it stands beside
