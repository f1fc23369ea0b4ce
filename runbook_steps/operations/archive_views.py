"""Materialized views of an archive: computed anew, since a dump holds none of their rows."""

from __future__ import annotations

import re

import psycopg

from runbook_steps.operations.database_session import Connection

__all__ = ["EMPTY_VIEW", "MISSING", "computed"]

EMPTY_VIEW = "materialized view "  # how one that stays empty is told
MISSING = "does not exist"  # in what PostgreSQL says of a name that it does not find
_SERVERS_FAULT = {"53", "57", "58"}  # classes of SQLSTATE: no room, shut down, a broken disk
_NOT_ALLOWED = "42501"
_REFRESH = re.compile(r"^REFRESH MATERIALIZED VIEW (?P<view>.+?);?\s*\Z", re.MULTILINE | re.DOTALL)


def computed(connection: Connection, refresh: bytes, *, by_path: bool, as_another: bool = False) -> list[str]:
    """Fills one; gives `materialized view name: why` where its query fails today, and it stays empty.

    It may ask a server that is away, or divide by what is zero now. `by_path`: the application's search path is set,
    so that a name which is missing is not there. `as_another`: it is filled in the place of its owner, whose rights
    are not there to be missed. Raises psycopg.Error when the query is not to blame.
    """
    try:
        connection.execute(refresh)
    except psycopg.Error as error:
        state = error.sqlstate or ""
        missing = not by_path and MISSING in str(error)  # a longer search path may find it
        lacking = as_another and state == _NOT_ALLOWED
        if missing or lacking or connection.closed or state[:2] in _SERVERS_FAULT:
            raise
        found = _REFRESH.search(refresh.decode("utf-8", "replace"))
        return [f"{EMPTY_VIEW}{found['view'] if found else '?'}: {error.diag.message_primary}"]
    return []
