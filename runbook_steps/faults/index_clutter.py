"""Indexes that cost and do not help: one that nobody uses, and one that is there twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg
from psycopg import sql

from runbook_steps.engine.run.situation import Observation

__all__ = ["DUPLICATE", "UNUSED", "IndexClutter", "LocationIndexMissing"]

UNUSED = "idx_bookings_payment_method"
DUPLICATE = "idx_bookings_user_again"

Connect = Callable[..., AbstractContextManager[Any]]


class IndexClutter:
    """An index that no query asks, and a second one on the same column as idx_bookings_user."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    @property
    def name(self) -> str:
        """What is broken."""
        return "there are unused and duplicate indexes"

    def arrange(self) -> None:
        """Makes both."""
        with self._connect() as live:
            live.execute(f"CREATE INDEX IF NOT EXISTS {UNUSED} ON bookings (payment_method)".encode())
            live.execute(f"CREATE INDEX IF NOT EXISTS {DUPLICATE} ON bookings (user_id)".encode())

    def observe(self) -> Observation:
        """Looks for them."""
        with self._connect() as live:
            rows = live.execute(
                "SELECT indexrelname FROM pg_stat_user_indexes WHERE indexrelname = ANY(%s)", [[UNUSED, DUPLICATE]]
            ).fetchall()
        return Observation(bool(rows), f"{len(rows)} such indexes")

    def clear(self) -> None:
        """Drops what is left of them; puts back the index that the procedure dropped as the other half."""
        with self._connect() as live:
            for name in (UNUSED, DUPLICATE):
                live.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(name)))
            live.execute("CREATE INDEX IF NOT EXISTS idx_bookings_user ON bookings (user_id)")


class LocationIndexMissing:
    """The index of the providers' places is gone: the search by distance reads every provider."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    @property
    def name(self) -> str:
        """What is broken."""
        return "providers.location has no index"

    def arrange(self) -> None:
        """Drops it."""
        with self._connect() as live:
            live.execute("DROP INDEX IF EXISTS idx_providers_location")

    def observe(self) -> Observation:
        """Looks for it."""
        with self._connect() as live:
            there = live.execute("SELECT to_regclass('idx_providers_location')").fetchone()[0] is not None
        return Observation(not there, f"idx_providers_location is {'there' if there else 'not there'}")

    def clear(self) -> None:
        """Makes it again, valid."""
        with self._connect() as live:
            try:
                live.execute("CREATE INDEX IF NOT EXISTS idx_providers_location ON providers USING gist (location)")
                live.execute("REINDEX INDEX idx_providers_location")
            except psycopg.errors.UndefinedTable:
                return
