"""What the role of DATABASE_URL may do, as far as backups and restores need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.database_session import Connection, query, query_nothing

__all__ = [
    "Rights",
    "empty_database",
    "extensions_to_leave_out",
    "is_empty",
    "may_end_sessions",
    "out_of_reach",
    "provided",
    "read_rights",
    "refuse_unmakeable",
    "server_identity",
]


@dataclass(frozen=True)
class Rights:
    """Of one role. `owns` and `members` concern the live database."""

    role: str
    superuser: bool
    may_create_databases: bool
    owns_live: bool

    @property
    def may_swap(self) -> bool:
        """To rename a database takes its owner, and the right to create one."""
        return self.superuser or (self.may_create_databases and self.owns_live)


def read_rights(admin: Connection, live: str) -> Rights:
    """Of the role that is connected."""
    row = admin.execute(
        "SELECT current_user::text, rolsuper, rolcreatedb, coalesce((SELECT pg_has_role(datdba, 'USAGE') "
        "FROM pg_database WHERE datname = %s), true) FROM pg_roles WHERE rolname = current_user",
        [live],
    ).fetchone()
    assert row is not None  # noqa: S101 - a role that is connected exists
    return Rights(str(row[0]), bool(row[1]), bool(row[2]), bool(row[3]))


def server_identity(connection: Connection) -> tuple[int, str]:
    """The server's version number (180001), and the cluster's identifier; empty where it may not be read."""
    version = connection.info.server_version
    try:
        with connection.transaction():
            found = connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return version, ""
    return version, str(found[0]) if found else ""


def may_end_sessions(admin: Connection, live: str) -> list[str]:
    """Sessions of the live database that this role may not end, in words."""
    rows = admin.execute(
        "SELECT pid, usename::text, application_name FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid "
        "WHERE datname = %s AND pid <> pg_backend_pid() AND NOT CASE WHEN r.rolsuper "
        "THEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) "
        "ELSE pg_has_role(a.usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE') END",
        [live],
    ).fetchall()
    return [f"{user} (process {pid}{f', {program}' if program else ''})" for pid, user, program in rows]


# what pg_restore would end with for a role that is no superuser; {member} is the right to act as another role
_OUT_OF_REACH = """
WITH others AS (SELECT oid, rolname FROM pg_roles WHERE NOT pg_has_role(current_user, oid, '{member}')),
granted(class, number, acl) AS (
    SELECT tableoid, oid, relacl FROM pg_class UNION ALL SELECT tableoid, oid, nspacl FROM pg_namespace
    UNION ALL SELECT tableoid, oid, proacl FROM pg_proc),
found(class, number, what) AS (
    SELECT d.classid, d.objid, ', which belongs to ' || rolname FROM pg_shdepend d JOIN others ON oid = refobjid
    WHERE d.deptype = 'o' AND refclassid = 'pg_authid'::regclass AND classid <> 'pg_extension'::regclass
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION SELECT class, number, ', with a privilege that ' || rolname || ' granted'
    FROM granted, aclexplode(acl) JOIN others ON oid = grantor
    UNION SELECT p.tableoid, p.oid, ', written in ' || lanname FROM pg_proc p JOIN pg_language l ON l.oid = prolang
    WHERE NOT lanpltrusted AND lanname <> 'sql'
    UNION SELECT tableoid, oid, ', for all tables' FROM pg_publication WHERE puballtables
    UNION SELECT 'pg_publication'::regclass, pnpubid, ', for whole schemas' FROM pg_publication_namespace)
