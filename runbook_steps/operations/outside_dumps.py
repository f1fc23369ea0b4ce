"""What a database has and no dump of it holds, in words: told before a restore, which cannot bring it back.

`pg_dump` writes what somebody made in schemas of their own. It writes nothing of what was made in the schemas of the
system, nor what was changed in the system's own objects (all but their privileges in pg_catalog), nor comments and
privileges on objects that it does not write by themselves: row types, arrays, what partitions and children inherit.

The system's own objects are known by their number, and what was changed in them by the transaction that wrote the
row: all that initdb wrote is older than the extension that it made last.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from runbook_steps.operations.database_session import Connection, query

__all__ = ["COMMENT_IN_NO_DUMP", "SYSTEM_SCHEMAS", "not_in_a_dump"]

SYSTEM_SCHEMAS = (
    "(SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = 'information_schema' "
    "OR (nspname ~ '^pg_' AND nspname !~ '^pg_(toast|temp)'))"
)
"""With all that have a name of that kind, which only a superuser can have made."""
_MOST = 20  # of one kind, in words; then how many more
_OWN = 16384  # the first number of what somebody made

COMMENT_IN_NO_DUMP = """(
    EXISTS (SELECT FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_class r ON r.oid = t.typrelid
        WHERE d.classid = 'pg_catalog.pg_type'::regclass AND t.oid = d.objid AND (
            t.typtype = 'm' OR r.relkind <> 'c' OR EXISTS (
                SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)))
    OR EXISTS (SELECT FROM pg_catalog.pg_constraint n
        WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND n.oid = d.objid AND n.contype IN ('c', 'f')
            AND n.conrelid <> 0 AND (n.conparentid <> 0 OR NOT n.conislocal))
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger g
        WHERE d.classid = 'pg_catalog.pg_trigger'::regclass AND g.oid = d.objid AND g.tgparentid <> 0)
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite w
        WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND w.oid = d.objid AND w.rulename = '_RETURN')
)"""
"""Of a row `d` with classid and objid: what has no statement of its own in a dump, so that its comment has none."""

_SINCE_INITDB = """
WITH born(last) AS (SELECT coalesce(
    (SELECT min(xmin::text::bigint) FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
        AND refobjid < 16384 AND xmin::text::bigint > 2),
    (SELECT min(xmin::text::bigint) FROM pg_database WHERE datname IN ('template0', 'template1', 'postgres')))),
"""
# the rows of the system's own objects that nobody but a person changes; `acl`: there are privileges, which a dump holds
_CHANGED = f"""{_SINCE_INITDB}
rows(class, number, part, written, owner, acl) AS (
    SELECT tableoid, oid, 0, xmin, proowner, proacl IS NOT NULL FROM pg_proc
    UNION ALL SELECT tableoid, oid, 0, xmin, typowner, typacl IS NOT NULL FROM pg_type
        WHERE typrelid = 0 AND typelem = 0
    UNION ALL SELECT tableoid, oid, 0, xmin, lanowner, lanacl IS NOT NULL AND lanispl FROM pg_language
    UNION ALL SELECT tableoid, oid, 0, xmin, nspowner, nspname <> 'information_schema' FROM pg_namespace
        WHERE nspname <> 'public'
    UNION ALL SELECT tableoid, oid, 0, xmin, relowner, relacl IS NOT NULL FROM pg_class WHERE relkind = 'v'
    UNION ALL SELECT tableoid, oid, 0, '2'::xid, relowner, true FROM pg_class WHERE relkind = 'r'
    UNION ALL SELECT a.tableoid, attrelid, attnum, a.xmin, 10, attacl IS NOT NULL
        FROM pg_attribute a JOIN pg_class r ON r.oid = attrelid WHERE relkind IN ('r', 'v') AND attnum > 0
    UNION ALL SELECT w.tableoid, w.oid, 0, w.xmin, 10, false FROM pg_rewrite w
    UNION ALL SELECT tableoid, oid, 0, xmin, oprowner, false FROM pg_operator
    UNION ALL SELECT tableoid, oid, 0, '2'::xid, collowner, false FROM pg_collation
    UNION ALL SELECT tableoid, oid, 0, xmin, conowner, false FROM pg_conversion
    UNION ALL SELECT tableoid, oid, 0, xmin, opcowner, false FROM pg_opclass
    UNION ALL SELECT tableoid, oid, 0, xmin, opfowner, false FROM pg_opfamily
    UNION ALL SELECT tableoid, oid, 0, xmin, cfgowner, false FROM pg_ts_config
    UNION ALL SELECT tableoid, oid, 0, xmin, dictowner, false FROM pg_ts_dict
    UNION ALL SELECT 'pg_ts_config'::regclass, mapcfg, 0, xmin, 10, false FROM pg_ts_config_map
    UNION ALL SELECT 'pg_ts_config'::regclass, mapcfg, 0, '4294967295'::xid, 10, false FROM pg_ts_config_map
        WHERE mapcfg < 16384 GROUP BY mapcfg HAVING count(DISTINCT maptokentype) <> 19
    UNION ALL SELECT tableoid, oid, 0, xmin, 10, false FROM pg_cast
    UNION ALL SELECT 'pg_opfamily'::regclass, amopfamily, 0, '4294967295'::xid, 10, false FROM pg_amop o
        WHERE oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = o.tableoid AND objid = o.oid
            AND deptype IN ('i', 'e'))
    UNION ALL SELECT 'pg_opfamily'::regclass, amprocfamily, 0, '4294967295'::xid, 10, false FROM pg_amproc o
        WHERE oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = o.tableoid AND objid = o.oid
            AND deptype IN ('i', 'e'))
)
SELECT DISTINCT i.type || ' ' || i.identity FROM rows, born, LATERAL pg_identify_object(
    CASE class WHEN 'pg_attribute'::regclass THEN 'pg_class'::regclass ELSE class END, number, part) i
