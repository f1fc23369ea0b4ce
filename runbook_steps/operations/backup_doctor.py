"""What backups and restores of this database will meet: rights, obstacles, sizes, time. It only reads."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.database_rights import Rights, may_end_sessions, out_of_reach, read_rights, unreadable
from runbook_steps.operations.database_session import Connection, query, session
from runbook_steps.operations.outside_dumps import not_in_a_dump
from runbook_steps.operations.postgres_connection import maintenance
from runbook_steps.operations.postgres_programs import find_programs
from runbook_steps.operations.restoring_role import might

__all__ = ["examine"]

_LOOK_S = 3.0  # how long the speed of reading is measured
_RESTORE_FACTOR = 2.5  # rows are written, and indexes built: measured on databases with two indexes a table
_SHOWN = 5
_GRANTS_BY_ADMIN = 160000  # the first version where CREATEROLE gives only what its owner administers
_FOREIGN_EXTENSIONS = """
SELECT x.extname::text FROM pg_extension x
LEFT JOIN pg_available_extensions a ON a.name = x.extname
LEFT JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
WHERE x.oid >= 16384 AND coalesce(v.superuser AND NOT v.trusted, true) ORDER BY 1
"""


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is good (None: only told), and what was found."""

    what: str
    good: bool | None
    found: str


