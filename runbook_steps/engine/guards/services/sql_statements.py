"""Which kinds of statement, clause and setting a risk permits. Pure, and without any catalogue."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Any

from pglast import ast, enums

from runbook_steps.engine.guards.services.sql_catalogue import Catalogue
from runbook_steps.engine.guards.services.sql_lists import EXTENSIONS, VALUES
from runbook_steps.engine.guards.services.sql_settings import refused_setting
from runbook_steps.engine.model import Risk

__all__ = [
    "OWN_SCHEMAS",
    "Notation",
    "RowNotation",
    "Times",
    "gives_many",
    "how_often",
    "is_own",
    "is_text",
    "nodes",
    "refused_statement",
    "spoken",
    "text_of",
    "value_of",
]

OWN_SCHEMAS = ("pg_catalog", "information_schema")

_READING: tuple[type, ...] = (
    ast.SelectStmt,
    ast.ExplainStmt,
    ast.VariableShowStmt,
    ast.DeclareCursorStmt,
    ast.FetchStmt,
    ast.ClosePortalStmt,
    ast.PrepareStmt,
    ast.ExecuteStmt,
    ast.DeallocateStmt,
    ast.RawStmt,
)
_CHANGING: tuple[type, ...] = (
    ast.DiscardStmt,
    ast.ConstraintsSetStmt,
    ast.CreateStmt,
    ast.CreateTableAsStmt,
    ast.ViewStmt,
    ast.IndexStmt,
    ast.CreateStatsStmt,
    ast.CommentStmt,
    ast.GrantStmt,
    ast.GrantRoleStmt,
    ast.AlterDefaultPrivilegesStmt,
    ast.CreateRoleStmt,
    ast.AlterRoleStmt,
    ast.AlterRoleSetStmt,
    ast.AlterDatabaseSetStmt,
    ast.AlterOwnerStmt,
    ast.CreatedbStmt,
    ast.DropdbStmt,  # one that was made in this session
    ast.CreateSchemaStmt,
    ast.CreateSeqStmt,
    ast.AlterSeqStmt,
    ast.CreateEnumStmt,
    ast.AlterEnumStmt,
    ast.CreateDomainStmt,
    ast.CompositeTypeStmt,
    ast.CreateFunctionStmt,  # its body is judged
    ast.CreateTrigStmt,
    ast.CreatePolicyStmt,
    ast.AlterPolicyStmt,
    ast.DoStmt,  # and this one's
    ast.CallStmt,
    ast.ListenStmt,
    ast.UnlistenStmt,
    ast.NotifyStmt,
    ast.CheckPointStmt,
    ast.VacuumStmt,
    ast.ReindexStmt,
    ast.ClusterStmt,
    ast.ReturnStmt,
    ast.PLAssignStmt,
)
_KEEPING = (  # of ALTER TABLE: what takes no value away
    "AddColumn", "AddConstraint", "AddIndex", "AddIndexConstraint", "AddIdentity", "AddInherit", "AlterConstraint",
    "AttachPartition", "ChangeOwner", "ClusterOn", "ColumnDefault", "CookedColumnDefault", "DisableRowSecurity",
    "DisableTrig", "DisableTrigUser", "DropCluster", "DropConstraint", "DropIdentity", "DropInherit", "DropNotNull",
    "EnableRowSecurity", "EnableTrig", "EnableTrigUser", "EnableAlwaysTrig", "ForceRowSecurity",
    "NoForceRowSecurity", "ReplaceRelOptions", "ReplicaIdentity", "ResetOptions", "ResetRelOptions", "SetCompression",
    "SetIdentity", "SetLogged", "SetNotNull", "SetOptions", "SetRelOptions", "SetStatistics", "SetStorage",
    "ValidateConstraint",
)  # fmt: skip
_RENAMED = frozenset({
    enums.ObjectType.OBJECT_TABLE, enums.ObjectType.OBJECT_VIEW, enums.ObjectType.OBJECT_COLUMN,
    enums.ObjectType.OBJECT_INDEX, enums.ObjectType.OBJECT_SEQUENCE, enums.ObjectType.OBJECT_TABCONSTRAINT,
})  # fmt: skip
_FOR_ROWS: tuple[type, ...] = (  # what they say, or what they look at, is evaluated for each row
    ast.CreateStmt, ast.AlterTableStmt, ast.CreateDomainStmt, ast.CreateSchemaStmt, ast.CreatePolicyStmt, ast.IndexStmt,
    ast.CreateStatsStmt, ast.ReindexStmt, ast.ClusterStmt, ast.VacuumStmt,
)  # fmt: skip
_ACCESS_SHARE = 1


class Times(enum.IntEnum):
    """How often something is done: for rows of a table that is made or looked at, its numbers are its own."""

    ONCE = 0
    FOR_ROWS = 1
    AGAIN = 2


def refused_statement(node: Any, risk: Risk) -> str | None:
    """What the node is, when it is a statement or a clause that the risk does not permit."""
    changing = risk is Risk.MUTATING
    for kind, judge in _BOTH if not changing else (*_BOTH_CHANGING, *_BOTH):
        if isinstance(node, kind):
            return judge(node, risk)
    if not type(node).__name__.endswith("Stmt"):
        return None
    allowed = isinstance(node, _READING) or (changing and isinstance(node, _CHANGING))
    return None if allowed else spoken(node)


class Notation(ast.FuncCall):
    """`(value).name` or `row.name`: a column, or a call of name(value) where there is no such column."""


class RowNotation(Notation):
    """`row.name` alone: what is called so is given a whole row, where no function or parameter stands for the row."""


def nodes(node: Any) -> Iterator[ast.Node]:
    """The node and everything below it, and the calls that are written as columns."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Node):
            yield each
            yield from _by_notation(each)
            waiting += [getattr(each, name) for name in reversed(tuple(each))]
        elif isinstance(each, tuple):
            waiting += reversed(each)


