"""Materialized views of an archive: computed anew, since a dump holds none of their rows."""

from __future__ import annotations

import re

import psycopg

from runbook_steps.operations.database_session import Connection

__all__ = ["EMPTY_VIEW", "MISSING", "computed", "is_to_blame"]

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
        lacking = as_another and error.sqlstate == _NOT_ALLOWED
        if lacking or connection.closed or not is_to_blame(error, by_path=by_path):
            raise
        found = _REFRESH.search(refresh.decode("utf-8", "replace"))
        return [f"{EMPTY_VIEW}{found['view'] if found else '?'}: {error.diag.message_primary}"]
    return []


def is_to_blame(error: psycopg.Error, *, by_path: bool) -> bool:
    """Whether a statement fails for what is in the database, and will fail each time."""
    missing = not by_path and MISSING in str(error)  # a longer search path may find it
    return not missing and (error.sqlstate or "")[:2] not in _SERVERS_FAULT
