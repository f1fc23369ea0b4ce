"""What a statement sets off before it runs: planning it evaluates what has no column in it. Pure.

The planner puts constants in place of calls of functions that say that they are IMMUTABLE, in the expressions of
indexes, checks, statistics and partitions of every table that is read; and it takes functions in SQL apart for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pglast
from pglast import ast

from runbook_steps.engine.guards.services.sql_catalogue import Function
from runbook_steps.engine.guards.services.sql_statements import nodes

if TYPE_CHECKING:
    from runbook_steps.engine.guards.services.sql_policy import SqlJudge

__all__ = ["planned"]


def planned(judge: SqlJudge, name: str) -> str | None:
    """What is wrong with planning a statement that reads that table, or one that is part of it; None for nothing."""
    return judge.kept(("", f"planning {name}"), lambda: _planned(judge, name))


def _planned(judge: SqlJudge, name: str) -> str | None:
    for known in judge.catalogue.written.get(name, ()):
        found = (judge.kept((f.schema, f"{f.name} planned"), lambda f=f: judge.foreign(f))  # type: ignore[misc]
                 for text in known.planned for f in _evaluated(judge, text))  # fmt: skip
        below = (planned(judge, child) for child in known.children)
        if refused := next(filter(None, (*found, *below)), None):
            return refused
    return None


def _evaluated(judge: SqlJudge, text: str) -> Iterator[Function]:
    """The functions of the database's own people that planning the expression calls."""
    for node in nodes(pglast.parse_sql(f"SELECT {text}")):
        constant = not any(isinstance(each, ast.ColumnRef) for each in nodes(node))
        for schema, name in _called(judge, node):
            for each in judge.catalogue.functions.get(name, ()):
                own = schema in {"", each.schema} and each.volatility == "i" and not each.extension
                if own and (constant or each.language == "sql"):
                    yield each


def _called(judge: SqlJudge, node: Any) -> Iterator[tuple[str, str]]:
    names = [str(part.sval) for part in getattr(node, "funcname", None) or ()] if isinstance(node, ast.FuncCall) else []
    if names:
        yield (names[-2] if len(names) > 1 else "", names[-1])
    if isinstance(node, ast.A_Expr):
        last = [str(part.sval) for part in node.name or () if isinstance(part, ast.String)][-1:]
        yield from judge.catalogue.operators.get(last[0], ()) if last else ()
