"""One changing run at a time on a live target: an advisory lock of its database."""

from __future__ import annotations

import psycopg

from runbook_steps.engine.errors import TargetError
from runbook_steps.engine.postgres.address import read_address
from runbook_steps.engine.postgres.held_lock import HeldLock

__all__ = ["DatabaseLock"]

_LOCK_KEY = 7_265_116_209  # any number that nobody else takes; the same for every run
_BUSY = "another run changes this target"


class DatabaseLock:
    """One changing run at a time: held by a watched session that says whose it is and since when."""

    def __init__(self, held: HeldLock) -> None:
        self._held = held

    @classmethod
    def take(cls, database_url: str, run: str) -> DatabaseLock:
        """Raises RefusedError naming who holds it, or a pooler; TargetError when the database cannot be asked."""
        address = read_address(database_url)
        address.refuse_pooler("the lock against a second run")
        try:
            return cls(HeldLock.take(address.conninfo(), _LOCK_KEY, f"runbooks {run}", busy=_BUSY))
        except psycopg.Error as error:
            raise TargetError(f"the lock of the database could not be taken: {type(error).__name__}") from error

    def refuse_lost(self) -> None:
        """Raises RefusedError when it is no longer held: another run may have begun."""
        self._held.refuse_lost()

    def release(self) -> None:
        """Ends the session, and with it the lock."""
        self._held.release()
