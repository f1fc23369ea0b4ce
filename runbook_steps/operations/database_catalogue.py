"""What a database consists of, read from the catalogue itself: one digest for every object.

`pg_dump` is not asked here. What it would forget, this does not: each row of each catalogue that somebody made,
with all its plain columns (flags, options, privileges, bodies of functions), by the name that
`pg_identify_object` gives it. Expressions are compared by `schema_text`, since their wording changes when they are
read back.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runbook_steps.operations.database_session import Connection, query
from runbook_steps.operations.outside_dumps import COMMENT_IN_NO_DUMP, SYSTEM_SCHEMAS

__all__ = ["catalogue_objects"]


@dataclass(frozen=True)
class _Catalogue:
    """How one catalogue is read. `table` is an expression for the oid of the table it belongs to."""

    name: str
    where: str = "true"
    table: str = "NULL::oid"
    acl: str = ""  # the column of privileges, with acldefault's letter
    owner: str = ""
    more: str = "''"


_RELATION = "c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c', 'i', 'I') AND c.relpersistence <> 't'"
_NO_TOAST = "c.relnamespace <> 'pg_toast'::regnamespace"
_VALID = "NOT (c.relkind = 'i' AND EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND NOT i.indisvalid))"
_INDEX = (
    "coalesce((SELECT concat_ws(',', indisunique, indisprimary, indisexclusion, indimmediate, indisclustered, "
    "indisreplident, indnullsnotdistinct) FROM pg_index WHERE indexrelid = c.oid), '') "
    "|| coalesce((SELECT amname::text FROM pg_am WHERE pg_am.oid = c.relam), '') "
    "|| coalesce((SELECT spcname::text FROM pg_tablespace t WHERE t.oid = c.reltablespace), '')"
)
_OF_A_TABLE = "EXISTS (SELECT FROM pg_class r WHERE r.oid = {} AND r.relpersistence <> 't')"
# as a dump has it for a child without the default of its parent; with a length it is kept, and says the same
_NO_DEFAULT = r"""pg_get_expr({0}.adbin, {0}.adrelid) ~ '^NULL::[^()+]+(\([0-9,]+\))?$'"""
_CATALOGUES = (
    _Catalogue("pg_namespace", "c.nspname !~ '^pg_'", acl="nspacl:n", owner="nspowner"),
    _Catalogue("pg_class", f"{_RELATION} AND {_NO_TOAST} AND {_VALID}", "c.oid", "relacl:", "relowner", _INDEX),
    _Catalogue(
        "pg_constraint",
        "c.conparentid = 0 AND c.contype <> 'n' AND (c.conrelid = 0 OR "
        "EXISTS (SELECT FROM pg_class r WHERE r.oid = c.conrelid AND r.relpersistence <> 't'))",
        "nullif(c.conrelid, 0)",
    ),
    _Catalogue(
        "pg_type",
        "NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = c.oid) AND NOT EXISTS ("
        "SELECT FROM pg_class r WHERE r.oid = c.typrelid AND r.relkind <> 'c')",
        acl="typacl:T",
        owner="typowner",
        more="coalesce((SELECT string_agg(enumlabel::text, ',' ORDER BY enumsortorder) FROM pg_enum "
        "WHERE enumtypid = c.oid), '')",
    ),
    _Catalogue("pg_proc", acl="proacl:f", owner="proowner"),
    _Catalogue("pg_trigger", "NOT c.tgisinternal AND c.tgparentid = 0", "c.tgrelid"),
    _Catalogue("pg_rewrite", _OF_A_TABLE.format("c.ev_class"), "c.ev_class"),
    _Catalogue("pg_policy", "true", "c.polrelid"),
    _Catalogue("pg_attrdef", f"{_OF_A_TABLE.format('c.adrelid')} AND NOT {_NO_DEFAULT.format('c')}", "c.adrelid"),
    _Catalogue("pg_statistic_ext", owner="stxowner"),
    _Catalogue("pg_extension"),  # no dump holds its owner: it belongs to whoever restores it
    _Catalogue("pg_cast"),
    _Catalogue("pg_collation", owner="collowner"),
    _Catalogue("pg_conversion", owner="conowner"),
    _Catalogue("pg_language", acl="lanacl:l", owner="lanowner"),
    _Catalogue("pg_operator", owner="oprowner"),
    _Catalogue("pg_opclass", owner="opcowner"),
    _Catalogue("pg_opfamily", owner="opfowner"),
    _Catalogue("pg_am"),
    _Catalogue("pg_ts_config", owner="cfgowner"),
    _Catalogue("pg_ts_dict", owner="dictowner"),
    _Catalogue("pg_ts_parser"),
    _Catalogue("pg_ts_template"),
    _Catalogue("pg_transform"),
    _Catalogue("pg_foreign_data_wrapper", acl="fdwacl:F", owner="fdwowner"),
    _Catalogue("pg_foreign_server", acl="srvacl:S", owner="srvowner"),
    _Catalogue("pg_publication", owner="pubowner"),
    _Catalogue("pg_publication_rel"),
    _Catalogue("pg_publication_namespace"),
    _Catalogue("pg_event_trigger", owner="evtowner"),
    _Catalogue(
        "pg_default_acl",
        f"c.defaclnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname IN {SYSTEM_SCHEMAS})",  # noqa: S608
        owner="defaclrole",
    ),
)
_DUMPED = (  # no dump holds what somebody made in the schemas of the system
    f"coalesce(i.schema, '') NOT IN {SYSTEM_SCHEMAS} AND NOT EXISTS (SELECT FROM pg_class r JOIN pg_namespace n "
    f"ON n.oid = r.relnamespace WHERE r.oid = {{}} AND n.nspname IN {SYSTEM_SCHEMAS})"
)
# plain columns only: numbers of other rows differ between two databases, and trees of expressions hold such numbers
_PLAIN = ("bool", '"char"', "name", "int2", "int4", "float4", "text", "_text", "_aclitem", "_char", "bytea")
_LEFT_OUT = {
    # counters, caches and hints that say nothing about what was made
    "relpages", "reltuples", "relallvisible", "relallfrozen", "relhasindex", "relhasrules", "relhastriggers",
    "relhassubclass", "relnatts", "relchecks", "relispartition", "attnum", "adnum", "attcacheoff", "atthasmissing",
    "attlen", "attbyval", "attalign", "attndims", "attislocal", "attinhcount", "conislocal", "coninhcount",
    "connoinherit", "convalidated", "typlen", "typbyval", "typalign", "typsubscript", "extversion", "prosrc_oid",
    # stored as they were printed when they were made: compared as text, in `schema_text`
    "typdefault", "extcondition", "collversion", "collencoding", "srvoptions_oid", "stxstattarget", "attstattarget",
}  # fmt: skip


def catalogue_objects(connection: Connection) -> dict[str, str]:
    """`kind name` → digest; what belongs to a table (columns, constraints, triggers …) is part of the table's."""
    names: dict[int | None, str] = {}
    lines: dict[str, list[str]] = defaultdict(list)
    found = [(catalogue, _rows(connection, catalogue)) for catalogue in _CATALOGUES]
    for catalogue, rows in found:
        if catalogue.name == "pg_class":
            names = {row[3]: f"{row[0]} {row[1]}" for row in rows}
    for _, rows in found:
        for kind, identity, plain, table in rows:
            lines[names.get(table, f"{kind} {identity}")].append(f"{kind} {identity} {plain}")
    for table, line in _columns(connection):
        if table in names:
            lines[names[table]].append(line)
    for identity, line in _comments(connection):
        lines[identity].append(line)
    return {name: _digest(parts) for name, parts in lines.items()}


