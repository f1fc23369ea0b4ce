"""Rows that break an integrity rule: what a restore or an import may leave that went around the constraints."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from runbook_steps.engine.run.situation import Observation

__all__ = ["PricesDoNotAddUp"]

Connect = Callable[..., AbstractContextManager[Any]]


class PricesDoNotAddUp:
    """Three bookings whose price is not the sum of its parts; the constraint was dropped for an import."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    @property
    def name(self) -> str:
        """What is broken."""
        return "the price of some bookings does not add up"

    def arrange(self) -> None:
        """Drops the constraint, as an import that failed with it would, and changes three fees."""
        with self._connect() as live:
            live.execute("ALTER TABLE bookings DROP CONSTRAINT IF EXISTS bookings_price_adds_up")
            live.execute(
                "UPDATE bookings SET platform_fee = platform_fee + 0.500 WHERE id IN "
                "(SELECT id FROM bookings ORDER BY id LIMIT 3)"
            )

    def observe(self) -> Observation:
        """Counts them."""
        with self._connect() as live:
            (count,) = live.execute(
                "SELECT count(*) FROM bookings WHERE total_price <> platform_fee + provider_earnings"
            ).fetchone()
        return Observation(count > 0, f"{count} bookings do not add up")

    def clear(self) -> None:
        """Puts fee and constraint back: the fee is what the price leaves."""
        with self._connect() as live:
            live.execute(
                "UPDATE bookings SET platform_fee = total_price - provider_earnings "
                "WHERE total_price <> platform_fee + provider_earnings"
            )
            live.execute("ALTER TABLE bookings DROP CONSTRAINT IF EXISTS bookings_price_adds_up")
            live.execute(
                "ALTER TABLE bookings ADD CONSTRAINT bookings_price_adds_up "
                "CHECK (total_price = platform_fee + provider_earnings)"
            )