WHERE number < 16384 AND i.identity IS NOT NULL AND (owner <> 10 OR (written::text::bigint > last AND NOT (
    acl AND coalesce(i.schema, '') <> 'information_schema')))
"""  # noqa: S608 - nothing from outside
# of tables in information_schema, whose rows in pg_class the server itself writes again; and of all that a dump
# writes only together with something else
_PRIVILEGES = """
SELECT 'table ' || c.oid::regclass FROM pg_class c WHERE c.oid < 16384 AND c.relkind = 'r'
    AND c.relnamespace = to_regnamespace('information_schema') AND (SELECT count(*) FROM aclexplode(c.relacl)
        WHERE grantee <> c.relowner AND NOT (grantee = 0 AND privilege_type = 'SELECT' AND NOT is_grantable)) > 0
UNION ALL SELECT i.type || ' ' || i.identity FROM pg_type t LEFT JOIN pg_class r ON r.oid = t.typrelid,
    LATERAL pg_identify_object(t.tableoid, t.oid, 0) i WHERE t.oid >= 16384 AND t.typacl IS NOT NULL AND (
    r.relkind <> 'c' OR t.typtype = 'm' OR EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))
"""
# of the system and of extensions, where a dump holds them, but only their owner's hand can give them: a superuser's
_GIVEN_BY_OTHERS = """
WITH given(class, number, part, owner, acl) AS (
    SELECT tableoid, oid, 0, proowner, proacl FROM pg_proc
    UNION ALL SELECT tableoid, oid, 0, relowner, relacl FROM pg_class
    UNION ALL SELECT tableoid, oid, 0, typowner, typacl FROM pg_type
    UNION ALL SELECT tableoid, oid, 0, lanowner, lanacl FROM pg_language
    UNION ALL SELECT tableoid, oid, 0, nspowner, nspacl FROM pg_namespace
    UNION ALL SELECT 'pg_class'::regclass, attrelid, attnum, relowner, attacl FROM pg_attribute
        JOIN pg_class r ON r.oid = attrelid)
SELECT i.type || ' ' || i.identity FROM given LEFT JOIN pg_init_privs ON classoid = class AND objoid = number
    AND objsubid = part, LATERAL pg_identify_object(class, number, part) i
WHERE acl IS NOT NULL AND acl IS DISTINCT FROM initprivs AND NOT pg_has_role(owner, 'USAGE') AND i.identity IS NOT NULL
AND coalesce(i.schema, i.identity) NOT IN ('information_schema', 'public') AND (number < 16384 OR EXISTS (
    SELECT FROM pg_depend e WHERE e.classid = class AND e.objid = number AND e.deptype = 'e'))
"""
_COMMENTS = f"""{_SINCE_INITDB}
d(classid, objid, objsubid, written, text) AS (
    SELECT classoid, objoid, objsubid, xmin::text::bigint, description FROM pg_description)
SELECT i.type || ' ' || i.identity FROM d, born, LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i
WHERE i.identity IS NOT NULL AND NOT (d.classid = 'pg_namespace'::regclass AND i.identity = 'public') AND (
    (d.objid < 16384 AND d.written > last AND d.classid <> 'pg_largeobject'::regclass
        AND d.text <> 'PL/pgSQL procedural language')  -- as many an old dump has it
    OR (d.objid >= 16384 AND {COMMENT_IN_NO_DUMP} AND coalesce(i.schema, '') NOT IN {SYSTEM_SCHEMAS}
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid
            AND e.deptype = 'e')))