def _digest(lines: Iterable[str]) -> str:
    text = "\n".join(sorted(lines)).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:16]


def _rows(connection: Connection, catalogue: _Catalogue) -> list[tuple[str, str, str, int | None]]:
    if not query(connection, f"SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass('pg_catalog.{catalogue.name}')"):
        return []
    columns = _plain_columns(connection, catalogue.name)
    acl, _, letter = catalogue.acl.partition(":")
    pairs = [f"'{column}', {_shown(column, kind)}" for column, kind in columns.items() if column != acl]
    pairs += [f"'owner', pg_get_userbyid(c.{catalogue.owner})"] if catalogue.owner else []
    pairs += [_acl(catalogue, acl, letter)] if acl else []
    text = (
        f"SELECT i.type, i.identity, jsonb_build_object({', '.join(pairs)}, 'more', {catalogue.more})::text, "  # noqa: S608
        f"{catalogue.table}::bigint "
        f"FROM pg_catalog.{catalogue.name} c, LATERAL pg_identify_object(c.tableoid, c.oid, 0) i "
        f"WHERE ({_made_here(catalogue.name)}) AND ({catalogue.where}) AND {_DUMPED.format(catalogue.table)}"
    ).replace("jsonb_build_object(, ", "jsonb_build_object(")
    return [(str(a), str(b), _settled(c), d) for a, b, c, d in query(connection, text)]


