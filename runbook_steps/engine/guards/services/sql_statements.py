"""Which kinds of statement, clause and setting a risk permits. Pure, and without any catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pglast import ast, enums

from runbook_steps.engine.guards.services.sql_lists import EXTENSIONS, VALUES
from runbook_steps.engine.guards.services.sql_settings import refused_setting
from runbook_steps.engine.model import Risk

__all__ = ["refused_statement", "spoken", "text_of"]

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
    ast.InsertStmt,
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
    ast.RenameStmt,
    ast.DoStmt,  # and this one's
    ast.CallStmt,
    ast.ListenStmt,
    ast.UnlistenStmt,
    ast.NotifyStmt,
    ast.CheckPointStmt,
    ast.VacuumStmt,
    ast.ReindexStmt,
    ast.ClusterStmt,
    ast.RefreshMatViewStmt,
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
_DROPPED = frozenset({enums.ObjectType.OBJECT_INDEX, enums.ObjectType.OBJECT_STATISTIC_EXT})
_ACCESS_SHARE = 1


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


def text_of(argument: Any) -> str:
    """A string constant's value, empty for anything else."""
    constant = isinstance(argument, ast.A_Const) and isinstance(argument.val, ast.String)
    return str(argument.val.sval) if constant else ""


def spoken(node: ast.Node) -> str:
    """`InsertStmt` → `INSERT`, `CreateTableAsStmt` → `CREATE TABLE AS`, a Drop with its kind."""
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in type(node).__name__.removesuffix("Stmt"))
    return words.strip().upper()


def _sets(node: Any, risk: Risk) -> str | None:
    name = (node.name or "").lower()
    if node.kind == enums.VariableSetKind.VAR_RESET_ALL:
        return None  # back to what the guard opened the session with
    if name in {"transaction", "session characteristics"}:
        return "SET TRANSACTION READ WRITE" if risk is Risk.READONLY and _read_write(node.args) else None
    if name == "transaction snapshot":
        return None
    value = text_of(node.args[0]) if node.args and len(node.args) == 1 else ""
    if node.kind == enums.VariableSetKind.VAR_RESET and name in VALUES and risk is Risk.MUTATING:
        return f"SET {name}"
    return refused_setting(name, value, risk)


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
    return None if weak else "LOCK TABLE stronger than ACCESS SHARE"


def _read_write(options: tuple[Any, ...] | None) -> bool:
    return any(
        option.defname == "transaction_read_only" and not option.arg.val.ival for option in options or () if option.arg
    )


def _drops(node: Any, _: Risk) -> str | None:
    kind = node.removeType
    return None if kind in _DROPPED else f"DROP {kind.name.removeprefix('OBJECT_')}"


def _narrowed(node: Any, _: Risk) -> str | None:
    """DELETE and UPDATE name the rows that they mean."""
    return None if _compares(node.whereClause) else f"{spoken(node)} without a condition that names rows"


def _compares(clause: Any) -> bool:
    """Whether a condition holds a column against something else: `id = 7`, `id IN (…)`, not `true` or `id = id`."""
    if isinstance(clause, ast.BoolExpr):
        held = [_compares(each) for each in clause.args or ()]
        if clause.boolop == enums.BoolExprType.AND_EXPR:
            return any(held)
        return all(held) and clause.boolop == enums.BoolExprType.OR_EXPR
    if isinstance(clause, ast.A_Expr):
        return clause.kind in _COMPARING and clause.lexpr != clause.rexpr and _names_a_column(clause)
    if isinstance(clause, ast.SubLink):
        return clause.testexpr is not None and _names_a_column(clause.testexpr)
    if isinstance(clause, ast.NullTest):
        return clause.nulltesttype == enums.NullTestType.IS_NULL
    nothing = isinstance(clause, ast.A_Const) and isinstance(clause.val, ast.Boolean) and not clause.val.boolval
    return nothing or isinstance(clause, ast.CurrentOfExpr)


def _names_a_column(node: Any) -> bool:
    if isinstance(node, tuple):
        return any(_names_a_column(each) for each in node)
    if not isinstance(node, ast.Node) or isinstance(node, ast.SelectStmt):
        return False
    return isinstance(node, ast.ColumnRef) or any(_names_a_column(getattr(node, name)) for name in node)


def _merges(node: Any, _: Risk) -> str | None:
    actions = {clause.commandType for clause in node.mergeWhenClauses or ()}
    return "MERGE that deletes" if enums.CmdType.CMD_DELETE in actions else None


def _alters(node: Any, _: Risk) -> str | None:
    kinds = [command.subtype.name.removeprefix("AT_") for command in node.cmds or ()]
    lost = next((kind for kind in kinds if kind not in _KEEPING), None)
    return f"ALTER TABLE {lost}" if lost else None


def _extends(node: Any, _: Risk) -> str | None:
    return None if node.extname in EXTENSIONS else f"CREATE EXTENSION {node.extname}"


_COMPARING = (
    enums.A_Expr_Kind.AEXPR_OP,
    enums.A_Expr_Kind.AEXPR_IN,
    enums.A_Expr_Kind.AEXPR_OP_ANY,
    enums.A_Expr_Kind.AEXPR_BETWEEN,
    enums.A_Expr_Kind.AEXPR_LIKE,
)
_Judge = Callable[[Any, Risk], str | None]
_BOTH: tuple[tuple[type, _Judge], ...] = (
    (ast.VariableSetStmt, _sets),
    (ast.TransactionStmt, _begins),
    (ast.CopyStmt, _copies),
    (ast.LockStmt, _locks),
    (ast.DropStmt, lambda node, _: _drops(node, _) or "DROP INDEX"),
    (ast.IntoClause, lambda *_: "SELECT INTO"),
    (ast.LockingClause, lambda *_: "SELECT FOR UPDATE or SHARE"),
)
_BOTH_CHANGING: tuple[tuple[type, _Judge], ...] = (
    (ast.IntoClause, lambda *_: None),
    (ast.LockingClause, lambda *_: None),
    (ast.DropStmt, _drops),
    (ast.DeleteStmt, _narrowed),
    (ast.UpdateStmt, _narrowed),
    (ast.MergeStmt, _merges),
    (ast.AlterTableStmt, _alters),
    (ast.CreateExtensionStmt, _extends),
)
