"""What a database itself says of the names that SQL uses: functions with their volatility, views, operators, casts.

Read in one query, on the session that is judged, before its client is let in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CATALOGUE_SQL", "Catalogue", "Function", "read_catalogue"]

_OWN = "('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
CATALOGUE_SQL = f"""
SELECT json_build_object(
 'builtin', (SELECT json_object_agg(proname, worst) FROM (
   SELECT proname, max(provolatile) AS worst FROM pg_catalog.pg_proc
   WHERE pronamespace IN {_OWN} GROUP BY proname) AS known),
 'functions', (SELECT coalesce(json_agg(json_build_array(
    n.nspname, p.proname, p.provolatile, l.lanname, coalesce(e.extname, ''), p.prokind, p.pronargs,
    CASE WHEN e.extname IS NOT NULL OR p.prokind IN ('a', 'w') OR l.lanname NOT IN ('sql', 'plpgsql') THEN ''
         ELSE pg_catalog.pg_get_functiondef(p.oid) END,
    (SELECT coalesce(json_agg(DISTINCT s.proname), '[]'::json) FROM pg_catalog.pg_aggregate AS a
     JOIN pg_catalog.pg_proc AS s ON s.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
       a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn) WHERE a.aggfnoid = p.oid))), '[]'::json)
   FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
   JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
   LEFT JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
     AND d.deptype = 'e'
   LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_extension'::regclass
   WHERE p.pronamespace NOT IN {_OWN}),
 'relations', (SELECT coalesce(json_agg(json_build_array(n.nspname, c.relname, c.relkind,
    CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) ELSE '' END,
    (SELECT coalesce(json_agg(pg_catalog.pg_get_expr(polqual, polrelid)), '[]'::json) FROM pg_catalog.pg_policy
     WHERE polrelid = c.oid AND polqual IS NOT NULL))), '[]'::json)
   FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
   WHERE c.relnamespace NOT IN {_OWN} AND (c.relkind IN ('v', 'f') OR c.relrowsecurity)),
 'foreign_parents', (WITH RECURSIVE above AS (
    SELECT i.inhparent FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE c.relkind = 'f'
    UNION SELECT i.inhparent FROM pg_catalog.pg_inherits AS i JOIN above ON above.inhparent = i.inhrelid)
   SELECT coalesce(json_agg(c.relname), '[]'::json)
   FROM above JOIN pg_catalog.pg_class AS c ON c.oid = above.inhparent),
 'operators', (SELECT coalesce(json_agg(json_build_array(o.oprname, pn.nspname, p.proname)), '[]'::json)
   FROM pg_catalog.pg_operator AS o JOIN pg_catalog.pg_proc AS p ON p.oid = o.oprcode
   JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.pronamespace WHERE o.oprnamespace NOT IN {_OWN}),
 'casts', (SELECT coalesce(json_agg(json_build_array(t.typname, c.castcontext, pn.nspname, p.proname)), '[]'::json)
   FROM pg_catalog.pg_cast AS c JOIN pg_catalog.pg_type AS t ON t.oid = c.casttarget
   JOIN pg_catalog.pg_proc AS p ON p.oid = c.castfunc JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.pronamespace
   WHERE p.pronamespace NOT IN {_OWN}),
 'domains', (SELECT coalesce(json_agg(json_build_array(t.typname,
     pg_catalog.pg_get_expr(k.conbin, 0))), '[]'::json)
   FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid
   WHERE k.contype = 'c' AND t.typnamespace NOT IN {_OWN})
)::text
"""  # noqa: S608 - of constants alone


@dataclass(frozen=True)
class Function:
    """A function that is not PostgreSQL's own. `definition` is its CREATE FUNCTION, empty when it is not SQL."""

    schema: str
    name: str
    volatility: str
    language: str
    extension: str
    kind: str
    arguments: int
    definition: str
    parts: Sequence[str]


@dataclass(frozen=True)
class Relation:
    """A view, a foreign table, or a table with policies. `texts` are the expressions that reading it evaluates."""

    schema: str
    name: str
    kind: str
    definition: str
    texts: Sequence[str]


@dataclass(frozen=True)
class Catalogue:
    """By name, all schemas together: which of two functions a session's search path would take is not guessed."""

    builtin: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, tuple[Function, ...]] = field(default_factory=dict)
    relations: Mapping[str, tuple[Relation, ...]] = field(default_factory=dict)
    foreign_parents: frozenset[str] = frozenset()
    operators: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    casts: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    hidden_casts: tuple[tuple[str, str], ...] = ()
    domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_catalogue(text: str) -> Catalogue:
    """From the one value of CATALOGUE_SQL. Raises ValueError, TypeError for anything else."""
    found: Mapping[str, Any] = json.loads(text)
    functions = [Function(*row) for row in found["functions"]]
    relations = [Relation(*row) for row in found["relations"]]
    return Catalogue(
        builtin=found["builtin"],
        functions=_by([(each.name, each) for each in functions]),
        relations=_by([(each.name, each) for each in relations]),
        foreign_parents=frozenset(found["foreign_parents"]),
        operators=_by([(name, (schema, function)) for name, schema, function in found["operators"]]),
        casts=_by([(name, (schema, function)) for name, how, schema, function in found["casts"]]),
        hidden_casts=tuple((schema, function) for _, how, schema, function in found["casts"] if how != "e"),
        domains=_by([(name, text) for name, text in found["domains"]]),
    )


def _by(pairs: list[tuple[str, Any]]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return found
