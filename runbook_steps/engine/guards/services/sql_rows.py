"""Whether DELETE and UPDATE name the rows that they mean: by a key of the table that is equal to a value. Pure.

A range, a pattern, another table, or a column that many rows may have alike may mean every row, and nobody can tell
from the text: it is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Any

from pglast import ast, enums

__all__ = ["Keys", "Known", "names_columns", "names_rows", "names_selected"]

_SYSTEM = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax"})  # all rows may have the same
_EQUAL = (enums.A_Expr_Kind.AEXPR_OP, enums.A_Expr_Kind.AEXPR_OP_ANY, enums.A_Expr_Kind.AEXPR_IN)
_WHERE_A_ROW_LIES = "ctid"
_A_FIELD = 2  # names, of a variable and what is in it
Keys = tuple[frozenset[str], ...]


@dataclass(frozen=True)
class Known:
    """What is known where the statement stands.

    `variables` are names that stand for a value, those of the body that it is in; `repeated`, when it is done again
    and again: then only a constant is one value. `bound`: its parameters are given by who sends it, not by a body.
    `keys` are the columns of the unique indexes, for each table of that name and each one below it; None where no
    database was asked. `plain`, when it is a table: a view may call anything `ctid`. `calm` says of a function that its
    value is one for a whole statement, `operators` are those of the database's own people.
    """

    variables: frozenset[str] = frozenset()
    repeated: bool = False
    bound: bool = True
    keys: tuple[Keys, ...] | None = None
    plain: bool = False
    calm: Callable[[str], bool] = lambda _: False
    operators: Container[str] = ()


def names_columns(node: Any, known: Known) -> bool:
    """Whether a DELETE or UPDATE has a column of its table that is equal to a value, whichever it is."""
    return names_rows(node, replace(known, keys=None))


def names_rows(node: Any, known: Known) -> bool:
    """Of a DELETE or UPDATE: whether a whole key is equal to values."""
    others = node.usingClause if isinstance(node, ast.DeleteStmt) else node.fromClause
    return _Condition(node.relation, bool(others), known).holds(node.whereClause)


def names_selected(select: Any, known: Known) -> bool:
    """Of a SELECT from one relation: whether a whole key is equal to values."""
    return _Condition(select.fromClause[0], joined=False, known=known).holds(select.whereClause)


class _Condition:
    def __init__(self, relation: Any, joined: bool, known: Known) -> None:
        self._target = str(relation.alias.aliasname if relation.alias else relation.relname)
        self._joined, self._known = joined, known
        # where another table stands beside it, a variable may be called as that is; the table itself may be as well
        kept = known.variables - {self._target, str(relation.relname)}
        self._variables = frozenset[str]() if joined or known.repeated else kept

    def holds(self, clause: Any) -> bool:
        """Whether only rows that it names are left."""
        if self._are_a_key(self._equal(clause)):
            return True
        if isinstance(clause, ast.BoolExpr):
            each = [self.holds(part) for part in clause.args or ()]
            if clause.boolop == enums.BoolExprType.AND_EXPR:
                return any(each)
            return clause.boolop == enums.BoolExprType.OR_EXPR and all(each)
        return isinstance(clause, ast.A_Const) and isinstance(clause.val, ast.Boolean) and not clause.val.boolval

    def _are_a_key(self, columns: frozenset[str]) -> bool:
        if not columns or self._known.keys is None:
            return bool(columns)
        alone = self._known.plain and len(self._known.keys) == 1  # in each of its children, another row
        lies = _WHERE_A_ROW_LIES in columns and alone
        return lies or all(any(key <= columns for key in each) for each in self._known.keys)

    def _equal(self, clause: Any) -> frozenset[str]:
        """The columns that are equal to values, all of them at once."""
        if isinstance(clause, ast.BoolExpr) and clause.boolop == enums.BoolExprType.AND_EXPR:
            return frozenset[str]().union(*(self._equal(part) for part in clause.args or ()))
        if not isinstance(clause, ast.A_Expr) or clause.kind not in _EQUAL or not self._is_equality(clause.name):
            return frozenset()
        sides = ((clause.lexpr, clause.rexpr), (clause.rexpr, clause.lexpr))
        turned = clause.kind == enums.A_Expr_Kind.AEXPR_OP
        of_many = clause.kind == enums.A_Expr_Kind.AEXPR_OP_ANY
        given = self._written_down if of_many else self._value
        found = (self._columns(one) for one, other in sides[: 1 + turned] if given(other))
        return next(filter(None, found), frozenset())

    @staticmethod
    def _is_equality(name: Any) -> bool:
        return [str(part.sval) for part in name or () if isinstance(part, ast.String)] in (["="], ["pg_catalog", "="])

    def _columns(self, node: Any) -> frozenset[str]:
        """A column of the table itself, or a row of them."""
        if isinstance(node, ast.RowExpr):
            each = [self._columns(part) for part in node.args or ()]
            return frozenset[str]().union(*each) if all(each) else frozenset()
        names = _names(node)
        if not names:
            return frozenset()
        own = names[-2] == self._target if len(names) > 1 else not self._joined
        return frozenset(names[-1:]) if own and names[-1] not in _SYSTEM and not self._variable(node) else frozenset()

    def _value(self, node: Any) -> bool:
        """What is the same for every row: by a list of what a value may be made of."""
        if isinstance(node, tuple):
            return all(self._value(each) for each in node)
        if isinstance(node, ast.A_Const | ast.SQLValueFunction) or node is None:
            return True
        if isinstance(node, ast.ColumnRef | ast.String):  # a text is what `(value).name` calls
            return self._variable(node) if isinstance(node, ast.ColumnRef) else self._known.calm(str(node.sval))
        if isinstance(node, ast.ParamRef):
            return not self._known.repeated
        if isinstance(node, ast.A_Expr | ast.FuncCall):
            return self._made_of_values(node)
        parts = _PARTS.get(type(node))
        return parts is not None and all(self._value(getattr(node, part)) for part in parts)

    def _written_down(self, node: Any) -> bool:
        """A list, one by one: what a function, a query or a variable makes may be every row there is."""
        while isinstance(node, ast.TypeCast):
            node = node.arg
        if isinstance(node, ast.A_ArrayExpr):
            return all(map(self._written_down_or_one, node.elements or ()))
        return isinstance(node, ast.A_Const) or (
            isinstance(node, ast.ParamRef) and self._known.bound and not self._known.repeated
        )

    def _written_down_or_one(self, node: Any) -> bool:
        return self._written_down(node) if isinstance(node, ast.A_ArrayExpr) else self._value(node)

    def _made_of_values(self, node: Any) -> bool:
        """By PostgreSQL's own operators and functions, of those that do not change from row to row."""
        if isinstance(node, ast.FuncCall):
            names = [str(part.sval) for part in node.funcname or ()]
            plain = names[:-1] in ([], ["pg_catalog"]) and not (node.agg_order or node.agg_filter or node.over)
            return plain and self._known.calm(names[-1]) and self._value(node.args or ())
        names = [str(part.sval) for part in node.name or () if isinstance(part, ast.String)]
        own = bool(names) and names[-1] in self._known.operators
        return node.kind == enums.A_Expr_Kind.AEXPR_OP and not own and self._value((node.lexpr, node.rexpr))

    def _variable(self, node: ast.ColumnRef) -> bool:
        names = _names(node)  # of three the first is a schema
        return bool(self._variables.intersection(names[:1])) and len(names) <= _A_FIELD


_PARTS: dict[type, tuple[str, ...]] = {
    ast.TypeCast: ("arg",),
    ast.CollateClause: ("arg",),
    ast.A_ArrayExpr: ("elements",),
    ast.RowExpr: ("args",),
    ast.CoalesceExpr: ("args",),
    ast.A_Indirection: ("arg", "indirection"),
    ast.A_Indices: ("lidx", "uidx"),
}


def _names(node: Any) -> list[str]:
    """Of a column, `a.b` in two; empty for everything else, `a.*` too."""
    parts = (node.fields or ()) if isinstance(node, ast.ColumnRef) else ()
    return [str(part.sval) for part in parts] if all(isinstance(part, ast.String) for part in parts) else []
