"""What the guard says, of a session that no server holds to reading above all, and how a client's words show it."""

from __future__ import annotations

__all__ = ["BY_THE_GUARD", "NOT_HELD", "by_the_guard", "not_held"]

BY_THE_GUARD = "refused by the guard: "
"""Begins what a client is told."""

NOT_HELD = (
    "a session that the server does not hold to reading: {why}. A pooler drops the option. Give the read-only URL the "
    "server's own address, or a role of its own: CREATE ROLE … LOGIN; GRANT pg_read_all_data TO …; "
    "ALTER ROLE … SET default_transaction_read_only = on"
)
"""Nothing went beyond what it may, and nothing is down: a setting is missing."""


def not_held(said: str) -> str:
    """That reason, where a text has it; empty otherwise."""
    return _line_from(NOT_HELD.partition("{")[0], said)


def by_the_guard(said: str) -> str:
    """A refusal of the guard as it said it, where a client has it among its own words; empty otherwise."""
    return _line_from(BY_THE_GUARD, said)


def _line_from(begin: str, said: str) -> str:
    at = said.find(begin)
    return said[at:].splitlines()[0] if at >= 0 else ""
