"""Which settings a session may have, said by SET, in its options or in its first message. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from runbook_steps.engine.guards.services.sql_lists import SETTINGS, SETTINGS_CHANGING, VALUES
from runbook_steps.engine.model import Risk

__all__ = ["refused_amount", "refused_setting"]

_AMOUNT = re.compile(r" *([0-9]{1,9}) *(B|kB|MB|GB|) *", re.ASCII)
_BYTES = {"B": 1, "kB": 1 << 10, "": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_MOST: Mapping[str, int] = {"work_mem": 1 << 30, "maintenance_work_mem": 2 << 30}
"""Bytes: with more, one statement takes the memory of the machine, and the server with it."""
_NUMBERS: Mapping[str, re.Pattern[str]] = {
    "max_parallel_workers_per_gather": re.compile(r"[0-9]|1[0-6]", re.ASCII),
    "max_parallel_maintenance_workers": re.compile(r"[0-9]|1[0-6]", re.ASCII),
    "default_statistics_target": re.compile(r"[0-9]{1,5}", re.ASCII),
    "random_page_cost": re.compile(r"[1-9](\.[0-9]{1,3})?", re.ASCII),
}


def refused_amount(name: str, value: str) -> str | None:
    """What is wrong with how much a setting gives; None for a setting that gives nothing."""
    if name in _MOST:
        found = _AMOUNT.fullmatch(value)
        within = found is not None and int(found[1]) * _BYTES[found[2]] <= _MOST[name]
        return None if within else f"SET {name} to more than {_MOST[name] >> 20}MB, or to what is no amount"
    if name in _NUMBERS and not _NUMBERS[name].fullmatch(value.strip()):
        return f"SET {name} to what a server is not run with"
    return None


def refused_setting(name: str, value: str | None, risk: Risk = Risk.READONLY) -> str | None:
    """What is wrong with a setting of a session, as `SET name`; None when it may be set so.

    `value` is None where it goes back to what it was, and empty where it is not known.
    """
    key = name.lower()
    if value is None:
        value = ""
    elif refused := refused_amount(key, value):
        return refused
    if key in {"default_transaction_read_only", "transaction_read_only"} and risk is Risk.MUTATING:
        return None
    if key == "search_path" and risk is Risk.MUTATING and "information_schema" in value.lower():
        return "SET search_path to information_schema, where a name would mean the server's own"
    if value.lower() in VALUES.get(key, ()):
        return None
    known = key in SETTINGS or (risk is Risk.MUTATING and key in SETTINGS_CHANGING - set(VALUES))
    return None if known else f"SET {key}"
