"""What the role of DATABASE_URL may do, as far as backups and restores need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.database_session import Connection, query

__all__ = [
    "Rights",
    "acts_as",
    "extensions_to_leave_out",
    "may_end_sessions",
    "out_of_reach",
    "prepared_transactions",
    "provided",
    "read_rights",
    "refuse_unmakeable",
    "refuse_unreadable",
    "schemas_of_extensions",
    "server_identity",
    "unreadable",
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


def prepared_transactions(admin: Connection, live: str) -> list[str]:
    """Those of the live database that wait for their end, quoted: nobody can rename it before."""
    rows = admin.execute("SELECT quote_literal(gid) FROM pg_prepared_xacts WHERE database = %s ORDER BY 1", [live])
    return [str(gid) for (gid,) in rows.fetchall()]


# what pg_restore would end with for a role that is no superuser; {member} is the right to become another role, and
# USAGE to do what that one may.
# Owners by their columns: nobody writes down that something depends on the superuser that initdb made
_OUT_OF_REACH = """
WITH others AS (SELECT oid, rolname FROM pg_roles WHERE rolname <> 'pg_database_owner'
    AND NOT (pg_has_role(current_user, oid, '{member}') AND pg_has_role(current_user, oid, 'USAGE'))),
owned(class, number, owner) AS (
    SELECT tableoid, oid, relowner FROM pg_class
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'
    UNION ALL SELECT tableoid, oid, nspowner FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT tableoid, oid, proowner FROM pg_proc
    UNION ALL SELECT tableoid, oid, typowner FROM pg_type t WHERE typelem = 0 AND typtype <> 'm' AND NOT EXISTS (
        SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')
    UNION ALL SELECT tableoid, oid, collowner FROM pg_collation
    UNION ALL SELECT tableoid, oid, conowner FROM pg_conversion
    UNION ALL SELECT tableoid, oid, oprowner FROM pg_operator UNION ALL SELECT tableoid, oid, lanowner FROM pg_language
    UNION ALL SELECT tableoid, oid, cfgowner FROM pg_ts_config UNION ALL SELECT tableoid, oid, dictowner FROM pg_ts_dict
    UNION ALL SELECT tableoid, oid, fdwowner FROM pg_foreign_data_wrapper
    UNION ALL SELECT tableoid, oid, srvowner FROM pg_foreign_server
    UNION ALL SELECT tableoid, oid, pubowner FROM pg_publication
    UNION ALL SELECT tableoid, oid, stxowner FROM pg_statistic_ext
    UNION ALL SELECT 'pg_largeobject'::regclass, oid, lomowner FROM pg_largeobject_metadata
    UNION ALL SELECT tableoid, oid, defaclrole FROM pg_default_acl),
granted(class, number, acl) AS (
    SELECT tableoid, oid, relacl FROM pg_class UNION ALL SELECT tableoid, oid, nspacl FROM pg_namespace
    UNION ALL SELECT tableoid, oid, proacl FROM pg_proc UNION ALL SELECT tableoid, oid, typacl FROM pg_type
    UNION ALL SELECT tableoid, oid, srvacl FROM pg_foreign_server
    UNION ALL SELECT 'pg_class'::regclass, attrelid, attacl FROM pg_attribute),
superusers(class, number, what) AS (
    SELECT tableoid, oid, 'an event trigger' FROM pg_event_trigger
    UNION ALL SELECT tableoid, oid, 'an operator class' FROM pg_opclass
    UNION ALL SELECT tableoid, oid, 'an operator family' FROM pg_opfamily
    UNION ALL SELECT tableoid, oid, 'a base type' FROM pg_type WHERE typtype = 'b' AND typelem = 0
    UNION ALL SELECT tableoid, oid, 'a text search template' FROM pg_ts_template
    UNION ALL SELECT tableoid, oid, 'a text search parser' FROM pg_ts_parser
    UNION ALL SELECT tableoid, oid, 'an access method' FROM pg_am
    UNION ALL SELECT tableoid, oid, 'a cast of types that belong to others' FROM pg_cast WHERE castmethod = 'b'
        OR NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (castsource, casttarget) AND t.typowner NOT IN (
            SELECT others.oid FROM others))
    UNION ALL SELECT tableoid, oid, 'leakproof' FROM pg_proc WHERE proleakproof
    UNION ALL SELECT p.tableoid, p.oid, 'with a setting that only a superuser may change'
    FROM pg_proc p, unnest(proconfig) AS own(text) JOIN pg_settings s ON s.name = split_part(own.text, '=', 1)
    WHERE s.context = 'superuser' AND NOT has_parameter_privilege(s.name, 'SET')),
