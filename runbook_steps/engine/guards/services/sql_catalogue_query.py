"""The query that asks a database what it is made of, and names no secret that its catalogue holds."""

from __future__ import annotations

from runbook_steps.engine.guards.services.sql_lists import (
    PLAIN_CONNINFO,
    PLAIN_EXTENSIONS,
    PLAIN_OPTIONS,
    PLAIN_SETTINGS,
)

__all__ = ["CATALOGUE_SQL", "lasts"]

_OWN = "('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
_FIRST = 16384  # FirstNormalObjectId
_CALLED = f"""
  JOIN pg_catalog.pg_proc AS p ON p.oid = called.proc AND p.oid >= {_FIRST}
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace"""
# what makes a value of a type that is only named as it runs, so of any: array_in() and others
_MAKES_ANY = """p.proargtypes[0] IN ('cstring'::regtype, 'internal'::regtype)
     AND EXISTS (SELECT FROM pg_catalog.pg_type AS t WHERE t.oid = p.prorettype AND t.typtype = 'p')"""
# the server itself makes the functions of a range type, with the type: they only put a value together
_OF_A_RANGE = """p.prolang = 12 AND EXISTS (SELECT FROM pg_catalog.pg_depend AS made
     WHERE made.classid = 'pg_catalog.pg_proc'::regclass AND made.objid = p.oid AND made.deptype = 'i'
      AND made.refclassid = 'pg_catalog.pg_type'::regclass)"""
_LOCKED = "is locked now: what it runs cannot be read"
_LOCKED_TEXT = f'"{_LOCKED}"()'
"""In place of a text that would be waited for: a call of a function that there is not."""


def lasts(text: str) -> bool:
    """Whether the answer holds for a while: nothing of it was locked when it was given."""
    return _LOCKED not in text


def _depends(kind: str, number: str) -> str:
    """Whether an object of that catalogue is about a relation that is locked: its text could not be written now."""
    return f"""EXISTS (SELECT FROM pg_catalog.pg_depend AS d JOIN locked ON locked.oid = d.refobjid
     WHERE d.classid = 'pg_catalog.{kind}'::regclass AND d.objid = {number}
      AND d.refclassid = 'pg_catalog.pg_class'::regclass)"""


def _of_no_extension(kind: str, number: str) -> str:
    return f"""NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.{kind}'::regclass
     AND d.objid = {number} AND d.deptype = 'e')"""


def _text(column: str, relation: str, locked: str = "") -> str:
    """An expression of a relation. To write it, the server locks the relation, and those that it asks."""
    locked = locked or f"{relation} IN (SELECT oid FROM locked)"  # noqa: S608 - of constants alone
    return f"CASE WHEN {locked} THEN '{_LOCKED_TEXT}' ELSE pg_catalog.pg_get_expr({column}, {relation}) END"


# What holds no password, by the name of the setting or option, or by its shape; everything else may hold one.
_SHORT = (  # words and small numbers
    "^(|on|off|true|false|yes|no|none|all|-?[0-9]{1,3}([.][0-9]{1,3})?( ?(us|ms|s|min|h|d|B|kB|MB|GB|TB))?)$"
)
_CONNINFO = (
    f"^([[:space:]]*({'|'.join(sorted(PLAIN_CONNINFO))})[[:space:]]*=[[:space:]]*(''[^'']*''|[^[:space:]'']+))*$"
)
_IN_A_COMMAND = (  # of an archive: it is what people look for, so a list of words is all that it is held to
    "(passw|pwd|passphrase|secret|token|credential|api_?key|access_?key|private_?key)[a-z0-9_]*[[:space:]]*="
    "|://[^/@[:space:]]*:[^/@[:space:]]+@|[[:space:]](-u|-p|--user|--pass|--password)[=[:space:]]"
)
_WITH_ITS_KEY = "://[^/@[:space:]]*:[^/@[:space:]]+@"


def _names(words: frozenset[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words))


def _options(catalogue: str, column: str) -> str:
    named = f"split_part(text, '=', 1) IN ({_names(PLAIN_OPTIONS)})"
    return (
        f"SELECT '{catalogue}' AS name FROM pg_catalog.{catalogue}, unnest({column}) AS text "  # noqa: S608
        f"WHERE NOT {named} OR text ~ '{_WITH_ITS_KEY}'"
    )


