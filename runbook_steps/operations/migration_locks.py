"""Which locks a statement takes on which tables, as PostgreSQL's documentation has it. Pure.

PostgreSQL's own parser reads the statement (pglast). What is not known here is said to be unknown, never "none".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pglast import ast, enums, parse_sql
from pglast.parser import ParseError

from runbook_steps.operations.migration_sql import Statement

__all__ = ["locks_of"]

_LARGEST = 2000  # words and signs: a longer statement is deep enough to hurt the parser, and no change of a schema
_STRONG, _SRE, _SUE = "ACCESS EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"
_WAITS = {
    _STRONG: "reads and writes wait", "EXCLUSIVE": "writes wait", _SRE: "writes wait", "SHARE": "writes wait",
    _SUE: "nobody waits", "ROW EXCLUSIVE": "nobody waits", "ROW SHARE": "nobody waits", "ACCESS SHARE": "nobody waits",
}  # fmt: skip
_MODES = ("", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", _SUE, "SHARE", _SRE, "EXCLUSIVE", _STRONG)
_KIND = enums.ObjectType
_TABLES = {
    _KIND.OBJECT_TABLE, _KIND.OBJECT_VIEW, _KIND.OBJECT_MATVIEW, _KIND.OBJECT_FOREIGN_TABLE, _KIND.OBJECT_SEQUENCE,
}  # fmt: skip
_ON_A_TABLE = {_KIND.OBJECT_TRIGGER, _KIND.OBJECT_POLICY, _KIND.OBJECT_RULE}
_AT = enums.AlterTableType
_ALTER = {  # all others take the strongest
    _AT.AT_SetStatistics: _SUE, _AT.AT_ClusterOn: _SUE, _AT.AT_DropCluster: _SUE, _AT.AT_SetOptions: _SUE,
    _AT.AT_ResetOptions: _SUE, _AT.AT_ValidateConstraint: _SUE, _AT.AT_AttachPartition: _SUE,
    _AT.AT_SetRelOptions: _SUE, _AT.AT_ResetRelOptions: _SUE, _AT.AT_EnableTrig: _SRE, _AT.AT_EnableTrigAll: _SRE,
    _AT.AT_EnableTrigUser: _SRE, _AT.AT_EnableAlwaysTrig: _SRE, _AT.AT_EnableReplicaTrig: _SRE,
    _AT.AT_DisableTrig: _SRE, _AT.AT_DisableTrigAll: _SRE, _AT.AT_DisableTrigUser: _SRE,
}  # fmt: skip
_NONE = (
    ast.CreateFunctionStmt, ast.CreateEnumStmt, ast.CreateDomainStmt, ast.CompositeTypeStmt, ast.CreateSchemaStmt,
    ast.CreateSeqStmt, ast.CreateExtensionStmt, ast.GrantStmt, ast.GrantRoleStmt, ast.AlterEnumStmt,
    ast.VariableSetStmt, ast.CreateRoleStmt, ast.AlterRoleStmt, ast.AlterDefaultPrivilegesStmt, ast.DefineStmt,
    ast.AlterFunctionStmt, ast.CreateRangeStmt, ast.AlterOwnerStmt, ast.TransactionStmt, ast.DropRoleStmt,
    ast.AlterRoleSetStmt, ast.NotifyStmt, ast.CreateTableAsStmt, ast.SelectStmt, ast.CreateCastStmt,
    ast.AlterDomainStmt,
)  # fmt: skip


_ON_ITS_RELATION: tuple[tuple[type, str], ...] = (
    (ast.IndexStmt, "SHARE"), (ast.RefreshMatViewStmt, _STRONG), (ast.CreateTrigStmt, _SRE), (ast.RuleStmt, _STRONG),
    (ast.ClusterStmt, _STRONG), (ast.AlterObjectSchemaStmt, _STRONG), (ast.InsertStmt, "ROW EXCLUSIVE"),
    (ast.UpdateStmt, "ROW EXCLUSIVE"), (ast.DeleteStmt, "ROW EXCLUSIVE"), (ast.MergeStmt, "ROW EXCLUSIVE"),
)  # fmt: skip
_WHEN_CONCURRENT = {"SHARE": _SUE, _STRONG: "EXCLUSIVE"}  # an index; a materialized view


@dataclass(frozen=True)
class TableLock:
    """A lock, by PostgreSQL's name of its mode, on a table as the file names it (`index i`: on the table of that)."""

    mode: str
    table: str

    @property
    def waits(self) -> str:
        """Who waits meanwhile."""
        return _WAITS[self.mode]


