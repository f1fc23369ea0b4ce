"""What a statement leaves in a session that others get after it, behind a pooler. Pure.

A pooler that gives each transaction another session hands on what was set in one: with `SET statement_timeout = 1` in
it the application's next query fails, and with another search path it reads elsewhere. What is prepared under a name
stays as well, and what somebody else prepared there was judged by nobody.
"""

from __future__ import annotations

from typing import Any

from pglast import ast, enums

from runbook_steps.engine.model import Risk

__all__ = ["SHARED", "left_behind"]

SHARED = (
    "{what}, in a session that others get after it: a pooler is in between. Use SET LOCAL within BEGIN and COMMIT, or "
    "the server's own address"
)
_HOLD = 0x20  # CURSOR_OPT_HOLD
_OF_THE_TRANSACTION = frozenset({"transaction", "transaction snapshot"})
_STAYING: tuple[tuple[type, str], ...] = (
    (ast.PrepareStmt, "PREPARE"),
    (ast.ExecuteStmt, "EXECUTE of what another one may have prepared"),
    (ast.DeallocateStmt, "DEALLOCATE"),
    (ast.DiscardStmt, "DISCARD"),
    (ast.ListenStmt, "LISTEN"),
    (ast.UnlistenStmt, "UNLISTEN"),
)


def left_behind(node: Any, risk: Risk) -> str | None:
    """What stays, or is taken from others; None when the end of the transaction ends it.

    At `mutating` settings pass: a migration sets its limits, and a pooler may keep a session for one client after all.
    """
    found = next((what for kind, what in _STAYING if isinstance(node, kind)), None)
    if isinstance(node, ast.DeclareCursorStmt) and (node.options or 0) & _HOLD:
        found = "DECLARE … WITH HOLD"
    if risk is Risk.READONLY:
        found = found or _set(node)
    return SHARED.format(what=found) if found else None


def _set(node: Any) -> str | None:
    if isinstance(node, ast.VariableSetStmt):
        name = (node.name or "").lower()
        if node.is_local or name in _OF_THE_TRANSACTION:
            return None
        back = node.kind in {enums.VariableSetKind.VAR_RESET, enums.VariableSetKind.VAR_RESET_ALL}
        return f"{'RESET' if back else 'SET'} {name or 'ALL'}"
    if isinstance(node, ast.FuncCall) and str(node.funcname[-1].sval).lower() == "set_config":  # type: ignore[index]
        local = node.args[2] if node.args and len(node.args) == 3 else None  # noqa: PLR2004 - name, value, is_local
        value = local.val if isinstance(local, ast.A_Const) else None
        return None if isinstance(value, ast.Boolean) and value.boolval else "set_config()"
    return None
