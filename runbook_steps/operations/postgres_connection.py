"""How a database is reached: its address, its sessions, and the lock of backups and restores.

Passwords travel in the environment alone.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.engine.postgres.address import LIBPQ_VARIABLES, Address, read_address
from runbook_steps.engine.postgres.held_lock import HeldLock, quiet_settings
from runbook_steps.engine.postgres.pooled import refuse_transaction_pooler
from runbook_steps.operations.settings import Unreachable

__all__ = ["Database", "connect", "exclusive", "locked", "maintenance"]

MAINTENANCE = "postgres"
LOCK_KEY = 0x42434255  # "BCBU": one backup, verification or restore at a time in a cluster
_CONNECT_S = 10
_KEPT = frozenset(
    {*LIBPQ_VARIABLES.values(), "PATH", "HOME", "TMPDIR", "LANG", "PGSERVICEFILE", "PGSYSCONFDIR", "KRB5CCNAME"}
)


@dataclass(frozen=True)
class Database:
    """How to reach a cluster, and the name of its live database. `address` holds the password, and no name."""

    name: str
    address: Address = field(repr=False)

    @classmethod
    def from_url(cls, url: str) -> Database:
        """Raises ConfigurationError, without the URL, when it is no good or names no database."""
        address = read_address(url)
        parameters = dict(address.parameters)
        name = parameters.pop("dbname", "")
        if not name:
            raise ConfigurationError("DATABASE_URL names no database")
        return cls(name, replace(address, parameters=parameters))

    def settled(self) -> Database:
        """Of several hosts the one that answers: every session and tool then speaks with the same server."""
        parameters = self.address.parameters
        if "," not in parameters.get("host", "") + parameters.get("hostaddr", ""):
            return self
        with connect(self) as connection:
            found = {"host": connection.info.host, "port": str(connection.info.port)}
            if "hostaddr" in parameters:
                found["hostaddr"] = connection.info.hostaddr
        rest = {k: v for k, v in parameters.items() if k not in {"target_session_attrs", "load_balance_hosts"}}
        return replace(self, address=replace(self.address, parameters={**rest, **found}))

    def tool_environment(self, options: str = "") -> dict[str, str]:
        """What PostgreSQL's tools get: PATH, and the connection as PG* variables, those of this process included.

        `options` (like `-c name=value`) come after those of the address.
        """
        kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
        known = {"PGCONNECT_TIMEOUT": str(_CONNECT_S), "PGAPPNAME": "beautycort database-backup"}
        found = {**known, **kept, **self.address.variables()}
        if options:
            found["PGOPTIONS"] = f"{found.get('PGOPTIONS', '')} {options}".strip()
        return found

    def tool_argument(self, name: str | None = None) -> str:
        """What a tool gets as `--dbname`, for the live database or another: never read as something else than a name.

        Raises ConfigurationError for an address with a secret that has no variable.
        """
        return self.address.argument(name or self.name, "DATABASE_URL")


@contextmanager
def connect(
    database: Database, name: str | None = None, *, options: str = "", **more: str
) -> Iterator[psycopg.Connection[Any]]:
    """A connection in autocommit, without the application's time limits. Raises Unreachable, without a secret.

    `options` come after those of the address; `more` are parameters of libpq. Raises RefusedError when a pooler is in
    between: what a session is told there, the application's next one would find.
    """
    known: dict[str, Any] = {"connect_timeout": _CONNECT_S, "application_name": "beautycort database-backup"}
    parameters = {**known, **database.address.parameters, **more, "dbname": name or database.name}
    if options:
        parameters["options"] = f"{parameters.get('options', '')} {options}".strip()

    def opened() -> psycopg.Connection[Any]:
        return psycopg.connect(autocommit=True, **parameters)

    try:
        connection = opened()
    except psycopg.OperationalError as error:
        last = str(error).strip().splitlines()[-1]
        raise Unreachable(f"cannot connect to database {name or database.name}: {last}") from error
    with connection:
        refuse_transaction_pooler(connection, opened, "a backup or restore, or a look at what they need,")
        quiet_settings(connection)
        yield connection


def maintenance(database: Database) -> str:
    """The database from which the live one can be renamed: another one, also where the live one is `postgres`."""
    return MAINTENANCE if database.name != MAINTENANCE else "template1"


@contextmanager
def exclusive(database: Database, what: str) -> Iterator[psycopg.Connection[Any]]:
    """Holds the one lock of backups and restores; gives a session in the maintenance database.

    Raises RefusedError naming who holds it, or when a pooler is in between; OperationError when it was lost.
    """
    who = f"beautycort {what} of {database.name}"
    beside = maintenance(database)
    with locked(database.address, beside, LOCK_KEY, who), connect(database, beside) as connection:
        yield connection


@contextmanager
def locked(address: Address, dbname: str, key: int, who: str) -> Iterator[HeldLock]:
    """Holds an advisory lock, and stops what runs inside when it is lost.

    Raises RefusedError, Unreachable, and OperationError when it was lost.
    """
    address.refuse_pooler("a lock")
    running = threading.Event()
    running.set()
    try:
        lock = HeldLock.take(address.conninfo(dbname=dbname), key, who, on_lost=_stopper(running))
    except psycopg.OperationalError as error:
        raise Unreachable(f"cannot connect to database {dbname}: {str(error).strip().splitlines()[-1]}") from error
    try:
        yield lock
        lock.refuse_lost()
    except BaseException as error:
        if lock.lost:
            raise OperationError(
                f"the lock against a second run was lost ({lock.lost}); stopped, because another may have begun"
            ) from error
        raise
    finally:
        running.clear()
        lock.release()


def _stopper(running: threading.Event) -> Callable[[], object]:
    """What interrupts the thread that asks: only the main one can be, the others look for themselves."""
    main = threading.main_thread()
    if threading.current_thread() is not main:
        return lambda: None
    return lambda: signal.pthread_kill(main.ident or 0, signal.SIGINT) if running.is_set() else None
