"""Whether a call that ends a session, or what it does, names the one that it means. Pure; for `mutating`.

By a number that is written down, or from `pg_stat_activity` alone where its `pid` is equal to values: a state, a role
or an application may mean everybody who is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast

from runbook_steps.engine.guards.services.sql_catalogue import Catalogue
from runbook_steps.engine.guards.services.sql_lists import ENDING
from runbook_steps.engine.guards.services.sql_rows import Known, names_selected
from runbook_steps.engine.guards.services.sql_statements import nodes

__all__ = ["of_one_session", "refused"]

_SESSIONS, _KEY = "pg_stat_activity", "pid"


def refused(name: str, *, of_one: bool) -> str | None:
    """What is wrong with such a call."""
    return None if of_one else f"{name}() of sessions that are not named by their pid: it may mean everybody"


def of_one_session(tree: Any, catalogue: Catalogue, *, repeated: bool) -> frozenset[int]:
    """The calls of a statement, by identity, that name the session they mean.

    `repeated` says that the statement is done again and again.
    """
    found = list(nodes(tree))
    calls = {id(each) for each in found if _ends(each) and _is_number(each.args[0])}  # type: ignore[attr-defined]
    selects = (each for each in found if isinstance(each, ast.SelectStmt))
    named = (each for each in selects if _names_sessions(each, catalogue, repeated))
    return frozenset(calls | {id(call) for each in named for call in _of_a_row(each)})


def _ends(node: Any) -> bool:
    call: Any = node if type(node) is ast.FuncCall else None  # by a column's notation it names nobody
    return call is not None and str(call.funcname[-1].sval) in ENDING and bool(call.args)


def _is_number(node: Any) -> bool:
    while isinstance(node, ast.TypeCast):
        node = node.arg
    return isinstance(node, ast.A_Const)


def _names_sessions(select: Any, catalogue: Catalogue, repeated: bool) -> bool:
    source = select.fromClause[0] if select.fromClause and len(select.fromClause) == 1 else None
    if not isinstance(source, ast.RangeVar) or source.relname != _SESSIONS or select.withClause:
        return False
    if source.alias and source.alias.colnames:  # another column may be called as the number is
        return False
    if source.schemaname not in {None, "pg_catalog"} or catalogue.has_of_somebody(_SESSIONS):
        return False
    keys = ((frozenset({_KEY}),),)
    known = Known(frozenset(), repeated, keys=keys, calm=catalogue.calm, operators=catalogue.operators)
    return names_selected(select, known)


def _of_a_row(select: Any) -> Iterator[Any]:
    """What it calls with the number of the row: a query below it has rows of its own, which that names no more."""
    source = select.fromClause[0]
    own = ([_KEY], [str(source.alias.aliasname if source.alias else source.relname), _KEY])
    within = {id(each) for below in nodes(select.targetList) if _asks(below) for each in nodes(below)}
    for each in nodes(select.targetList):
        first: Any = each.args[0] if _ends(each) and id(each) not in within else None  # type: ignore[attr-defined]
        if isinstance(first, ast.ColumnRef) and [getattr(part, "sval", "") for part in first.fields or ()] in own:
            yield each


def _asks(node: Any) -> bool:
    return isinstance(node, ast.SubLink | ast.SelectStmt)
