"""What ALTER TABLE takes away from a table that is there, or lets go with another one. Pure; for `mutating`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pglast import ast, enums

if TYPE_CHECKING:
    from runbook_steps.engine.guards.services.sql_policy import SqlJudge

__all__ = ["altered"]

_TAKING = (  # of ALTER TABLE: rights, rows that are seen, what is done at each write, and what no write gets past
    "AlterConstraint", "ChangeOwner", "ColumnDefault", "CookedColumnDefault", "DisableRowSecurity", "DisableTrig",
    "DisableTrigUser", "DropConstraint", "DropIdentity", "DropInherit", "DropNotNull", "EnableRowSecurity",
    "ForceRowSecurity", "NoForceRowSecurity", "ReplaceRelOptions", "ReplicaIdentity", "ResetRelOptions", "SetIdentity",
    "SetRelOptions",
)  # fmt: skip
_GIVING = frozenset({
    enums.ConstrType.CONSTR_DEFAULT, enums.ConstrType.CONSTR_GENERATED, enums.ConstrType.CONSTR_IDENTITY,
})  # fmt: skip
_ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def altered(sql: SqlJudge, node: Any) -> str | None:
    """What is wrong with it."""
    if node.relation is None or not sql.catalogue.has(node.relation.relname):
        return _attached(sql, node)
    for command in node.cmds or ():
        kind = command.subtype.name.removeprefix("AT_")
        if kind in _TAKING or command.behavior == enums.DropBehavior.DROP_CASCADE:
            return f"ALTER TABLE {kind} of {node.relation.relname}"
        if kind == "AddInherit":
            return f"INHERIT of {node.relation.relname}, which is there: what is done to the other is done to it"
        if key := _takes_along(command.def_):
            return f"a foreign key {key}, by which rows of {node.relation.relname} go with others"
    return None


def _attached(sql: SqlJudge, node: Any) -> str | None:
    """What becomes part of a table of this session would be dropped with it."""
    parts = (c.def_.name for c in node.cmds or () if c.subtype == enums.AlterTableType.AT_AttachPartition)
    there = next((str(each.relname) for each in parts if sql.catalogue.has(str(each.relname))), None)
    return f"ATTACH PARTITION of {there}, which is there, to a table that is not" if there else None


def _takes_along(added: Any) -> str | None:
    """What a foreign key does to rows that are there; a column of its own has no values yet unless it is given some."""
    if isinstance(added, ast.Constraint):
        return _acts(added)
    each = (added.constraints or ()) if isinstance(added, ast.ColumnDef) else ()
    return next(filter(None, map(_acts, each)), None) if any(one.contype in _GIVING for one in each) else None


def _acts(constraint: Any) -> str | None:
    if constraint.contype != enums.ConstrType.CONSTR_FOREIGN:
        return None
    said = {"ON DELETE": constraint.fk_del_action, "ON UPDATE": constraint.fk_upd_action}
    found = ((when, _ACTIONS.get(action, "")) for when, action in said.items())
    return next((f"{when} {what}" for when, what in found if what and (when, what) != ("ON UPDATE", "CASCADE")), None)