_HELD_SETTINGS = f"""SELECT name FROM pg_catalog.pg_settings WHERE vartype = 'string' AND NOT (
     lower(name) IN ({_names(PLAIN_SETTINGS)}) OR split_part(name, '.', 1) IN ({_names(PLAIN_EXTENSIONS)})
     OR setting = boot_val OR setting ~* '{_SHORT}' OR (name = 'primary_conninfo' AND setting ~* '{_CONNINFO}')
     OR (name ~ '_command$' AND name !~ 'passphrase' AND setting !~* '{_IN_A_COMMAND}'))
   UNION ALL SELECT split_part(text, '=', 1) FROM pg_catalog.pg_db_role_setting, unnest(setconfig) AS text
    LEFT JOIN pg_catalog.pg_settings AS known ON lower(known.name) = lower(split_part(text, '=', 1))
     AND known.category <> 'Customized Options'
    WHERE NOT (lower(split_part(text, '=', 1)) IN ({_names(PLAIN_SETTINGS)}) OR known.vartype IS DISTINCT FROM NULL
      AND known.vartype <> 'string' OR substr(text, strpos(text, '=') + 1) ~* '{_SHORT}')"""  # noqa: S608
_LOCKED_RULE = f"CREATE RULE locked AS ON INSERT TO locked DO ALSO SELECT {_LOCKED_TEXT}"
_DOMAINS = """FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
      WHERE t.typdefaultbin IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped"""
"""Columns whose type gives them a value when nothing else does."""
_RULE_LOCKED = f"""EXISTS (SELECT FROM pg_catalog.pg_rewrite AS r WHERE r.ev_class = c.oid
     AND {_depends("pg_rewrite", "r.oid")})"""