def examine(settings: BackupSettings) -> list[Finding]:
    """Looks at the live database and this machine. Raises Unreachable."""
    database = settings.database
    with session(database, reads=True) as live, session(database, maintenance(database), reads=True) as admin:
        rights = read_rights(admin, database.name)
        version = live.info.server_version
        foreign = [] if rights.superuser else [str(name) for (name,) in query(live, _FOREIGN_EXTENSIONS)]
        return [
            Finding("server", None, f"PostgreSQL {version // 10000}.{version % 10000}, {_locale(live)}"),
            _programs(version // 10000),
            Finding("role", None, _described(rights)),
            _restoring(rights, might(admin), self_granting=_gives_itself(admin)),
            _listed(
                "backup", [(name,) for name in unreadable(live)], "every table can be read", "cannot be read whole:"
            ),
            _verification(rights, settings.scratch, foreign),
            *(Finding("verify", False, f"it may not make again: {text}") for text in out_of_reach(live)[:_SHOWN]),
            _swap(rights, may_end_sessions(admin, database.name), settings.prepared, foreign),
            _rows(live),
            *(Finding("not carried", None, text) for text in not_in_a_dump(live)),
            *_sizes(live),
        ]


def _locale(live: Connection) -> str:
    return str(
        query(live, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()")[0][0]
    )


def _described(rights: Rights) -> str:
    if rights.superuser:
        return f"{rights.role} is a superuser: nothing is denied"
    parts = ("owns the database" if rights.owns_live else "does not own the database",
             "may create databases" if rights.may_create_databases else "may not create databases")  # fmt: skip
    return f"{rights.role} is no superuser, {', '.join(parts)}"


def _gives_itself(admin: Connection) -> bool:
    asked = "SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user"
    return admin.info.server_version < _GRANTS_BY_ADMIN and bool(query(admin, asked)[0][0])


def _restoring(rights: Rights, why: str, *, self_granting: bool) -> Finding:
    """Who runs what somebody with ordinary rights defined in the database."""
    if not why and self_granting:
        return Finding("restoring", None, f"{rights.role} has CREATEROLE: before PostgreSQL 16 it may give itself the "
                       "right to start programs on the server, and what a backup contains could too")  # fmt: skip
    if not why:
        return Finding("restoring", True, "what a backup contains can start no program on the server")
    if rights.superuser:
        return Finding("restoring", None, f"{why}: a backup is restored by a role made for it, which may sign in by "
                       "password and do nothing else")  # fmt: skip
    return Finding("restoring", False, f"{why}, and what a backup contains would run with that: take it away")


def _programs(major: int) -> Finding:
    try:
        found = find_programs(major)
    except ConfigurationError as error:
        return Finding("tools", False, str(error))
    return Finding("tools", True, f"{found.dump} ({found.major})")


def _listed(what: str, rows: Iterable[tuple[str, ...]], good: str, bad: str) -> Finding:
    names = [str(row[0]) for row in rows]
    if not names:
        return Finding(what, True, good)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return Finding(what, False, f"{bad} {', '.join(names[:_SHOWN])}{more}")


def _verification(rights: Rights, scratch: str, foreign: list[str]) -> Finding:
    if scratch:
        return Finding("verify", None, f"into {scratch}; {_must_hold(foreign)}")
    if rights.superuser or (rights.may_create_databases and not foreign):
        return Finding("verify", True, "into a scratch database of its own")
    why = (
        "it may not create a database" if not rights.may_create_databases else f"only a superuser creates {foreign[0]}"
    )
    return Finding("verify", False, f"{why}: name an empty, prepared database in BACKUP_SCRATCH_DATABASE")


def _swap(rights: Rights, busy: list[str], prepared: str, foreign: list[str]) -> Finding:
    if not rights.may_swap:
        return Finding("restore", False, "not in place of the live database; into a prepared one with --into NAME")
    if busy:
        return Finding("restore", False, f"sessions that this role may not end: {', '.join(busy[:_SHOWN])}")
    if prepared:
        return Finding("restore", True, f"{prepared} takes the place of the live database; {_must_hold(foreign)}")
    if foreign:
        why = f"only a superuser creates {foreign[0]}: name an empty, prepared database in PREPARED_DATABASE"
        return Finding("restore", False, why)
    return Finding("restore", True, "in place of the live database")


def _must_hold(foreign: list[str]) -> str:
    return f"it must hold the extensions {', '.join(foreign) or 'none'}"


def _rows(live: Connection) -> Finding:
    may = bool(query(live, "SELECT has_database_privilege(current_database(), 'CREATE')")[0][0])
    return Finding("rows back", may, "into a schema beside" if may else "needs GRANT CREATE ON DATABASE")


def _sizes(live: Connection) -> list[Finding]:
    ((total, rows),) = query(
        live,
        "SELECT pg_database_size(current_database()), coalesce(sum(pg_table_size(oid)), 0)::bigint FROM pg_class "
        "WHERE relkind = 'r' AND oid >= 16384",
    )
    free = shutil.disk_usage(tempfile.gettempdir()).free
    found = [
        Finding("size", None, f"{total / 1e6:.0f} MB on disk, {rows / 1e6:.0f} MB in rows; a restore doubles it"),
        Finding("this machine", free > 2 * rows, f"{free / 1e6:.0f} MB free in {tempfile.gettempdir()}"),
    ]
    speed = _speed(live)
    if speed:
        dump = rows / speed
        restore = dump * _RESTORE_FACTOR
        found.append(
            Finding("estimate", None, f"dump {_span(dump)}, restore {_span(restore)}, at {speed / 1e6:.0f} MB/s")
        )
    return found


def _speed(live: Connection) -> float:
    """Bytes a second that the largest table is read at; 0 without rows."""
    largest = query(live, "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE "  # noqa: E501
                    "relkind = 'r' AND c.oid >= 16384 AND has_table_privilege(c.oid, 'SELECT') "
                    "AND NOT row_security_active(c.oid) "
                    "ORDER BY pg_table_size(c.oid) DESC LIMIT 1")  # fmt: skip
    if not largest:
        return 0.0
    read, began = 0, time.monotonic()
    statement = sql.SQL("COPY (SELECT * FROM ONLY {} LIMIT 1000000) TO STDOUT").format(sql.Identifier(*largest[0]))
    with live.cursor().copy(statement) as copy:
        for piece in copy:
            read += len(piece)
            if time.monotonic() - began > _LOOK_S:
                break
    return read / max(time.monotonic() - began, 1e-6)


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes
