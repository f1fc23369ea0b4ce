"""Whether DELETE and UPDATE name the rows that they mean: by a column that is equal to a value. Pure.

A range, a pattern or another table may mean every row, and nobody can tell from the text: it is not enough.
"""

from __future__ import annotations

from typing import Any

from pglast import ast, enums

__all__ = ["names_rows"]

_SYSTEM = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax"})  # all rows may have the same
_EQUAL = (enums.A_Expr_Kind.AEXPR_OP, enums.A_Expr_Kind.AEXPR_OP_ANY, enums.A_Expr_Kind.AEXPR_IN)


def names_rows(node: Any, variables: frozenset[str] = frozenset(), *, repeated: bool = False) -> bool:
    """Of a DELETE or UPDATE. `variables` are names that stand for a value: those of the body that it stands in.

    Done again and again, in a loop, only a constant is one value.
    """
    others = node.usingClause if isinstance(node, ast.DeleteStmt) else node.fromClause
    target = node.relation.alias.aliasname if node.relation.alias else node.relation.relname
    return _Condition(str(target), bool(others), variables, repeated=repeated).holds(node.whereClause)


class _Condition:
    def __init__(self, target: str, joined: bool, variables: frozenset[str], *, repeated: bool) -> None:
        self._target, self._joined, self._repeated = target, joined, repeated
        # where another table stands beside it, a variable may be called as that is
        self._variables = frozenset[str]() if joined or repeated else variables

    def holds(self, clause: Any) -> bool:
        """Whether only rows that it names are left."""
        if isinstance(clause, ast.BoolExpr):
            each = [self.holds(part) for part in clause.args or ()]
            if clause.boolop == enums.BoolExprType.AND_EXPR:
                return any(each)
            return clause.boolop == enums.BoolExprType.OR_EXPR and all(each)
        if isinstance(clause, ast.A_Expr):
            names = [str(part.sval) for part in clause.name or () if isinstance(part, ast.String)]
            sides = ((clause.lexpr, clause.rexpr), (clause.rexpr, clause.lexpr))
            turned = clause.kind == enums.A_Expr_Kind.AEXPR_OP
            found = any(self._columns(one) and self._value(other) for one, other in sides[: 1 + turned])
            return clause.kind in _EQUAL and names[-1:] == ["="] and found
        nothing = isinstance(clause, ast.A_Const) and isinstance(clause.val, ast.Boolean) and not clause.val.boolval
        return nothing or (isinstance(clause, ast.CurrentOfExpr) and not self._repeated)

    def _columns(self, node: Any) -> bool:
        """A column of the table itself, or a row of them."""
        if isinstance(node, ast.RowExpr):
            return bool(node.args) and all(self._columns(each) for each in node.args or ())
        names = _names(node)
        if not names:
            return False
        own = names[-2] == self._target if len(names) > 1 else not self._joined
        return own and names[-1] not in _SYSTEM and not self._variable(node)

    def _value(self, node: Any) -> bool:
        """What is the same for every row."""
        if isinstance(node, tuple):
            return all(self._value(each) for each in node)
        if isinstance(node, ast.ColumnRef):
            return self._variable(node)
        if not isinstance(node, ast.Node):
            return True
        if isinstance(node, ast.ParamRef) and self._repeated:
            return False
        return not isinstance(node, ast.SelectStmt) and all(self._value(getattr(node, name)) for name in node)

    def _variable(self, node: ast.ColumnRef) -> bool:
        return bool(self._variables.intersection(_names(node)[:1]))


def _names(node: Any) -> list[str]:
    """Of a column, `a.b` in two; empty for everything else, `a.*` too."""
    parts = (node.fields or ()) if isinstance(node, ast.ColumnRef) else ()
    return [str(part.sval) for part in parts] if all(isinstance(part, ast.String) for part in parts) else []
