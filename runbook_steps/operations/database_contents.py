"""What a database holds: rows of every table, values of sequences, large objects; as counts and checksums.

A checksum does not depend on the order of rows, and is computed by the server, in constant memory. Rows themselves
are compared by `archive_rows`: to read them once more for a backup would take longer than the dump.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from runbook_steps.operations.database_session import Connection, query, query_by_any_path

__all__ = ["large_objects", "sequence_values", "table_states"]

_BATCH = 200  # sequences that one statement reads
_CHUNK = 64 << 20  # bytes of a large object that one call reads
_SUM = "coalesce(sum(('x' || left(md5({}), 15))::bit(60)::bigint), 0)::text"
OURS = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
"""A dump takes every schema with such a name for the system's, whoever made it."""
# the hash of a label is the number that it has by chance: a dump puts such rows into the table above, for the server
# to find their partition anew
_BY_ENUM = """
SELECT partrelid FROM pg_catalog.pg_partitioned_table WHERE partstrat = 'h' AND (
    SELECT k.oid FROM pg_catalog.pg_opclass k JOIN pg_catalog.pg_am m ON m.oid = opcmethod WHERE opcname = 'enum_ops'
    AND amname = 'hash' AND opcnamespace = 'pg_catalog'::regnamespace) = ANY (partclass)
"""
_TABLES = f"""
SELECT CASE WHEN c.oid IN ({_BY_ENUM}) THEN '' ELSE 'ONLY ' END,
    pg_catalog.format('%I.%I', n.nspname, c.relname), coalesce(extension.condition, ''), (
    SELECT pg_catalog.string_agg(pg_catalog.format('row_of_it.%I', a.attname), ', ' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attgenerated = 's' AND NOT a.attisdropped)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d
    ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN LATERAL (
    SELECT extcondition[i] FROM pg_catalog.pg_extension e, pg_catalog.generate_subscripts(e.extconfig, 1) i
    WHERE e.oid = d.refobjid AND e.extconfig[i] = c.oid) AS extension(condition) ON true
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {OURS}
    AND (d.objid IS NULL OR extension.condition IS NOT NULL) AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_partition_ancestors(c.oid) a(oid) WHERE a.oid <> c.oid AND a.oid IN ({_BY_ENUM}))
ORDER BY 1
"""  # noqa: S608 - nothing from outside; of an extension's own tables only what a dump holds
_SEQUENCES = f"""
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {OURS} AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""  # noqa: S608


@dataclass(frozen=True)
class LargeObjects:
    """How many there are, and a checksum over their numbers, owners, privileges and contents."""

    count: int
    checksum: str


def table_states(connection: Connection, with_checksum: Container[str] = ()) -> dict[str, dict[str, Any]]:
    """Quoted name → {rows}, for every table that a dump holds rows of.

    `generated` is a checksum of columns that no dump holds since they are computed; `checksum` is that of whole rows,
    as manifests before version 3 have it, for the tables that it is asked for.
    """
    states = {}
    for only, table, condition, generated in query(connection, _TABLES):
        wanted = {"rows": "count(*)"}
        if generated:
            wanted["generated"] = _SUM.format(f"ROW({generated})::text")
        if table in with_checksum:
            # the row as a whole, by its alias and a star: a column may have any name, the alias's too
            wanted["checksum"] = _SUM.format("(row_of_it.*)::text")
        text = f"SELECT {', '.join(wanted.values())} FROM {only}{table} AS row_of_it {condition}"  # noqa: S608
        (found,) = query_by_any_path(connection, text)
        states[str(table)] = dict(zip(wanted, found, strict=True))
    return states


def sequence_values(connection: Connection) -> dict[str, tuple[int, bool]]:
    """Quoted name → last value, and whether it was given out."""
    names = [str(name) for (name,) in query(connection, _SEQUENCES)]
    values: dict[str, tuple[int, bool]] = {}
    for batch in _batches(names):
        parts = [
            f"SELECT {number}, last_value, is_called FROM {name}"  # noqa: S608 - quoted by the server
            for number, name in enumerate(batch)
        ]
        for number, last, called in query(connection, " UNION ALL ".join(parts)):
            values[batch[number]] = (int(last), bool(called))
    return values


def _batches(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + _BATCH] for start in range(0, len(names), _BATCH))


def large_objects(connection: Connection) -> LargeObjects:
    """Read through the functions for large objects: how the server cuts them into pages does not matter."""
    first = f"pg_catalog.lo_get(m.oid, 0, {_CHUNK})"
    about = (
        "m.oid || ':' || pg_catalog.pg_get_userbyid(m.lomowner) || ':' || coalesce((SELECT string_agg(a::text, ',' "
        "ORDER BY a::text) FROM unnest(coalesce(m.lomacl, acldefault('L', m.lomowner))) a), '')"
    )
    hashed = f"{about} || md5({first})"
    text = f"SELECT count(*), {_SUM.format(hashed)} FROM pg_catalog.pg_largeobject_metadata m"  # noqa: S608
    ((count, checksum),) = query(connection, text)
    total = int(checksum)
    long = query(
        connection,
        f"SELECT m.oid FROM pg_catalog.pg_largeobject_metadata m WHERE length({first}) = {_CHUNK}",  # noqa: S608
    )
    for (oid,) in long:
        total += _rest(connection, int(oid))
    return LargeObjects(int(count), str(total))


def _rest(connection: Connection, oid: int) -> int:
    total, offset = 0, _CHUNK
    while True:
        piece = f"lo_get({oid}, {offset}, {_CHUNK})"
        hashed = f"'{oid}:{offset}:' || md5(p)"
        text = f"SELECT length(p), {_SUM.format(hashed)} FROM {piece} p GROUP BY 1"  # noqa: S608
        ((size, checksum),) = query(connection, text)
        if not size:
            return total
        total, offset = total + int(checksum), offset + _CHUNK