_POLICY_LOCKED = _depends("pg_policy", "pg_policy.oid")
# Whoever looks for a lock must not wait for it: nothing here asks for one that another session holds or waits for.
CATALOGUE_SQL = f"""
WITH locked AS MATERIALIZED (
 SELECT relation AS oid FROM pg_catalog.pg_locks
 WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid()
  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
SELECT json_build_object(
 'builtin', (SELECT json_object_agg(proname, worst) FROM (
   SELECT proname, max(CASE WHEN {_MAKES_ANY} THEN 'v' ELSE provolatile::text END) AS worst FROM pg_catalog.pg_proc AS p
   WHERE (pronamespace IN {_OWN} AND oid < {_FIRST}) OR (oid >= {_FIRST} AND {_OF_A_RANGE}) GROUP BY proname) AS known),
 'functions', (SELECT coalesce(json_agg(json_build_array(
    n.nspname, p.proname, p.provolatile, l.lanname, coalesce(e.extname, ''), p.prokind,
    least(p.pronargs, greatest(p.pronargs - p.pronargdefaults, 1)),
    CASE WHEN p.prokind IN ('a', 'w') OR l.lanname NOT IN ('sql', 'plpgsql')
          OR (p.prosqlbody IS NOT NULL AND {_depends("pg_proc", "p.oid")}) THEN ''
         ELSE pg_catalog.pg_get_functiondef(p.oid) END,
    (SELECT coalesce(json_agg(DISTINCT s.proname), '[]'::json) FROM pg_catalog.pg_aggregate AS a
     JOIN pg_catalog.pg_proc AS s ON s.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
       a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn) WHERE a.aggfnoid = p.oid),
    (SELECT coalesce(json_agg(DISTINCT t::bigint), '[]'::json)
     FROM unnest(p.proargtypes::oid[] || p.proallargtypes || p.prorettype) AS t WHERE t >= {_FIRST}))), '[]'::json)
   FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
   JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
   LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
     AND d.deptype = 'e'
   LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_extension'::regclass
   WHERE p.oid >= {_FIRST} AND NOT ({_OF_A_RANGE})),
 'relations', (SELECT coalesce(json_agg(json_build_array(n.nspname, c.relname, c.relkind,
    CASE WHEN c.relkind NOT IN ('v', 'm') THEN '' WHEN {_RULE_LOCKED} THEN 'SELECT {_LOCKED_TEXT}'
         ELSE pg_catalog.pg_get_viewdef(c.oid) END,
    (SELECT coalesce(json_agg({_text("polqual", "polrelid", _POLICY_LOCKED)}), '[]'::json) FROM pg_catalog.pg_policy
     WHERE polrelid = c.oid AND polqual IS NOT NULL))), '[]'::json)
   FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.oid >= {_FIRST} AND (c.relkind IN ('v', 'm', 'f') OR c.relrowsecurity)),
 'foreign_parents', (WITH RECURSIVE above AS (
    SELECT i.inhparent FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE c.relkind = 'f'
    UNION SELECT i.inhparent FROM pg_catalog.pg_inherits AS i JOIN above ON above.inhparent = i.inhrelid)
   SELECT coalesce(json_agg(c.relname), '[]'::json)
   FROM above JOIN pg_catalog.pg_class AS c ON c.oid = above.inhparent),
 'operators', (SELECT coalesce(json_agg(json_build_array(o.oprname, n.nspname, p.proname)), '[]'::json)
   FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
   JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace WHERE o.oid >= {_FIRST}),
 'types', (SELECT coalesce(json_agg(json_build_array(t.oid::bigint, t.typname, (
    SELECT coalesce(json_agg(part::bigint), '[]'::json) FROM (
     SELECT d.refobjid AS part FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_type'::regclass
      AND d.objid = t.oid AND d.refclassid = 'pg_catalog.pg_type'::regclass
     UNION SELECT a.atttypid FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) AS parts
    WHERE part >= {_FIRST}))), '[]'::json) FROM pg_catalog.pg_type AS t WHERE t.oid >= {_FIRST}),
 'unsaid', (SELECT coalesce(json_agg(json_build_array(type, text, schema, name)), '[]'::json) FROM (
   SELECT contypid::bigint AS type, pg_catalog.pg_get_expr(conbin, 0) AS text, '' AS schema, '' AS name
    FROM pg_catalog.pg_constraint WHERE contypid >= {_FIRST} AND conbin IS NOT NULL
   UNION SELECT type, '', n.nspname, p.proname FROM (
    SELECT CASE WHEN of::oid >= {_FIRST} THEN of::bigint
      WHEN one::oid < {_FIRST} AND two::oid < {_FIRST} THEN 0 END AS type, proc FROM (
     SELECT castsource AS one, casttarget AS two, castfunc AS proc FROM pg_catalog.pg_cast
     UNION ALL SELECT amproclefttype, amprocrighttype, amproc::oid FROM pg_catalog.pg_amproc
     UNION ALL SELECT rngtypid, rngtypid, unnest(ARRAY[rngsubdiff, rngcanonical]) FROM pg_catalog.pg_range
     UNION ALL SELECT o.oprleft, o.oprright, o.oprcode::oid FROM pg_catalog.pg_operator AS o
      WHERE o.oprname IN ('=', '<>', '<', '>', '<=', '>=')
       OR EXISTS (SELECT FROM pg_catalog.pg_amop WHERE amopopr = o.oid)) AS between,
     LATERAL (VALUES (one), (two)) AS each(of)) AS called {_CALLED} WHERE type IS NOT NULL) AS found),
 'given', (SELECT coalesce(json_agg(
    json_build_array(oid::bigint, pg_catalog.pg_get_expr(typdefaultbin, 0))), '[]'::json)
   FROM pg_catalog.pg_type WHERE oid >= {_FIRST} AND typtype = 'd' AND typdefaultbin IS NOT NULL),
 'written', (SELECT coalesce(json_agg(json_build_array(c.relname, (
    SELECT coalesce(json_agg(text), '[]'::json) FROM (
     SELECT {_text("adbin", "adrelid")} AS text FROM pg_catalog.pg_attrdef WHERE adrelid = c.oid
     UNION SELECT {_text("polwithcheck", "polrelid", _POLICY_LOCKED)} FROM pg_catalog.pg_policy WHERE polrelid = c.oid
     UNION SELECT pg_catalog.pg_get_expr(t.typdefaultbin, 0) {_DOMAINS} AND a.attrelid = c.oid
    ) AS texts WHERE text ~ '[(]'),
    (SELECT coalesce(json_agg(text), '[]'::json) FROM (
     SELECT {_text("conbin", "conrelid")} AS text FROM pg_catalog.pg_constraint WHERE conrelid = c.oid
     UNION SELECT {_text("indpred", "indrelid")} FROM pg_catalog.pg_index WHERE c.oid IN (indrelid, indexrelid)
     UNION SELECT {_text("indexprs", "indrelid")} FROM pg_catalog.pg_index WHERE c.oid IN (indrelid, indexrelid)
     UNION SELECT {_text("stxexprs", "stxrelid")} FROM pg_catalog.pg_statistic_ext WHERE stxrelid = c.oid
     UNION SELECT {_text("partexprs", "partrelid")} FROM pg_catalog.pg_partitioned_table
      WHERE partrelid = c.oid) AS texts WHERE text ~ '[(]'),
    (SELECT coalesce(json_agg(text), '[]'::json) FROM (
      SELECT CASE WHEN {_RULE_LOCKED} THEN '{_LOCKED_RULE}' ELSE pg_catalog.pg_get_ruledef(oid) END AS text
       FROM pg_catalog.pg_rewrite WHERE ev_class = c.oid AND ev_type <> '1'
      UNION ALL SELECT CASE WHEN c.oid IN (SELECT oid FROM locked) THEN '{_LOCKED_RULE}'
        ELSE pg_catalog.pg_get_triggerdef(oid) END
       FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal AND tgqual IS NOT NULL) AS found),
    (SELECT coalesce(json_agg(json_build_array(n.nspname, p.proname)), '[]'::json) FROM (
      SELECT tgfoid AS proc FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal) AS called {_CALLED}),
    (SELECT coalesce(json_agg(k.relname), '[]'::json) FROM pg_catalog.pg_inherits AS i
     JOIN pg_catalog.pg_class AS k ON k.oid = i.inhrelid WHERE i.inhparent = c.oid))), '[]'::json)
   FROM pg_catalog.pg_class AS c WHERE c.oid >= {_FIRST} AND c.relkind IN ('r', 'p', 'v', 'f', 'm', 'i', 'I')
    AND (c.relhastriggers OR c.relhasrules OR c.relhassubclass OR c.relhasindex OR c.relrowsecurity
     OR EXISTS (SELECT FROM pg_catalog.pg_attrdef WHERE adrelid = c.oid)
     OR EXISTS (SELECT {_DOMAINS} AND a.attrelid = c.oid)
     OR EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = c.oid
      AND (indexprs IS NOT NULL OR indpred IS NOT NULL))
     OR EXISTS (SELECT FROM pg_catalog.pg_statistic_ext WHERE stxrelid = c.oid)
     OR EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conrelid = c.oid AND contype = 'c')))
,
 'keys', (SELECT coalesce(json_agg(json_build_array(c.relname, (
    SELECT coalesce(json_agg((SELECT json_agg(a.attname) FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
      WHERE k.place <= i.indnkeyatts)), '[]'::json)
     FROM pg_catalog.pg_index AS i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
      AND i.indexprs IS NULL))), '[]'::json)
   FROM pg_catalog.pg_class AS c WHERE c.oid >= {_FIRST} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')),
 'empty', (SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid >= {_FIRST}
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {_of_no_extension("pg_class", "c.oid")})
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.oid >= {_FIRST}
    AND {_of_no_extension("pg_proc", "p.oid")})),
 'databases', (SELECT json_agg(datname) FROM pg_catalog.pg_database),
 'superusers', (SELECT json_agg(r.rolname) FROM pg_catalog.pg_roles AS r WHERE EXISTS (
   SELECT FROM pg_catalog.pg_roles AS far WHERE (far.rolsuper
     OR far.rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
    AND pg_catalog.pg_has_role(r.oid, far.oid, 'MEMBER'))),
 'creators', (SELECT coalesce(json_agg(r.rolname), '[]'::json) FROM pg_catalog.pg_roles AS r WHERE EXISTS (
   SELECT FROM pg_catalog.pg_roles AS far
   WHERE far.rolcreaterole AND pg_catalog.pg_has_role(r.oid, far.oid, 'MEMBER'))),
 'of_rows', (SELECT json_agg(DISTINCT p.proname) FROM pg_catalog.pg_proc AS p
   JOIN pg_catalog.pg_type AS t ON t.oid = p.proargtypes[0]
   WHERE (t.typtype IN ('c', 'd', 'p') OR p.oid >= {_FIRST} AND t.oid IN (
     SELECT turns.casttarget FROM pg_catalog.pg_cast AS turns
     JOIN pg_catalog.pg_type AS s ON s.oid = turns.castsource WHERE s.typtype = 'c' AND turns.castcontext = 'i'))
    AND p.pronargs - p.pronargdefaults <= 1),
 'roles', (SELECT json_agg(rolname) FROM pg_catalog.pg_roles),
 'unique', (SELECT coalesce(json_agg(c.relname), '[]'::json) FROM pg_catalog.pg_index AS i
   JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid WHERE i.indisunique AND i.indisvalid AND c.oid >= {_FIRST}
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conindid = c.oid AND contype IN ('p', 'u', 'x'))),
 'sets', (SELECT json_agg(DISTINCT proname) FROM pg_catalog.pg_proc WHERE proretset),
 'settings', (SELECT coalesce(json_agg(DISTINCT lower(name)), '[]'::json) FROM (
   {_HELD_SETTINGS}) AS found),
 'options', (SELECT coalesce(json_agg(DISTINCT name), '[]'::json) FROM (
   {_options("pg_foreign_server", "srvoptions")} UNION ALL {_options("pg_foreign_data_wrapper", "fdwoptions")}
   UNION ALL {_options("pg_foreign_table", "ftoptions")}
   UNION ALL {_options("pg_attribute", "attfdwoptions")}
   UNION ALL SELECT 'pg_subscription' FROM pg_catalog.pg_subscription) AS found)
)::text
"""  # noqa: S608 - of constants alone