SELECT i.type || ' ' || i.identity || what FROM found, LATERAL pg_identify_object(class, number, 0) i
WHERE (number >= 16384 OR class = 'pg_largeobject'::regclass) AND i.identity IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = number AND d.deptype = 'e')
ORDER BY 1
"""
_ROLES_ARE_SET = 160000  # the first version where a member may be without the right to become the role


def out_of_reach(live: Connection) -> list[str]:
    """What is in the live database and this role could not make again in another one, in words."""
    row = live.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row and row[0]:
        return []
    member = "SET" if live.info.server_version >= _ROLES_ARE_SET else "MEMBER"
    return [str(what) for (what,) in query(live, _OUT_OF_REACH.format(member=member))]


def provided_extensions(target: Connection) -> tuple[str, ...]:
    """Those that somebody made in the database."""
    return tuple(str(name) for (name,) in query(target, "SELECT extname FROM pg_extension WHERE oid >= 16384"))


_OF_EXTENSIONS = """
WITH RECURSIVE members(class, number) AS (
    SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
      AND refobjid >= 16384
    UNION SELECT classid, objid FROM pg_depend JOIN members ON refclassid = class AND refobjid = number
    WHERE deptype IN ('a', 'i'))
SELECT i.type, i.identity FROM members, LATERAL pg_identify_object(class, number, 0) i WHERE i.identity IS NOT NULL
"""


def provided(target: Connection) -> frozenset[str]:
    """What extensions brought into a database that holds nothing else, as a comparison names it.

    Also what only hangs on their members.
    """
    kinds = ("extension", "comment on extension", "comment extension")
    named = {f"{kind} {name}" for name in provided_extensions(target) for kind in kinds}
    return frozenset(named | {f"{kind} {identity}" for kind, identity in query(target, _OF_EXTENSIONS)})


def extensions_to_leave_out(target: Connection, rights: Rights, needed: Sequence[str]) -> tuple[str, ...]:
    """Those that are in the new database already. Raises RefusedError for one that is not and cannot be made.

    `target` is connected with the new database, which is empty but for what its template or an administrator made.
    """
    there = {*provided_extensions(target)}
    refuse_unmakeable(target, rights, [name for name in needed if name not in there])
    return tuple(name for name in needed if name in there)


def refuse_unmakeable(connection: Connection, rights: Rights, missing: Sequence[str]) -> None:
    """Raises RefusedError for extensions that this server does not have, and for those this role may not create."""
    available = {
        str(name): bool(anybody)
        for name, anybody in connection.execute(
            "SELECT DISTINCT ON (name) name, NOT superuser OR trusted FROM pg_available_extension_versions v "
            "JOIN pg_available_extensions e USING (name) WHERE v.version = e.default_version"
        ).fetchall()
    }
    absent = [name for name in missing if name not in available]
    if absent:
        raise RefusedError(f"this server does not have the extensions {', '.join(absent)}: install them first")
    denied = [] if rights.superuser else [name for name in missing if not available[name]]
    if denied:
        raise RefusedError(
            f"{rights.role} may not create the extensions {', '.join(denied)}: let an administrator create them in an "
            "empty database that this role owns, and name it: BACKUP_SCRATCH_DATABASE to verify, PREPARED_DATABASE to "
            "replace the live database, --into to restore beside it"
        )


_MADE_HERE = """
SELECT i.type, i.identity FROM (
    SELECT c.tableoid, c.oid FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
    UNION ALL SELECT tableoid, oid FROM pg_proc
    UNION ALL SELECT tableoid, oid FROM pg_type WHERE typtype IN ('d', 'e', 'r')
    UNION ALL SELECT tableoid, oid FROM pg_namespace WHERE nspname !~ '^pg_'
) AS made(class, number), LATERAL pg_identify_object(class, number, 0) i
WHERE number >= 16384 AND coalesce(i.schema, '') !~ '^pg_' AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = number AND d.deptype IN ('e', 'i'))
  AND NOT EXISTS (SELECT FROM pg_extension e WHERE class = 'pg_namespace'::regclass AND e.extnamespace = number)
ORDER BY i.type = 'schema', i.type <> 'table'
"""


def empty_database(target: Connection) -> None:
    """Drops all that somebody made; what extensions made stays."""
    for kind, identity in query(target, _MADE_HERE):
        query_nothing(target, f"DROP {kind} IF EXISTS {identity} CASCADE")


def is_empty(target: Connection) -> bool:
    """Nothing in it but what extensions made."""
    return not query(target, _MADE_HERE)