"""  # noqa: S608
_LABELS = """
SELECT i.type || ' ' || i.identity FROM pg_seclabel, LATERAL pg_identify_object(classoid, objoid, objsubid) i
WHERE objoid < 16384 AND classoid <> 'pg_largeobject'::regclass
UNION ALL SELECT 'database ' || datname FROM pg_shseclabel JOIN pg_database d ON d.oid = objoid
WHERE classoid = 'pg_database'::regclass AND datname = current_database()
"""
_DEFAULTS = f"""
SELECT 'default privileges ' || i.identity FROM pg_default_acl a, LATERAL pg_identify_object(a.tableoid, a.oid, 0) i
WHERE defaclnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN {SYSTEM_SCHEMAS})
"""  # noqa: S608
# triggers of the server itself, which hold a key: ALTER TABLE … DISABLE TRIGGER ALL
_ASLEEP = """
SELECT DISTINCT quote_ident(n.conname) || ' of ' || t.tgrelid::regclass FROM pg_trigger t
JOIN pg_constraint n ON n.oid = tgconstraint WHERE tgisinternal AND tgenabled <> 'O'
"""
# a dump says it of columns that differ from their type alone, and what a child does not say it takes from its parent
_TAKEN = """
SELECT DISTINCT pg_catalog.quote_ident(a.attname) || ' of ' || a.attrelid::regclass FROM pg_inherits
JOIN pg_class c ON c.oid = inhrelid AND NOT relispartition
JOIN pg_attribute a ON a.attrelid = inhrelid JOIN pg_attribute p ON p.attrelid = inhparent AND p.attname = a.attname
JOIN pg_type t ON t.oid = a.atttypid WHERE a.attnum > 0 AND NOT a.attisdropped AND (
    (a.attcompression = '' AND p.attcompression <> '')
    OR (a.attstorage = t.typstorage AND p.attstorage <> t.typstorage))
"""
_CLASSES = (
    "pg_class", "pg_constraint", "pg_type", "pg_proc", "pg_trigger", "pg_rewrite", "pg_policy", "pg_attrdef",
    "pg_statistic_ext", "pg_collation", "pg_conversion", "pg_operator", "pg_opclass", "pg_opfamily", "pg_ts_config",
    "pg_ts_dict", "pg_ts_parser", "pg_ts_template",
)  # fmt: skip
_TABLE = {"pg_class": "oid", "pg_constraint": "conrelid", "pg_trigger": "tgrelid", "pg_rewrite": "ev_class",
          "pg_policy": "polrelid", "pg_attrdef": "adrelid"}  # fmt: skip
_MADE = " UNION ALL ".join(
    f"SELECT tableoid, oid, {_TABLE.get(name, '0::oid')} FROM pg_catalog.{name} WHERE oid >= {_OWN}"  # noqa: S608
    + (" AND relkind <> 'c'" if name == "pg_class" else "")
    for name in _CLASSES
)
# what hangs on something that is told itself is not told again
_IN_THE_SYSTEM = f"""
SELECT i.type || ' ' || i.identity FROM ({_MADE}) AS made(class, number, place), pg_identify_object(class, number, 0) i
WHERE i.identity IS NOT NULL AND (i.schema IN {SYSTEM_SCHEMAS} OR EXISTS (SELECT FROM pg_class r
    JOIN pg_namespace n ON n.oid = r.relnamespace WHERE r.oid = place AND n.nspname IN {SYSTEM_SCHEMAS}))
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = class AND d.objid = number AND (
    d.deptype IN ('e', 'i') OR (d.deptype = 'a' AND d.refobjid >= {_OWN})))
"""  # noqa: S608
# by the transaction that made an extension: what came or was changed in another one, unless half of it did, as an
# upgrade of the server or a move to another schema leaves it
_MEMBERS = """
WITH members AS (
    SELECT x.oid, x.extname, x.xmin AS changed, d.classid, d.objid, d.xmin AS came FROM pg_depend d
    JOIN pg_extension x ON x.oid = refobjid WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass),
usual AS (SELECT oid, mode() WITHIN GROUP (ORDER BY came::text) AS one, count(*) AS many FROM members GROUP BY oid),
odd(extname, oid, classid, objid, what) AS (
    SELECT extname, oid, classid, objid, 'was added to' FROM members JOIN usual USING (oid)
    WHERE came::text <> one AND came <> changed AND NOT EXISTS (
        SELECT FROM pg_depend i WHERE i.classid = members.classid AND i.objid = members.objid AND i.deptype = 'i')
    UNION ALL SELECT extname, m.oid, classid, objid, 'was changed, and belongs to'
    FROM members m JOIN usual USING (oid) JOIN pg_proc p ON m.classid = p.tableoid AND m.objid = p.oid
    WHERE came::text = one AND p.xmin <> came AND p.xmin <> changed AND proacl IS NULL AND p.oid >= 16384
    UNION ALL SELECT extname, m.oid, m.classid, m.objid, 'has a comment, and belongs to'
    FROM members m JOIN usual USING (oid)
    JOIN pg_description c ON c.classoid = m.classid AND c.objoid = m.objid
    WHERE came::text = one AND c.xmin <> came AND c.xmin <> changed AND m.objid >= 16384),