def _by_notation(node: Any) -> Iterator[Notation]:
    """What stands below it is the node's own."""
    if isinstance(node, ast.A_Indirection):
        steps = (each for each in node.indirection or () if isinstance(each, ast.String))
        yield from (Notation(funcname=(each,), args=(node.arg,)) for each in steps)
    fields = (node.fields or ()) if isinstance(node, ast.ColumnRef) else ()
    if len(fields) > 1 and isinstance(fields[-1], ast.String):
        yield RowNotation(funcname=fields[-1:], args=(ast.ColumnRef(fields=fields[:-1]),))


def gives_many(node: Any, catalogue: Catalogue) -> str | None:
    """The name of a function that may give more than one row, where the node calls one; an operator calls one too."""
    if isinstance(node, ast.FuncCall):
        name = str(node.funcname[-1].sval)  # type: ignore[index]
        return name if name in catalogue.sets else None
    parts = (node.name or ()) if isinstance(node, ast.A_Expr) else ()
    last = [str(part.sval) for part in parts if isinstance(part, ast.String)][-1:]
    called = (name for _, name in catalogue.operators.get(last[0], ())) if last else ()
    return next((name for name in called if name in catalogue.sets), None)


def how_often(tree: Any, catalogue: Catalogue) -> Times:
    """How often a function in the statement may be called."""
    statement = tree.stmt if isinstance(tree, ast.RawStmt) else tree
    if isinstance(statement, ast.DoStmt | ast.CreateFunctionStmt):
        return Times.ONCE  # its body is judged by itself
    if any(_of_many_rows(node, catalogue) for node in nodes(statement)):
        return Times.AGAIN
    each = isinstance(statement, ast.CreateTrigStmt) and statement.row
    where = isinstance(statement, ast.CopyStmt) and statement.whereClause
    return Times.FOR_ROWS if each or where or isinstance(statement, _FOR_ROWS) else Times.ONCE


def _of_many_rows(node: Any, catalogue: Catalogue) -> bool:
    if isinstance(node, ast.SelectStmt):
        apart = node.fromClause or node.withClause or node.op != enums.SetOperation.SETOP_NONE
        return bool(apart) or len(node.valuesLists or ()) > 1
    again = isinstance(node, ast.DeleteStmt | ast.UpdateStmt | ast.MergeStmt | ast.ViewStmt)
    return again or bool(gives_many(node, catalogue))


def value_of(argument: Any) -> str:
    """A constant as a setting takes it, a number too; empty for anything else."""
    value = argument.val if isinstance(argument, ast.A_Const) else None
    if isinstance(value, ast.Integer):
        return str(value.ival)
    return str(value.fval) if isinstance(value, ast.Float) else text_of(argument)


def text_of(argument: Any) -> str:
    """A string constant's value, empty for anything else."""
    return str(argument.val.sval) if is_text(argument) else ""


def is_text(argument: Any) -> bool:
    """Whether it is a string constant, an empty one too."""
    return isinstance(argument, ast.A_Const) and isinstance(argument.val, ast.String)


def is_own(relation: Any) -> bool:
    """Whether it is one of the server's own tables."""
    return relation.schemaname in OWN_SCHEMAS or str(relation.relname).startswith("pg_")


def spoken(node: ast.Node) -> str:
    """`InsertStmt` → `INSERT`, `CreateTableAsStmt` → `CREATE TABLE AS`, a Drop with its kind."""
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in type(node).__name__.removesuffix("Stmt"))
    return words.strip().upper()