@dataclass(frozen=True)
class Taken:
    """`locks` is None when they are not known; `advice` says how it hurts less."""

    locks: tuple[TableLock, ...] | None
    advice: tuple[str, ...] = ()


def locks_of(statement: Statement) -> Taken:
    """What a statement takes on tables that are there already."""
    if statement.size > _LARGEST:
        return Taken(None)
    try:
        (parsed,) = parse_sql(statement.text)
    except (ParseError, ValueError):
        return Taken(None)
    node = parsed.stmt
    found = _of(node)
    if found is None:
        return Taken(None)
    return Taken(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(_advice(node))))


def _of(node: Any) -> list[TableLock] | None:
    for kinds, reader in _READERS:
        if isinstance(node, kinds):
            return list(reader(node))
    if isinstance(node, _NONE):
        return []
    for kind, mode in _ON_ITS_RELATION:
        relation = getattr(node, "relation", None)
        if isinstance(node, kind) and relation is not None:
            concurrent = getattr(node, "concurrent", False)
            return [TableLock(_WHEN_CONCURRENT[mode] if concurrent else mode, _name(relation))]
    if isinstance(node, ast.VacuumStmt):
        return _vacuum(node)
    return _reindex(node) if isinstance(node, ast.ReindexStmt) else None


def _sequence(node: Any) -> list[TableLock]:
    return [TableLock(_SRE, _name(node.sequence))]


def _policy(node: Any) -> list[TableLock]:
    return [TableLock(_STRONG, _name(node.table))]


def _truncate(node: Any) -> list[TableLock]:
    return [TableLock(_STRONG, _name(each)) for each in node.relations]


def _lock(node: Any) -> list[TableLock]:
    return [TableLock(_MODES[node.mode], _name(each)) for each in node.relations]


def _rename(node: Any) -> list[TableLock]:
    index = node.renameType == _KIND.OBJECT_INDEX
    return [TableLock(_SUE if index else _STRONG, _name(node.relation))] if node.relation else []


def _statistics(node: Any) -> list[TableLock]:
    return [TableLock(_SUE, _name(each)) for each in node.relations]


def _view(node: Any) -> list[TableLock]:
    return [TableLock(_STRONG, _name(node.view))] if node.replace else []


def _vacuum(node: Any) -> list[TableLock] | None:
    full = any(option.defname == "full" for option in node.options or ())
    return [TableLock(_STRONG if full else _SUE, _name(each.relation)) for each in node.rels or ()] or None


def _comment(node: Any) -> list[TableLock]:
    if node.objtype in _TABLES:
        return [TableLock(_SUE, _words(node.object))]
    return [TableLock(_SUE, _words(node.object[:-1]))] if node.objtype == _KIND.OBJECT_COLUMN else []


def _reindex(node: Any) -> list[TableLock] | None:
    if node.relation is None:
        return None
    concurrent = any(option.defname == "concurrently" for option in node.params or ())
    of_index = "index " if node.kind == enums.ReindexObjectType.REINDEX_OBJECT_INDEX else ""
    return [TableLock(_SUE if concurrent else "SHARE", of_index + _name(node.relation))]


