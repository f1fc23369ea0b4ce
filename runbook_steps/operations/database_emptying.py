"""A database that is used again and again: nothing in it but what extensions made, and what every new one has."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from runbook_steps.operations.database_session import Connection, query, query_nothing

__all__ = ["Emptiness", "empty_again", "is_empty"]

_MADE_HERE = """
SELECT replace(i.type, 'foreign-data', 'FOREIGN DATA'), i.identity FROM (
    SELECT c.tableoid, c.oid FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL SELECT tableoid, oid FROM pg_proc
    UNION ALL SELECT tableoid, oid FROM pg_type
    WHERE typtype IN ('d', 'e', 'r') OR typtype IN ('b', 'p') AND typelem = 0
        OR typtype = 'c' AND typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c')
    UNION ALL SELECT tableoid, oid FROM pg_namespace WHERE nspname !~ '^pg_'
    UNION ALL SELECT tableoid, oid FROM pg_collation UNION ALL SELECT tableoid, oid FROM pg_conversion
    UNION ALL SELECT tableoid, oid FROM pg_operator UNION ALL SELECT tableoid, oid FROM pg_opfamily
    UNION ALL SELECT tableoid, oid FROM pg_opclass
    UNION ALL SELECT tableoid, oid FROM pg_ts_config UNION ALL SELECT tableoid, oid FROM pg_ts_dict
    UNION ALL SELECT tableoid, oid FROM pg_ts_parser UNION ALL SELECT tableoid, oid FROM pg_ts_template
    UNION ALL SELECT tableoid, oid FROM pg_cast UNION ALL SELECT tableoid, oid FROM pg_am
    UNION ALL SELECT tableoid, oid FROM pg_transform
    UNION ALL SELECT tableoid, oid FROM pg_language UNION ALL SELECT tableoid, oid FROM pg_publication
    UNION ALL SELECT tableoid, oid FROM pg_event_trigger
    UNION ALL SELECT tableoid, oid FROM pg_foreign_server UNION ALL SELECT tableoid, oid FROM pg_foreign_data_wrapper
) AS made(class, number), LATERAL pg_identify_object(class, number, 0) i
WHERE number >= 16384 AND coalesce(i.schema, '') !~ '^pg_' AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = number AND d.deptype IN ('e', 'i')
        AND d.objsubid = 0)  -- the columns that part a table belong to it in that way
  AND NOT EXISTS (SELECT FROM pg_extension e WHERE class = 'pg_namespace'::regclass AND e.extnamespace = number)
ORDER BY i.type <> 'event trigger', i.type = 'schema', i.type <> 'table'
"""
_LARGE_OBJECTS = "SELECT oid FROM pg_largeobject_metadata"
# what new objects get from whom, spelled as the statements that take it away: in the end as PostgreSQL has it itself
_DEFAULTS = """
SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s', pg_get_userbyid(defaclrole),
              coalesce((SELECT 'IN SCHEMA ' || quote_ident(nspname) FROM pg_namespace n WHERE n.oid = defaclnamespace),
                       '')),
       CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES'
            WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END,
       (SELECT string_agg(DISTINCT grantee::text, ', ') FROM (
            SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM aclexplode(defaclacl) a) AS g(grantee)),
       quote_ident(pg_get_userbyid(defaclrole)), defaclnamespace = 0, defaclobjtype IN ('f', 'T')
FROM pg_default_acl
"""

_PUBLIC_CHANGED = """
SELECT (SELECT string_agg(DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                          ', ') FROM aclexplode(nspacl) a WHERE a.grantee <> nspowner)
FROM pg_namespace WHERE nspname = 'public' AND (nspowner <> 'pg_database_owner'::regrole
    OR nspacl::text IS DISTINCT FROM '{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}')
"""


def is_empty(target: Connection) -> bool:
    """Nothing in it but what extensions made."""
    return not query(target, _MADE_HERE) and not query(target, _LARGE_OBJECTS)


@dataclass(frozen=True)
class Emptiness:
    """What an empty database has before a restore: the extensions that somebody prepared, and the schema public."""

    extensions: frozenset[str]
    public: bool

    @classmethod
    def of(cls, target: Connection) -> Emptiness:
        """As it is now."""
        return cls(_extensions(target), bool(query(target, "SELECT FROM pg_namespace WHERE nspname = 'public'")))

    @classmethod
    def of_others(cls, target: Connection) -> Emptiness:
        """What an administrator prepared, and every new database has: extensions of this role it makes again itself."""
        others = _extensions(target, "oid < 16384 OR pg_get_userbyid(extowner) <> current_user")
        return cls(others | {"plpgsql"}, public=True)


def _extensions(target: Connection, which: str = "true") -> frozenset[str]:
    return frozenset(str(name) for (name,) in query(target, f"SELECT extname FROM pg_extension WHERE {which}"))  # noqa: S608


def empty_again(target: Connection, before: Emptiness) -> None:
    """Drops all that a restore made, its extensions too, and gives back what it took away."""
    _empty_database(target)
    there = _extensions(target)
    for name in sorted(there - before.extensions):
        query_nothing(target, f"DROP EXTENSION IF EXISTS {sql.Identifier(name).as_string(target)} CASCADE")
    _empty_database(target)  # schemas in which those extensions were
    for name in sorted(before.extensions - there):
        query_nothing(target, f"CREATE EXTENSION {sql.Identifier(name).as_string(target)}")
    if not before.public:
        query_nothing(target, "DROP SCHEMA public")


def _empty_database(target: Connection) -> None:
    """Drops all that somebody made; what extensions made stays, and the schema public is as in a new database."""
    for kind, identity in query(target, _MADE_HERE):
        query_nothing(target, f"DROP {kind} IF EXISTS {identity} CASCADE")
    for (number,) in query(target, _LARGE_OBJECTS):
        query_nothing(target, f"SELECT lo_unlink({number})")
    for change, what, grantees, owner, everywhere, public in query(target, _DEFAULTS):
        if grantees:
            query_nothing(target, f"{change} REVOKE ALL ON {what} FROM {grantees}")
        if everywhere:
            query_nothing(target, f"{change} GRANT ALL ON {what} TO {owner}{', PUBLIC' if public else ''}")
    _public_as_in_a_new_one(target)


def _public_as_in_a_new_one(target: Connection) -> None:
    if not query(target, "SELECT FROM pg_namespace WHERE nspname = 'public'"):
        query_nothing(target, "CREATE SCHEMA public AUTHORIZATION pg_database_owner")
    for (grantees,) in query(target, _PUBLIC_CHANGED):
        query_nothing(target, "ALTER SCHEMA public OWNER TO pg_database_owner")
        if grantees:
            query_nothing(target, f"REVOKE ALL ON SCHEMA public FROM {grantees} CASCADE")
        query_nothing(target, "GRANT ALL ON SCHEMA public TO pg_database_owner")
        query_nothing(target, "GRANT USAGE ON SCHEMA public TO PUBLIC")
    query_nothing(target, "COMMENT ON SCHEMA public IS 'standard public schema'")
