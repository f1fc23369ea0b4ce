"""An archive whose functions look for names by a search path: restored once more, with the path of the application.

`pg_dump` names everything with its schema, and restores with an empty search path. A function that is called by a
check, a computed column, an index or a materialized view may name another one without: it works for the application
alone. Only where a restore failed for want of a name is it done again so.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.archive_restore import Archive, restore_archive
from runbook_steps.operations.archive_views import MISSING
from runbook_steps.operations.database_comparison import Contents, take_away
from runbook_steps.operations.database_emptying import Emptiness, empty_again
from runbook_steps.operations.database_session import session
from runbook_steps.operations.postgres_connection import Database

__all__ = ["restore_by_any_path"]

_EMPTY = b"SELECT pg_catalog.set_config('search_path', '', false);"
_SETTING = "search_path="


def restore_by_any_path(
    database: Database, name: str, archive: Archive, contents: Contents, tell: Callable[[str], None]
) -> tuple[Archive, list[str]]:
    """Fills the empty database `name`; gives the archive as it was restored, and what is not valid any more.

    Raises OperationError with PostgreSQL's own words, those of the first try where the second one fails too.
    """
    with session(database, name) as target:
        before = Emptiness.of(target)
    try:
        return archive, restore_archive(database, name, archive, tell)
    except (OperationError, psycopg.ProgrammingError) as error:
        first = error
    wider = _with_path(archive, contents) if MISSING in str(first) else None
    if wider is None:
        raise first
    tell("once more, with the search path of the application: a function finds names by it")
    with session(database, name) as target:
        empty_again(target, before)
    take_away(database, name, contents.needs)
    try:
        return wider, restore_archive(database, name, wider, tell)
    except (OperationError, psycopg.ProgrammingError):
        raise first from None


def _with_path(archive: Archive, contents: Contents) -> Archive | None:
    """The archive that leaves the path alone; None where it does not set one where it always does."""
    if not _left_alone(archive.file):
        return None
    own = [
        text.removeprefix(_SETTING)
        for role, text in contents.properties.get("settings", ())
        if not role and text.startswith(_SETTING) and text != _SETTING
    ]
    schemas = [each.removeprefix("schema ") for each in contents.objects if each.startswith("schema ")]
    return replace(archive, path=", ".join([*own, '"$user"', "public", *sorted(schemas)]))


def _left_alone(file: Path) -> bool:
    """Writes over the statement, which is the first of its kind, in as many bytes. The file is our own copy."""
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as content:
        start = content.find(_EMPTY)
        if start < 0:
            return False
        content[start : start + len(_EMPTY)] = b"RESET search_path;".ljust(len(_EMPTY))
    return True
