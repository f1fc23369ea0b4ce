"""What the guard says of a session that no server holds to reading, and how it is known again in a client's words."""

from __future__ import annotations

__all__ = ["NOT_HELD", "by_the_guard", "not_held"]

NOT_HELD = (
    "a session that the server does not hold to reading: {why}. A pooler drops the option. Give the read-only URL the "
    "server's own address, or a role of its own: CREATE ROLE … LOGIN; GRANT pg_read_all_data TO …; "
    "ALTER ROLE … SET default_transaction_read_only = on"
)
"""Nothing went beyond what it may, and nothing is down: a setting is missing."""


def not_held(said: str) -> str:
    """That reason, where a text has it; empty otherwise."""
    at = said.find(NOT_HELD.partition("{")[0])
    return said[at:].splitlines()[0] if at >= 0 else ""


def by_the_guard(said: str) -> str:
    """A refusal of the guard as it said it, where a client has it among its own words; empty otherwise."""
    at = said.find("refused by the guard: ")
    return said[at:].splitlines()[0] if at >= 0 else ""
