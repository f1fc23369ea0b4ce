"""What a statement leaves in a session that others get after it, behind a pooler. Pure.

A pooler that gives each transaction another session hands on what was set in one: with `SET statement_timeout = 1` in
it the application's next query fails, and with another search path it reads elsewhere. What is prepared under a name
stays as well, and what somebody else prepared there was judged by nobody. So does a temporary table, which everybody
finds before the one whose name it has, a lock of the session, and the seed of what is called random.
"""

from __future__ import annotations

from typing import Any

from pglast import ast, enums

from runbook_steps.engine.guards.services.sql_statements import spoken, value_of

__all__ = ["SHARED", "left_behind"]

SHARED = (
    "{what}, in a session that others get after it: a pooler is in between. Use SET LOCAL within BEGIN and COMMIT, or "
    "the server's own address"
)
_HOLD = 0x20  # CURSOR_OPT_HOLD
_OF_THE_TRANSACTION = frozenset({"transaction", "transaction snapshot"})
_STAYING_CALLS = frozenset({
    "pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_unlock", "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared", "setseed", "set_limit",
    "isn_weak",
})  # fmt: skip
_DROPPED = enums.OnCommitAction.ONCOMMIT_DROP
_STAYING: tuple[tuple[type, str], ...] = (
    (ast.PrepareStmt, "PREPARE"),
    (ast.ExecuteStmt, "EXECUTE of what another one may have prepared"),
    (ast.DeallocateStmt, "DEALLOCATE"),
    (ast.DiscardStmt, "DISCARD"),
    (ast.ListenStmt, "LISTEN"),
    (ast.UnlistenStmt, "UNLISTEN"),
)


def left_behind(node: Any) -> str | None:
    """What stays, or is taken from others; None when the end of the transaction ends it."""
    found = next((what for kind, what in _STAYING if isinstance(node, kind)), None)
    if isinstance(node, ast.DeclareCursorStmt) and (node.options or 0) & _HOLD:
        found = "DECLARE … WITH HOLD"
    found = found or _set(node) or _temporary(node)
    return SHARED.format(what=found) if found else None


def _set(node: Any) -> str | None:
    if isinstance(node, ast.VariableSetStmt):
        name = (node.name or "").lower()
        if name == "search_path" and any(map(_is_temporary, node.args or ())):
            return "SET search_path to what is temporary, where everything that is made would stay"
        if node.is_local or name in _OF_THE_TRANSACTION:
            return None
        back = node.kind in {enums.VariableSetKind.VAR_RESET, enums.VariableSetKind.VAR_RESET_ALL}
        return f"{'RESET' if back else 'SET'} {name or 'ALL'}"
    name = str(node.funcname[-1].sval).lower() if isinstance(node, ast.FuncCall) else ""  # type: ignore[index]
    if name in _STAYING_CALLS:
        return f"{name}()"
    if isinstance(node, ast.FuncCall) and name == "set_config":
        local = node.args[2] if node.args and len(node.args) == 3 else None  # noqa: PLR2004 - name, value, is_local
        value = local.val if isinstance(local, ast.A_Const) else None
        elsewhere = value_of(node.args[0]).lower() == "search_path" and _is_temporary(node.args[1])  # type: ignore[index]
        return None if isinstance(value, ast.Boolean) and value.boolval and not elsewhere else "set_config()"
    return None


def _is_temporary(schemas: Any) -> bool:
    """Whether a search path leads there, or may."""
    return not isinstance(schemas, ast.A_Const) or "pg_temp" in value_of(schemas).lower()


def _temporary(node: Any) -> str | None:
    """A temporary relation, type or function, unless the end of the transaction drops it."""
    made: Any = node.rel if isinstance(node, ast.IntoClause) else _made(node)
    if isinstance(made, ast.RangeVar):
        temporary = made.relpersistence == "t" or str(made.schemaname).startswith("pg_temp")
    else:
        temporary = made is not None and len(made) > 1 and str(made[0].sval).startswith("pg_temp")
    if not temporary or getattr(node, "onCommit", None) == _DROPPED or getattr(node, "oncommit", None) == _DROPPED:
        return None
    return "SELECT INTO TEMPORARY" if isinstance(node, ast.IntoClause) else f"{spoken(node)} TEMPORARY"


def _made(node: Any) -> Any:
    """What a statement makes: a relation, or a name in parts."""
    if isinstance(node, ast.CreateStmt):
        return node.relation
    if isinstance(node, ast.ViewStmt):
        return node.view
    names = {
        ast.CreateSeqStmt: "sequence", ast.CompositeTypeStmt: "typevar", ast.CreateEnumStmt: "typeName",
        ast.CreateDomainStmt: "domainname", ast.CreateFunctionStmt: "funcname",
    }  # fmt: skip
    return getattr(node, names[type(node)]) if type(node) in names else None