few AS (SELECT oid, what FROM odd JOIN usual USING (oid) GROUP BY oid, what, many HAVING count(*) * 2 < many)
SELECT DISTINCT i.type || ' ' || i.identity || ' ' || what || ' the extension ' || extname
FROM odd JOIN few USING (oid, what), LATERAL pg_identify_object(classid, objid, 0) i WHERE i.identity IS NOT NULL
"""
_TABLES_OF_EXTENSIONS = """
SELECT pg_catalog.format('%I.%I', nspname, relname), extname FROM pg_depend d
JOIN pg_class c ON classid = 'pg_class'::regclass AND objid = c.oid AND relkind = 'r'
JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_extension x ON x.oid = refobjid
WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass AND NOT c.oid = ANY (coalesce(extconfig, '{}'))
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1
"""


@dataclass(frozen=True)
class _Kind:
    """One kind: its names, and the words around each."""

    names: str
    words: str


_HERE = "(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
_KINDS = (
    _Kind(
        "SELECT indexrelid::regclass::text FROM pg_catalog.pg_index JOIN pg_catalog.pg_class c "
        "ON c.oid = indexrelid WHERE NOT indisvalid AND c.relkind = 'i'",
        "index {} is invalid (a build that failed) and is left out",
    ),
    _Kind(
        f"SELECT subname FROM pg_catalog.pg_subscription WHERE subdbid = {_HERE}",  # noqa: S608
        "subscription {} is not restored: create it again with copy_data = false",
    ),
    _Kind(
        "SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE database = current_database() AND NOT temporary",
        "replication slot {} stays with the database that is replaced: its consumer must be set up again",
    ),
    _Kind(
        "SELECT quote_literal(gid) FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()",
        "prepared transaction {} is in no dump, since nobody has committed it",
    ),
    _Kind(_COMMENTS, "the comment on {} is in no dump: give it again"),
    _Kind(_LABELS, "the security label of {} is in no dump: give it again"),
    _Kind(_PRIVILEGES, "privileges on {} are in no dump: grant them again"),
    _Kind(_GIVEN_BY_OTHERS, "privileges on {} are a superuser's to give: let one grant them again"),
    _Kind(_CHANGED, "{} belongs to the system and was changed, which no dump holds: change it again"),
    _Kind(_IN_THE_SYSTEM, "{} is in a schema of the system, which no dump holds: make it again"),
    _Kind(
        f"SELECT quote_ident(nspname) FROM pg_namespace WHERE oid >= {_OWN} AND nspname ~ '^pg_' "  # noqa: S608
        "AND nspname !~ '^pg_(toast|temp)'",
        "schema {} has a name of the system, so that no dump holds it: rename it",
    ),
    _Kind(_DEFAULTS, "{} are of a schema of the system, which no dump holds: set them again"),
    _Kind(_ASLEEP, "constraint {} is switched off (DISABLE TRIGGER ALL), and holds again after a restore"),
    _Kind(_TAKEN, "column {} takes the storage and the compression of its parent's in a restore: set them again"),
    _Kind(_MEMBERS, "{}, of which a dump holds nothing but the name: do it again"),
    _Kind(
        "SELECT extname || ' ' || extversion || ' comes back in version ' || default_version FROM pg_extension x "
        "JOIN pg_available_extensions a ON a.name = extname WHERE extversion <> default_version AND x.oid >= 16384",
        "extension {}: no dump holds which one it was",
    ),
    _Kind(
        "SELECT 'schema information_schema' WHERE to_regnamespace('information_schema') IS NULL",
        "{} was dropped, and is there again after a restore",
    ),
)


def not_in_a_dump(connection: Connection) -> list[str]:
    """What is there and cannot come back from any dump, in words."""
    told = []
    for kind in _KINDS:
        names = sorted(str(name) for (name,) in query(connection, kind.names))
        told += [kind.words.format(name) for name in names[:_MOST]]
        if len(names) > _MOST:
            told.append(kind.words.format(f"(and {len(names) - _MOST} more like these)"))
    return told + _rows_of_extensions(connection)


def _rows_of_extensions(connection: Connection) -> list[str]:
    """Tables that extensions have for themselves: a dump holds rows of those alone that they ask it for."""
    told = []
    for table, extension in query(connection, _TABLES_OF_EXTENSIONS):
        try:
            with connection.transaction():
                rows = query(connection, f"SELECT 1 FROM ONLY {table} LIMIT 1")  # noqa: S608 - quoted by the server
        except psycopg.errors.InsufficientPrivilege:  # row security
            rows = [(1,)]
        if rows:
            told.append(f"rows of {table} are in no dump: it belongs to the extension {extension}")
    return told
