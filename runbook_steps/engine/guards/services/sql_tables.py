"""What ALTER TABLE takes away from a table that is there, or lets go with another one. Pure; for `mutating`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pglast import ast, enums

from runbook_steps.engine.guards.services.sql_statements import is_own

if TYPE_CHECKING:
    from runbook_steps.engine.guards.services.sql_policy import SqlJudge

__all__ = ["PLAIN_TYPES", "altered", "indexed"]

_TAKING = (  # of ALTER TABLE: rights, rows that are seen, what is done at each write, and what no write gets past
    "AlterConstraint", "ChangeOwner", "ColumnDefault", "CookedColumnDefault", "DisableRowSecurity", "DisableTrig",
    "DisableTrigUser", "DropConstraint", "DropIdentity", "DropInherit", "DropNotNull", "EnableRowSecurity",
    "ForceRowSecurity", "NoForceRowSecurity", "ReplaceRelOptions", "ReplicaIdentity", "ResetRelOptions", "SetIdentity",
    "SetRelOptions",
)  # fmt: skip
_GIVING = frozenset({
    enums.ConstrType.CONSTR_DEFAULT, enums.ConstrType.CONSTR_GENERATED, enums.ConstrType.CONSTR_IDENTITY,
})  # fmt: skip
PLAIN_TYPES = frozenset({"uuid", "text"})
"""Not named by the grammar itself, and all the same no domain: there is none of that name, nor is one made."""
_ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def altered(sql: SqlJudge, node: Any) -> str | None:
    """What is wrong with it."""
    sql.parts.update(_parts(node))
    if node.relation is None or not (is_own(node.relation) or sql.catalogue.has(node.relation.relname)):
        return _attached(sql, node)
    if is_own(node.relation):
        return f"ALTER TABLE of {node.relation.relname}, the server's own"
    for command in node.cmds or ():
        kind = command.subtype.name.removeprefix("AT_")
        if kind in _TAKING or command.behavior == enums.DropBehavior.DROP_CASCADE:
            return f"ALTER TABLE {kind} of {node.relation.relname}"
        if kind == "AddInherit":
            return f"INHERIT of {node.relation.relname}, which is there: what is done to the other is done to it"
        if key := _takes_along(sql, command.def_):
            return f"a foreign key {key}, by which rows of {node.relation.relname} go with others"
    return None


def _parts(node: Any) -> list[str]:
    """What becomes part of the table or the index."""
    attach = enums.AlterTableType.AT_AttachPartition
    return [str(each.def_.name.relname) for each in node.cmds or () if each.subtype == attach]


def _attached(sql: SqlJudge, node: Any) -> str | None:
    """What becomes part of a table or an index of this session would be dropped with it."""
    parts = _parts(node)
    new = node.relation is not None and node.relation.relname not in sql.catalogue.unique
    there = (each for each in parts if sql.catalogue.has(each) or (new and each in sql.catalogue.unique))
    return next((f"ATTACH PARTITION of {each}, which is there, to what is not" for each in there), None)


def _takes_along(sql: SqlJudge, added: Any) -> str | None:
    """What a foreign key does to rows that are there; a column of its own has no values yet unless it is given some."""
    if isinstance(added, ast.Constraint):
        return _acts(added)
    if not isinstance(added, ast.ColumnDef):
        return None
    each, names = added.constraints or (), [str(part.sval) for part in added.typeName.names]  # type: ignore[union-attr]
    plain = (names[0] == "pg_catalog" or PLAIN_TYPES.issuperset(names)) and names[-1] not in sql.catalogue.types
    given = any(one.contype in _GIVING for one in each) or not plain
    return next(filter(None, map(_acts, each)), None) if given else None


def _acts(constraint: Any) -> str | None:
    if constraint.contype != enums.ConstrType.CONSTR_FOREIGN:
        return None
    said = {"ON DELETE": constraint.fk_del_action, "ON UPDATE": constraint.fk_upd_action}
    found = ((when, _ACTIONS.get(action, "")) for when, action in said.items())
    return next((f"{when} {what}" for when, what in found if what), None)


def indexed(sql: SqlJudge, node: Any) -> str | None:
    """A unique index of a table with parts takes over their own that are alike, and they are dropped with it."""
    parts, waiting = set[str](), [str(node.relation.relname)]
    while waiting:
        for written in sql.catalogue.written.get(waiting.pop(), ()):
            waiting += {*written.children} - parts
            parts |= {*written.children}
    columns = frozenset(str(each.name) for each in node.indexParams or ())  # None for an expression
    held = (each for each in parts for keys in (sql.catalogue.keys or {}).get(each, ()) if columns in keys)
    part = next(held if not node.whereClause and "None" not in columns else iter(parts), None) if node.unique else None
    return (
        f"a unique index that takes over what is unique in {part}, a part of {node.relation.relname}" if part else None
    )
