"""One changing run at a time on a live target: an advisory lock of its database, and one beside it.

A restore ends every session of the database that it replaces, this lock's too: what is held in another database of the
same server, under the name of this one, stays.
"""

from __future__ import annotations

import zlib

import psycopg

from runbook_steps.engine.errors import TargetError
from runbook_steps.engine.postgres.address import Address, read_address
from runbook_steps.engine.postgres.held_lock import HeldLock

__all__ = ["DatabaseLock"]

_LOCK_KEY = 7_265_116_209  # any number that nobody else takes; the same for every run
_BUSY = "another run changes this target"
_MAINTENANCE = ("postgres", "template1")


def _beside(address: Address, run: str) -> HeldLock | None:
    """Held in another database of the server; None where the role may not connect with it. Raises RefusedError."""
    name = address.parameters.get("dbname", "")
    other = next(each for each in _MAINTENANCE if each != name)
    key = _LOCK_KEY + (zlib.crc32(name.encode()) << 24)  # of this database: others of the server have their own
    try:
        return HeldLock.take(address.conninfo(dbname=other), key, f"runbooks {run}", busy=_BUSY)
    except psycopg.Error:
        return None


class DatabaseLock:
    """One changing run at a time: held by watched sessions that say whose it is and since when."""

    def __init__(self, held: HeldLock, beside: HeldLock | None = None) -> None:
        self._held = held
        self._beside = beside

    @classmethod
    def take(cls, database_url: str, run: str) -> DatabaseLock:
        """Raises RefusedError naming who holds it, or a pooler; TargetError when the database cannot be asked."""
        address = read_address(database_url)
        address.refuse_pooler("the lock against a second run")
        try:
            held = HeldLock.take(address.conninfo(), _LOCK_KEY, f"runbooks {run}", busy=_BUSY)
        except psycopg.Error as error:
            raise TargetError(f"the lock of the database could not be taken: {type(error).__name__}") from error
        try:
            return cls(held, _beside(address, run))
        except BaseException:
            held.release()
            raise

    def refuse_lost(self) -> None:
        """Raises RefusedError when it is no longer held: another run may have begun."""
        if self._beside is None or self._beside.lost:
            self._held.refuse_lost()

    def release(self) -> None:
        """Ends the session, and with it the lock."""
        self._held.release()
        if self._beside is not None:
            self._beside.release()
