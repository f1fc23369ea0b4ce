"""A database that has lost the extension which counts its statements: what reads them fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from runbook_steps.engine.run.situation import Observation

__all__ = ["EXTENSION", "StatisticsGone"]

EXTENSION = "pg_stat_statements"


class StatisticsGone:
    """The extension is dropped; the library of the server counts on."""

    def __init__(
        self,
        connect: Callable[..., AbstractContextManager[Any]],
        administer: Callable[..., AbstractContextManager[Any]] | None = None,
    ) -> None:
        """`administer()` opens a connection as the owner of the extension, `connect()` as whoever looks."""
        self._connect = connect
        self._administer = administer or connect

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the database has lost the extension {EXTENSION}"

    def arrange(self) -> None:
        """Drops it."""
        with self._administer() as live:
            live.execute(f"DROP EXTENSION IF EXISTS {EXTENSION}")

    def observe(self) -> Observation:
        """Asks the catalogue."""
        with self._connect() as live:
            found = live.execute("SELECT extversion FROM pg_extension WHERE extname = %s", [EXTENSION]).fetchone()
        return Observation(found is None, f"{EXTENSION}: {f'version {found[0]}' if found else 'not installed'}")

    def clear(self) -> None:
        """Creates it again."""
        with self._administer() as live:
            live.execute(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}")
