r"""What holds passwords in a database's own tables: read by nobody at readonly, because it would stand in the evidence.

Of some, each other column may be read by its name: `\deu` of psql does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pglast import ast

from runbook_steps.engine.guards.services.sql_statements import nodes

__all__ = ["named_apart", "secret"]

_WHOLE = frozenset({"pg_authid", "pg_shadow", "pg_user_mapping", "_pg_user_mappings"})
_COLUMNS: Mapping[str, str] = {
    "pg_user_mappings": "umoptions",
    "user_mapping_options": "option_value",
    "pg_hba_file_rules": "options",
}
_ADVICE = {"pg_user_mappings": "; pg_dump without what is in no schema, as by --schema=public, does not read it"}


def secret(relation: str, apart: frozenset[str]) -> str | None:
    """Why a relation of that name is not read; `apart` is what `named_apart` found of its statement."""
    if relation in _WHOLE:
        return f"{relation}, which holds passwords"
    if relation not in _COLUMNS or relation in apart:
        return None
    column, advice = _COLUMNS[relation], _ADVICE.get(relation, "")
    return f"{relation}, which holds passwords: name its columns, and not {column}{advice}"


def named_apart(tree: Any) -> frozenset[str]:
    """The relations of a statement of which no column with a password can be meant.

    It is one SELECT whose columns all have names, and none of them is that column, or a whole row by the name of a
    table; nothing gives columns other names, or compares them without naming them.
    """
    statement = tree.stmt if isinstance(tree, ast.RawStmt) else tree
    if not isinstance(statement, ast.SelectStmt):
        return frozenset()
    found = list(nodes(statement))
    if any(_renames(node) for node in found):
        return frozenset()
    columns = {_last(node) for node in found if isinstance(node, ast.ColumnRef)}
    rows = {str(node.relname) for node in found if isinstance(node, ast.RangeVar)}
    rows |= {str(node.aliasname) for node in found if isinstance(node, ast.Alias)}
    if "" in columns or columns & rows:
        return frozenset()
    return frozenset(relation for relation, column in _COLUMNS.items() if column not in columns)


def _last(reference: Any) -> str:
    """The column's name; empty for `*`."""
    last = reference.fields[-1]
    return str(last.sval) if isinstance(last, ast.String) else ""


def _renames(node: Any) -> bool:
    if isinstance(node, ast.JoinExpr):
        return bool(node.isNatural or node.usingClause)
    if isinstance(node, ast.Alias):
        return bool(node.colnames)
    return isinstance(node, ast.A_Indirection | ast.CommonTableExpr)
