"""One database takes the place of another; what is replaced is kept, read-only, and can be put back.

The comment of a kept database says what it is and what it was: its own comment, and whether it was frozen.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError, RunbookError
from runbook_steps.operations.database_names import kept_name, kept_pattern
from runbook_steps.operations.database_properties import drop_database
from runbook_steps.operations.database_rights import may_end_sessions, prepared_transactions
from runbook_steps.operations.database_session import Connection, literal, query, query_nothing, session
from runbook_steps.operations.postgres_connection import Database, maintenance

__all__ = ["Kept", "KeptDatabase", "discard", "kept_databases", "swap", "undo"]

SWAP_TRIES = 5
TERMINATE_EVERY_S = 0.05
_READ_ONLY = "default_transaction_read_only"


@dataclass(frozen=True)
class Kept:
    """What is written down with a database that is replaced."""

    live: str
    why: str
    since: str
    comment: str | None = None
    read_only: str | None = None
    subscriptions: tuple[str, ...] = ()

    @classmethod
    def of(cls, live: str, why: str) -> Kept:
        """From now on."""
        return cls(live, why, datetime.now(UTC).isoformat(timespec="seconds"))


@dataclass(frozen=True)
class KeptDatabase:
    """A database that was replaced. `size` in bytes, `since` ISO 8601 in UTC."""

    name: str
    why: str
    since: str
    size: int
    subscriptions: tuple[str, ...] = ()


def kept_databases(admin: Connection, live: str) -> tuple[KeptDatabase, ...]:
    """What restores of `live` and their undoing keep, the oldest first."""
    pattern = kept_pattern(live)
    rows = admin.execute(
        "SELECT datname::text, shobj_description(oid, 'pg_database'), pg_database_size(oid) FROM pg_database "
        "WHERE pg_has_role(datdba, 'USAGE') OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
    ).fetchall()
    found = []
    for name, comment, size in rows:
        shape = pattern.fullmatch(name)
        kept = _read(comment)
        if shape is None or (kept is not None and kept.live != live):
            continue
        when = datetime.strptime(shape[2], "%Y%m%d_%H%M%S").replace(tzinfo=UTC).isoformat(timespec="seconds")
        why, received = (kept.why, tuple(kept.subscriptions)) if kept else ("replaced by a restore", ())
        found.append(KeptDatabase(name, why, when, int(size), received))
    return tuple(sorted(found, key=lambda each: each.since))


def _read(comment: str | None) -> Kept | None:
    with suppress(ValueError, TypeError):
        document = json.loads(comment or "")
        return Kept(**document)
    return None


def swap(database: Database, new: str, kept: Kept, what: str = "before") -> str | None:
    """`new` becomes the live database; gives the name under which the old one is kept, None when there was none."""
    with session(database, maintenance(database)) as admin:
        names = {str(each) for (each,) in admin.execute("SELECT datname::text FROM pg_database").fetchall()}
        name = kept_name(database.name, what, names)
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database.name]).fetchone() is None:
            admin.execute(_rename(new, database.name))
            return None
        kept = replace(_remembered(database, kept), subscriptions=_quiet_subscriptions(database))
        for attempt in range(1, SWAP_TRIES + 1):
            ending = _SessionsEnded(database)
            try:
                with ending, admin.transaction():
                    # the rename locks the database against new sessions, and waits for the old ones to end
                    admin.execute(_rename(database.name, name))
                    admin.execute(_rename(new, database.name))
                    _mark(admin, name, kept)
                    before = _unmark(admin, database.name)
            except psycopg.errors.ObjectInUse as error:
                if attempt == SWAP_TRIES:
                    why = ending.denied or "stop what connects to it"
                    raise OperationError(
                        f"sessions keep {database.name} busy: {why}, then do this again. The live database is as it was"
                    ) from error
            else:
                if before is not None:
                    _comment_again(database, before)
                return name
    return None


def _rename(old: str, new: str) -> sql.Composed:
    return sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))


def _remembered(database: Database, kept: Kept) -> Kept:
    with session(database) as live:  # told by itself: its comment is in its own encoding
        found = query(
            live,
            "SELECT shobj_description(d.oid, 'pg_database'), (SELECT split_part(setting, '=', 2) FROM "  # noqa: S608
            "pg_db_role_setting, unnest(setconfig) setting WHERE setdatabase = d.oid AND setrole = 0 "
            f"AND split_part(setting, '=', 1) = '{_READ_ONLY}') FROM pg_database d WHERE datname = current_database()",
        )
    return replace(kept, comment=found[0][0], read_only=found[0][1]) if found else kept


def _mark(admin: Connection, name: str, kept: Kept) -> None:
    """Kept to look things up, not to be written to by mistake. In ASCII, which every encoding has."""
    database = sql.Identifier(name)
    admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(json.dumps(asdict(kept)))))
    admin.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database))


def _unmark(admin: Connection, name: str) -> Kept | None:
    """A kept database that is live again is as it was before: its comment, and whether it was frozen.

    Gives what it was where its comment is left, being one that only itself can write in its encoding.
    """
    row = admin.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    ).fetchone()
    kept = _read(row[0]) if row else None
    if kept is None:
        return None
    database = sql.Identifier(name)
    change = sql.SQL("RESET {}").format(sql.SQL(_READ_ONLY))
    if kept.read_only is not None:
        change = sql.SQL("SET {} TO {}").format(sql.SQL(_READ_ONLY), sql.Literal(kept.read_only))
    admin.execute(sql.SQL("ALTER DATABASE {} {}").format(database, change))
    plain = kept.comment is None or kept.comment.isascii()
    text = kept.comment if plain else None
    admin.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, sql.Literal(text)))
    return None if plain else kept


def _comment_again(database: Database, kept: Kept) -> None:
    """By itself, in its own encoding."""
    with session(database) as live:
        name = sql.Identifier(database.name).as_string(live)
        query_nothing(live, f"COMMENT ON DATABASE {name} IS {literal(kept.comment)}")


def undo(database: Database, name: str) -> tuple[str, str | None]:
    """Puts the kept database `name` back; gives its name, and the name under which the one it replaces is kept.

    Raises RefusedError when it is not kept any more, OperationError when sessions stay; then nothing was changed.
    """
    with session(database, maintenance(database)) as admin:
        kept = {each.name: each for each in kept_databases(admin, database.name)}
        busy = may_end_sessions(admin, database.name)
        waiting = prepared_transactions(admin, database.name)
    if name not in kept:
        raise RefusedError(f"{name} is not kept any more: nothing was done")
    if busy:
        raise RefusedError(f"the sessions of {', '.join(busy[:3])} cannot be ended by this role: end them first")
    if waiting:
        raise RefusedError(f"prepared transactions wait in {database.name}: {', '.join(waiting[:3])}; end them first")
    why = f"replaced by undo-restore, which put {name} back"
    again = swap(database, name, Kept.of(database.name, why), "undone")
    _wake_subscriptions(database, kept[name].subscriptions)
    return name, again


def discard(database: Database, names: tuple[str, ...]) -> None:
    """Drops kept databases. There is no way back."""
    for name in names:
        _drop_subscriptions(database, name)
        with session(database, maintenance(database)) as admin:
            drop_database(admin, name)


_OWN = (
    "SELECT subname::text FROM pg_subscription "
    "WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def _quiet_subscriptions(database: Database) -> tuple[str, ...]:
    """A database that is kept must not go on receiving; gives what received."""
    with session(database) as connection:
        names = tuple(str(name) for (name,) in connection.execute(f"{_OWN} AND subenabled").fetchall())
        for name in names:
            connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(sql.Identifier(name)))
    return names


def _wake_subscriptions(database: Database, names: tuple[str, ...]) -> None:
    with session(database) as connection:
        for name in names:
            connection.execute(sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(sql.Identifier(name)))


def _drop_subscriptions(database: Database, name: str) -> None:
    """A database that subscribes cannot be dropped; its publisher's slot is the publisher's to drop."""
    with session(database, name) as connection:
        for (subscription,) in connection.execute(_OWN).fetchall():
            for change in ("DISABLE", "SET (slot_name = NONE)"):
                connection.execute(
                    sql.SQL("ALTER SUBSCRIPTION {} {}").format(sql.Identifier(subscription), sql.SQL(change))
                )
            connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(subscription)))


class _SessionsEnded:
    """Ends the sessions of the live database again and again, as long as the rename waits for them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.denied = ""

    def __enter__(self) -> None:
        """Begins."""
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._stop.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            with session(self._database, maintenance(self._database)) as admin:
                while not self._stop.is_set():
                    busy = may_end_sessions(admin, self._database.name)
                    self.denied = f"this role may not end those of {', '.join(busy[:3])}: end them" if busy else ""
                    if not busy:
                        admin.execute(
                            # the server's own workers belong to no role, and give way to a rename by themselves
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                            "WHERE datname = %s AND usesysid IS NOT NULL",
                            [self._database.name],
                        )
                    self._stop.wait(TERMINATE_EVERY_S)
        except (RunbookError, psycopg.Error) as error:
            self.denied = f"they could not be ended ({type(error).__name__})"
