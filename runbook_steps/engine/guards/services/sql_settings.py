"""Which settings a session may have, said by SET, in its options or in its first message. Pure."""

from __future__ import annotations

from runbook_steps.engine.guards.services.sql_lists import SETTINGS, SETTINGS_CHANGING, VALUES
from runbook_steps.engine.model import Risk

__all__ = ["refused_setting"]


def refused_setting(name: str, value: str, risk: Risk = Risk.READONLY) -> str | None:
    """What is wrong with a setting of a session, as `SET name`; None when it may be set so."""
    key = name.lower()
    if key in {"default_transaction_read_only", "transaction_read_only"} and risk is Risk.MUTATING:
        return None
    if value.lower() in VALUES.get(key, ()):
        return None
    known = key in SETTINGS or (risk is Risk.MUTATING and key in SETTINGS_CHANGING - set(VALUES))
    return None if known else f"SET {key}"