found(class, number, what) AS (
    SELECT class, number, ', which belongs to ' || rolname FROM owned JOIN others ON oid = owner
    UNION SELECT class, number, ', with a privilege that ' || rolname || ' granted'
    FROM granted, aclexplode(acl) JOIN others ON oid = grantor
    UNION SELECT class, number, ', whose owner ' || rolname || ' may not create in its schema'
    FROM owned JOIN pg_roles r ON r.oid = owner, LATERAL pg_identify_object(class, number, 0) j
    JOIN pg_namespace n ON quote_ident(nspname) = j.schema
    WHERE rolname <> current_user AND NOT has_schema_privilege(owner, n.oid, 'CREATE')
    UNION SELECT class, number, ', ' || what FROM superusers
    UNION SELECT p.tableoid, p.oid, ', written in ' || lanname FROM pg_proc p JOIN pg_language l ON l.oid = prolang
    WHERE NOT lanpltrusted AND lanname <> 'sql' AND p.prokind <> 'a'  -- an aggregate has no language of its own
    UNION SELECT place.class, place.number, ', in the tablespace ' || spcname || ', where it may create nothing'
    FROM (SELECT tableoid, oid, reltablespace FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'i', 'I')
        UNION ALL SELECT tableoid, oid, dattablespace FROM pg_database WHERE datname = current_database() AND
            dattablespace <> (SELECT oid FROM pg_tablespace WHERE spcname = 'pg_default')) place(class, number, space)
    JOIN pg_tablespace t ON t.oid = space WHERE NOT has_tablespace_privilege(t.oid, 'CREATE')
    UNION SELECT tableoid, oid, ', for all tables' FROM pg_publication WHERE puballtables
    UNION SELECT 'pg_publication'::regclass, pnpubid, ', for whole schemas' FROM pg_publication_namespace)
SELECT i.type || ' ' || i.identity || what FROM found, LATERAL pg_identify_object(class, number, 0) i
WHERE (number >= 16384 OR class = 'pg_largeobject'::regclass
    OR class = 'pg_namespace'::regclass AND i.identity = 'public') AND i.identity IS NOT NULL
    AND coalesce(i.schema, '') !~ '^(pg_|information_schema$)' AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = number AND (d.deptype = 'e'
            OR d.deptype = 'i' AND class = 'pg_proc'::regclass))  -- what a range makes by itself is initdb's
ORDER BY 1
"""
_SHOWN = 5
_ROLES_ARE_SET = 160000  # the first version where a member may be without the right to become the role


def out_of_reach(live: Connection) -> list[str]:
    """What is in the live database and this role could not make again in another one, in words."""
    row = live.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row and row[0]:
        return []
    return [str(what) for (what,) in query(live, _OUT_OF_REACH.format(member=_become(live)))]


def acts_as(connection: Connection) -> frozenset[str]:
    """The roles that this one may become, with what they may do: owners of what it can make."""
    rows = query(
        connection,
        "SELECT rolname::text FROM pg_roles WHERE rolname = 'pg_database_owner' OR "  # noqa: S608 - one of two words
        f"pg_has_role(current_user, oid, '{_become(connection)}') AND pg_has_role(current_user, oid, 'USAGE')",
    )
    return frozenset(str(name) for (name,) in rows)


def _become(connection: Connection) -> str:
    return "SET" if connection.info.server_version >= _ROLES_ARE_SET else "MEMBER"


_UNREADABLE = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND nspname <> 'information_schema'
  AND NOT (CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
           ELSE has_table_privilege(c.oid, 'SELECT') AND (NOT row_security_active(c.oid)) END
           AND has_schema_privilege(n.oid, 'USAGE'))
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid WHERE d.deptype = 'e'
      AND d.classid = 'pg_class'::regclass AND d.objid = c.oid AND NOT c.oid = ANY (coalesce(x.extconfig, '{}')))
ORDER BY 1
"""


def unreadable(live: Connection) -> list[str]:
    """Tables and sequences that this role cannot read whole: for want of a privilege, or for row security."""
    return [str(name) for (name,) in query(live, _UNREADABLE)]


def refuse_unreadable(live: Connection) -> None:
    """Raises RefusedError where a dump would end with the first table that cannot be read whole."""
    if denied := unreadable(live):
        more = f" and {len(denied) - _SHOWN} more" if len(denied) > _SHOWN else ""
        raise RefusedError(
            f"{live.info.user} cannot read whole: {', '.join(denied[:_SHOWN])}{more}. Grant it SELECT; where row "
            "security hides rows from it, give it BYPASSRLS, or ALTER TABLE … NO FORCE ROW LEVEL SECURITY on its own"
        )


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


def schemas_of_extensions(target: Connection, names: Sequence[str]) -> tuple[str, ...]:
    """Those that somebody made for these extensions: they are there already, too."""
    rows = target.execute(
        "SELECT DISTINCT nspname::text FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace "
        "WHERE extname = ANY(%s) AND n.oid >= 16384 ORDER BY 1",
        [list(names)],
    )
    return tuple(str(name) for (name,) in rows.fetchall())


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
