"""What a database holds: rows of every table, values of sequences, large objects; as counts and checksums.

A checksum does not depend on the order of rows, and is computed by the server, in constant memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from runbook_steps.operations.database_session import Connection, query

__all__ = ["large_objects", "sequence_values", "table_states"]

_BATCH = 200  # sequences that one statement reads
_CHUNK = 64 << 20  # bytes of a large object that one call reads
_SUM = "coalesce(sum(('x' || left(md5({}), 15))::bit(60)::bigint), 0)::text"
OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_TABLES = f"""
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), coalesce(extension.condition, '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d
    ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
LEFT JOIN LATERAL (
    SELECT extcondition[i] FROM pg_catalog.pg_extension e, pg_catalog.generate_subscripts(e.extconfig, 1) i
    WHERE e.oid = d.refobjid AND e.extconfig[i] = c.oid) AS extension(condition) ON true
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND {OURS}
    AND (d.objid IS NULL OR extension.condition IS NOT NULL)
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
class TableState:
    """Rows of a table, and a checksum over their contents that does not depend on their order."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class LargeObjects:
    """How many there are, and a checksum over their numbers, owners, privileges and contents."""

    count: int
    checksum: str


def table_states(connection: Connection) -> dict[str, TableState]:
    """Quoted name → state, for every table that a dump holds rows of."""
    states = {}
    for table, condition in query(connection, _TABLES):
        # the row as a whole, by its alias and a star: a column may have any name, the alias's too
        text = f"SELECT count(*), {_SUM.format('(row_of_it.*)::text')} FROM ONLY {table} AS row_of_it {condition}"  # noqa: S608
        ((rows, checksum),) = query(connection, text)
        states[str(table)] = TableState(int(rows), str(checksum))
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