def _sets(node: Any, risk: Risk) -> str | None:
    name = (node.name or "").lower()
    if node.kind == enums.VariableSetKind.VAR_RESET_ALL:
        return None if risk is Risk.MUTATING else "RESET ALL, which takes the limits off that the guard has set"
    if name in {"transaction", "session characteristics"}:
        return "SET TRANSACTION READ WRITE" if risk is Risk.READONLY and _read_write(node.args) else None
    if name == "transaction snapshot":
        return None
    args = node.args or ()
    value = ",".join(map(value_of, args)) if len(args) == 1 or name == "search_path" else ""
    if node.kind == enums.VariableSetKind.VAR_RESET and name in VALUES and risk is Risk.MUTATING:
        return f"SET {name}"
    said = node.kind == enums.VariableSetKind.VAR_SET_VALUE
    return refused_setting(name, value if said else None, risk)


def _begins(node: Any, risk: Risk) -> str | None:
    kinds = enums.TransactionStmtKind
    if node.kind in {kinds.TRANS_STMT_PREPARE, kinds.TRANS_STMT_COMMIT_PREPARED, kinds.TRANS_STMT_ROLLBACK_PREPARED}:
        return "PREPARE TRANSACTION"
    return "BEGIN READ WRITE" if risk is Risk.READONLY and _read_write(node.options) else None


def _copies(node: Any, risk: Risk) -> str | None:
    into = node.is_from and risk is Risk.READONLY
    return "COPY other than TO STDOUT" if into or node.filename or node.is_program else None


def _locks(node: Any, risk: Risk) -> str | None:
    weak = risk is Risk.MUTATING or node.mode == _ACCESS_SHARE
    if any(each.schemaname in OWN_SCHEMAS or str(each.relname).startswith("pg_") for each in node.relations):
        return "LOCK TABLE of the server's own, for which everybody would wait"
    return None if weak else "LOCK TABLE stronger than ACCESS SHARE"


def _read_write(options: tuple[Any, ...] | None) -> bool:
    return any(
        option.defname == "transaction_read_only" and not option.arg.val.ival for option in options or () if option.arg
    )


def _merges(node: Any, _: Risk) -> str | None:
    actions = {clause.commandType for clause in node.mergeWhenClauses or ()}
    return (
        "MERGE that deletes or overwrites" if actions - {enums.CmdType.CMD_INSERT, enums.CmdType.CMD_NOTHING} else None
    )


def _inserts(node: Any, _: Risk) -> str | None:
    """What is overwritten in place of an insert is named by the values that are written down."""
    overwrites = node.onConflictClause and node.onConflictClause.action == enums.OnConflictAction.ONCONFLICT_UPDATE
    listed = isinstance(node.selectStmt, ast.SelectStmt) and node.selectStmt.valuesLists
    return "INSERT of a query that overwrites on conflict" if overwrites and not listed else None


def _executes(node: Any, _: Risk) -> str | None:
    """What is prepared was judged for values that are given: what a query makes of one may mean every row."""
    made = any(isinstance(each, ast.SubLink | ast.FuncCall) for each in nodes(node.params or ()))
    return "EXECUTE with what a query or a function gives" if made else None


def _renames(node: Any, _: Risk) -> str | None:
    kind = node.renameType
    return None if kind in _RENAMED else f"ALTER {kind.name.removeprefix('OBJECT_')} RENAME"


def _refreshes(node: Any, _: Risk) -> str | None:
    return "REFRESH MATERIALIZED VIEW WITH NO DATA" if node.skipData else None


def _alters(node: Any, _: Risk) -> str | None:
    kinds = [command.subtype.name.removeprefix("AT_") for command in node.cmds or ()]
    lost = next((kind for kind in kinds if kind not in _KEEPING), None)
    return f"ALTER TABLE {lost}" if lost else None


def _extends(node: Any, _: Risk) -> str | None:
    return None if node.extname in EXTENSIONS else f"CREATE EXTENSION {node.extname}"


_Judge = Callable[[Any, Risk], str | None]
_BOTH: tuple[tuple[type, _Judge], ...] = (
    (ast.VariableSetStmt, _sets),
    (ast.TransactionStmt, _begins),
    (ast.CopyStmt, _copies),
    (ast.LockStmt, _locks),
    (ast.DropStmt, lambda node, _: f"DROP {node.removeType.name.removeprefix('OBJECT_')}"),
    (ast.IntoClause, lambda *_: "SELECT INTO"),
    (ast.LockingClause, lambda *_: "SELECT FOR UPDATE or SHARE"),
)
_BOTH_CHANGING: tuple[tuple[type, _Judge], ...] = (
    (ast.IntoClause, lambda *_: None),
    (ast.LockingClause, lambda *_: None),
    (ast.DropStmt, lambda *_: None),  # what it names is looked at where names are
    (ast.DeleteStmt, lambda *_: None),
    (ast.UpdateStmt, lambda *_: None),
    (ast.InsertStmt, _inserts),
    (ast.ExecuteStmt, _executes),
    (ast.MergeStmt, _merges),
    (ast.RenameStmt, _renames),
    (ast.RefreshMatViewStmt, _refreshes),
    (ast.AlterTableStmt, _alters),
    (ast.CreateExtensionStmt, _extends),
)