def _shown(column: str, kind: str) -> str:
    """A column as JSON; a list whose order says nothing, sorted."""
    if kind in {"_text", "_aclitem"} and column not in {"proargnames", "evttags"}:
        return f"(SELECT jsonb_agg(x::text ORDER BY x::text) FROM unnest(c.{column}) x)"  # noqa: S608
    return f"c.{column}"


def _acl(catalogue: _Catalogue, column: str, letter: str) -> str:
    """No privileges written down means the default ones: spelled out, so that both look the same."""
    kind = f"'{letter}'" if letter else "CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r'::\"char\" END"
    return (
        f"'acl', (SELECT jsonb_agg(a::text ORDER BY a::text) FROM "  # noqa: S608
        f"unnest(coalesce(c.{column}, acldefault({kind}, c.{catalogue.owner}))) a)"
    )


def _made_here(name: str) -> str:
    """Not made by initdb, and not by an extension."""
    public = " OR c.nspname = 'public'" if name == "pg_namespace" else ""
    return (
        f"(c.oid >= 16384{public}) AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = c.tableoid "
        "AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')"
        + (" AND c.nspname <> 'information_schema'" if name == "pg_namespace" else "")
    )


def _plain_columns(connection: Connection, name: str) -> dict[str, str]:
    rows = query(
        connection,
        "SELECT attname, t.typname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = atttypid "  # noqa: S608
        f"WHERE attrelid = 'pg_catalog.{name}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    plain = {kind.strip('"') for kind in _PLAIN}
    return {str(column): str(kind) for column, kind in rows if kind in plain and column not in _LEFT_OUT}


def _columns(connection: Connection) -> Iterable[tuple[int, str]]:
    plain = _plain_columns(connection, "pg_attribute")
    shown = {column: f"a.{column}" for column, kind in plain.items() if kind not in {"_text", "_aclitem"}}
    none = _NO_DEFAULT.format("f")
    shown["atthasdef"] = (
        "(a.atthasdef AND NOT EXISTS (SELECT FROM pg_attrdef f "
        f"WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum AND {none}))"
    )
    for column in {"attcompression", "attstorage"} & {*shown}:  # a child that is made anew takes its parent's
        shown[column] = f"CASE WHEN a.attinhcount = 0 OR c.relispartition THEN {shown[column]} END"
    pairs = ", ".join(f"'{column}', {value}" for column, value in shown.items())
    text = (
        f"SELECT a.attrelid::bigint, jsonb_build_object({pairs}, 'type', format_type(a.atttypid, a.atttypmod), "  # noqa: S608
        "'collation', a.attcollation::regcollation::text, 'target', coalesce(nullif(a.attstattarget, -1), -1), "
        "'acl', (SELECT jsonb_agg(x::text ORDER BY x::text) FROM unnest(a.attacl) x), "
        "'fdw', (SELECT jsonb_agg(x ORDER BY x) FROM unnest(a.attfdwoptions) x))::text "
        "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
        "WHERE a.attrelid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind "
        "IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't'"
    )
    return ((int(table), f"column {_settled(line)}") for table, line in query(connection, text))


def _comments(connection: Connection) -> Iterable[tuple[str, str]]:
    text = (
        "SELECT i.type, i.identity, md5(d.description) FROM ("  # noqa: S608
        "SELECT classoid AS classid, objoid AS objid, objsubid, description FROM pg_catalog.pg_description) d, "
        "LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i WHERE d.objid >= 16384 "
        "AND d.classid <> 'pg_catalog.pg_largeobject'::regclass AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e "
        "WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype = 'e') AND NOT EXISTS ("
        "SELECT FROM pg_catalog.pg_class c WHERE d.classid = 'pg_catalog.pg_class'::regclass AND c.oid = d.objid "
        "AND (c.relpersistence = 't' OR c.relkind = 'i')) AND i.identity IS NOT NULL "
        f"AND coalesce(i.schema, '') NOT IN {SYSTEM_SCHEMAS} AND NOT {COMMENT_IN_NO_DUMP}"
    )
    return ((f"comment on {kind} {name}", digest) for kind, name, digest in query(connection, text))


def _settled(line: str) -> str:
    """Empty lists and missing ones are the same; so are a list that is null and none."""
    row: Mapping[str, Any] = json.loads(line)
    return json.dumps({key: value for key, value in sorted(row.items()) if value not in (None, [], {})})
