"""Who keeps a session waiting: looked at while it waits, since afterwards nobody does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import psycopg

from runbook_steps.engine.errors import OperationError

__all__ = ["Blockers"]

_EVERY_S = 0.25
_BLOCKERS = """
SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename, '?'), coalesce(a.state, '?'),
       coalesce(extract(epoch FROM now() - a.xact_start)::int, 0)
FROM unnest(pg_blocking_pids(%s)) AS b(pid) JOIN pg_stat_activity a USING (pid) LIMIT 5
"""


class Blockers:
    """Looks, from a session of its own, from `watch` to the end of the block."""

    def __init__(self, opened: Callable[[], AbstractContextManager[psycopg.Connection[Any]]]) -> None:
        self._opened = opened
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._found: list[tuple[Any, ...]] = []

    def __enter__(self) -> Blockers:
        """Begins nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def watch(self, process: int) -> None:
        """Looks who is in the way of that process."""
        self._thread = threading.Thread(target=self._look, args=[process], daemon=True)
        self._thread.start()

    def _look(self, process: int) -> None:
        with suppress(psycopg.Error, OperationError), self._opened() as connection:
            while not self._stop.wait(_EVERY_S):
                if rows := connection.execute(_BLOCKERS, [process]).fetchall():
                    self._found = rows

    def told(self) -> str:
        """Who was seen last: ` (waited for process 7, app, idle in transaction for 40 s)`; empty for nobody."""
        if not self._found:
            return ""
        each = "; ".join(f"process {pid}, {name}, {state} for {age} s" for pid, name, state, age in self._found)
        return f" (waited for {each})"