def _alter(node: Any) -> Iterator[TableLock]:
    if node.objtype not in _TABLES:
        if node.objtype == _KIND.OBJECT_INDEX:
            yield TableLock(_SUE, _name(node.relation))
        return
    modes = []
    for command in node.cmds or ():
        mode = _ALTER.get(command.subtype, _STRONG)
        constraint = command.def_
        if command.subtype == _AT.AT_AddConstraint and constraint.contype == enums.ConstrType.CONSTR_FOREIGN:
            mode = _SRE
        modes.append(mode)
        yield from (TableLock(_SRE, name) for name in _referenced(constraint))
        if command.subtype == _AT.AT_AttachPartition:
            yield TableLock(_STRONG, _name(constraint.name))
        if command.subtype == _AT.AT_DetachPartition:
            if constraint.concurrent:
                modes[-1] = _SUE
            yield TableLock(_SUE if constraint.concurrent else _STRONG, _name(constraint.name))
    yield TableLock(max(modes, key=_MODES.index), _name(node.relation))


def _create(node: Any) -> Iterator[TableLock]:
    for element in node.tableElts or ():
        yield from (TableLock(_SRE, name) for name in _referenced(element))
    for parent in node.inhRelations or ():
        yield TableLock(_STRONG if node.partbound else _SUE, _name(parent))


def _drop(node: Any) -> Iterator[TableLock]:
    for each in node.objects or ():
        if node.removeType in _TABLES:
            yield TableLock(_STRONG, _words(each))
        elif node.removeType == _KIND.OBJECT_INDEX:
            yield TableLock(_SUE if node.concurrent else _STRONG, f"index {_words(each)}")
        elif node.removeType in _ON_A_TABLE:
            yield TableLock(_STRONG, _words(each[:-1]))


def _referenced(node: Any) -> Iterator[str]:
    """The tables that the foreign keys of a column or a constraint lead to."""
    each = [node, *(getattr(node, "constraints", None) or ())]
    yield from (_name(one.pktable) for one in each if getattr(one, "pktable", None) is not None)


def _advice(node: Any) -> Iterator[str]:
    if isinstance(node, ast.IndexStmt) and not node.concurrent:
        yield "on a table in use: CREATE INDEX CONCURRENTLY, in a file with `-- migrate: no-transaction`"
    if isinstance(node, ast.VariableSetStmt) and node.name in {"lock_timeout", "statement_timeout"}:
        yield f"sets {node.name} itself: the one of the run no longer holds"
    if not isinstance(node, ast.AlterTableStmt):
        return
    for command in node.cmds or ():
        constraint = command.def_
        if command.subtype == _AT.AT_SetNotNull:
            yield "reads the whole table: first ADD CHECK (… IS NOT NULL) NOT VALID, then VALIDATE CONSTRAINT"
        if command.subtype == _AT.AT_AlterColumnType:
            yield "writes the whole table and its indexes anew, unless the type is a wider one of the same kind"
        if command.subtype == _AT.AT_AddConstraint and not constraint.skip_validation:
            yield _of_constraint(constraint)


def _of_constraint(constraint: Any) -> str:
    if constraint.contype in {enums.ConstrType.CONSTR_UNIQUE, enums.ConstrType.CONSTR_PRIMARY}:
        if constraint.indexname:
            return "uses an index that is there: short"
        return "builds an index meanwhile: CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT … USING INDEX"
    return "reads the whole table: add it NOT VALID, then VALIDATE CONSTRAINT in another migration"


def _name(relation: Any) -> str:
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else str(relation.relname)


def _words(names: Sequence[Any]) -> str:
    return ".".join(str(each.sval) for each in names)


_READERS: tuple[tuple[Any, Callable[[Any], Iterable[TableLock]]], ...] = (
    (ast.AlterTableStmt, _alter), (ast.CreateStmt, _create), (ast.DropStmt, _drop), (ast.CommentStmt, _comment),
    ((ast.CreatePolicyStmt, ast.AlterPolicyStmt), _policy), (ast.TruncateStmt, _truncate), (ast.LockStmt, _lock),
    (ast.AlterSeqStmt, _sequence), (ast.RenameStmt, _rename), (ast.CreateStatsStmt, _statistics), (ast.ViewStmt, _view),
)  # fmt: skip
