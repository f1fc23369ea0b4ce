"""The connection pool of every slot exhausted: its requests wait for a table that a forgotten session has locked."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx

from runbook_steps.engine.errors import CheckFailed, FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["PoolExhausted"]

PATH = "/api/services"  # reads the locked table, and is not cached
REQUESTS = 7  # for each slot: more than its pool holds (5)
GIVE_UP_S = 1.0  # the client leaves; the slot keeps waiting, and keeps its connection
LONGEST_WAIT_S = 10.0
_TELLING = (0, 200, 500, 502, 503, 504)  # no answer, a good one, or one that had no connection
DEADLINE_S = 20.0


class PoolExhausted:
    """`connect` opens a database connection as a context manager; `slots` are the addresses of the API slots."""

    def __init__(self, connect: Callable[..., Any], slots: Sequence[str]) -> None:
        self._connect = connect
        self._slots = slots
        self._held = ExitStack()

    @property
    def name(self) -> str:
        """What is broken."""
        return "the connection pools are exhausted"

    def arrange(self) -> None:
        """Locks the table in a session that then does nothing, and lets customers ask."""
        session = self._held.enter_context(self._connect(application_name="forgotten session"))
        session.execute("BEGIN")
        session.execute("LOCK TABLE services IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(REQUESTS * len(self._slots)) as pool:
            list(pool.map(lambda slot: status_of(slot, GIVE_UP_S), list(self._slots) * REQUESTS))

    def observe(self) -> Observation:
        """Asks every slot; present when one cannot answer. Raises CheckFailed when one says something else."""
        with ThreadPoolExecutor(len(self._slots)) as pool:
            codes = list(pool.map(lambda slot: status_of(slot, LONGEST_WAIT_S), self._slots))
        seen = f"GET {PATH} at each slot: {codes}"
        if others := sorted({code for code in codes if code not in _TELLING}):
            raise CheckFailed(f"could not look: {', '.join(map(str, others))} says nothing of the pools; {seen}")
        return Observation(any(code != httpx.codes.OK for code in codes), seen)

    def clear(self) -> None:
        """Ends the session, and waits until the slots answer. Raises FaultError when they do not."""
        with contextlib.suppress(Exception):  # the procedure has ended it
            self._held.close()
        end = time.monotonic() + DEADLINE_S
        while (seen := self.observe()).present:
            if time.monotonic() > end:
                raise FaultError(f"the slots do not answer without the lock: {seen.detail}")


def status_of(slot: str, limit_s: float) -> int:
    """The status that a slot answers with; 0 for no answer in time."""
    try:
        return httpx.get(slot + PATH, timeout=limit_s, trust_env=False).status_code
    except httpx.HTTPError:
        return 0
