"""Which SQL a risk permits, judged by PostgreSQL's own parser. Pure.

A guarded session is also opened with `default_transaction_read_only=on`, so two layers must fail
before a write gets through: this one refuses the statements that could switch the other off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pglast
from pglast import ast, enums

from runbook_steps.engine.model import Risk

__all__ = ["refused_setting", "refused_sql"]

_READING = (
    ast.SelectStmt,
    ast.ExplainStmt,
    ast.VariableShowStmt,
    ast.TransactionStmt,
    ast.DeclareCursorStmt,
    ast.FetchStmt,
    ast.ClosePortalStmt,
    ast.PrepareStmt,
    ast.ExecuteStmt,
    ast.DeallocateStmt,
    ast.RawStmt,
)
_LOSING = (ast.TruncateStmt, ast.DropdbStmt, ast.DropTableSpaceStmt, ast.DropRoleStmt, ast.DropOwnedStmt)
_SETTINGS = frozenset({  # what a reading session may set for itself
    "application_name", "bytea_output", "client_min_messages", "datestyle",
    "default_statistics_target", "enable_bitmapscan", "enable_hashjoin", "enable_indexonlyscan",
    "enable_indexscan", "enable_mergejoin", "enable_nestloop", "enable_seqscan", "enable_sort",
    "escape_string_warning", "extra_float_digits", "force_parallel_mode", "idle_in_transaction_session_timeout",
    "intervalstyle", "jit", "lock_timeout", "max_parallel_workers_per_gather", "quote_all_identifiers",
    "random_page_cost", "row_security", "search_path", "statement_timeout",
    "synchronize_seqscans", "timezone", "track_io_timing", "transaction_isolation", "transaction_timeout",
    "transform_null_equals", "work_mem", "xmloption", "restrict_nonsystem_relation_kind",
})  # fmt: skip
# with another value the server reads a text otherwise than the parser here: a string for one is a statement for
# the other
_VALUES: Mapping[str, frozenset[str]] = {
    "client_encoding": frozenset({"utf8", "utf-8", "unicode"}),
    "standard_conforming_strings": frozenset({"on", "true", "yes", "1"}),
    "default_transaction_read_only": frozenset({"on", "true", "yes", "1"}),
}
# functions that act although the transaction is read-only (PostgreSQL 18, chapter 9.28 and the shipped extensions),
# or that read the files of the server
_ACTING = frozenset({
    "currval", "nextval", "setval", "pg_cancel_backend", "pg_terminate_backend", "pg_reload_conf",
    "pg_rotate_logfile", "pg_promote", "pg_switch_wal", "pg_log_backend_memory_contexts", "pg_notify",
    "pg_wal_replay_pause", "pg_wal_replay_resume", "pg_backup_start", "pg_backup_stop", "pg_export_snapshot",
    "pg_logical_emit_message", "pg_import_system_collations", "pg_prewarm", "pg_clear_relation_stats",
    "pg_clear_attribute_stats", "pg_restore_relation_stats", "pg_restore_attribute_stats", "lowrite", "loread",
    "query_to_xml", "query_to_xml_and_xmlschema", "query_to_xmlschema", "cursor_to_xml", "xpath_table",
    "ts_stat", "ts_rewrite", "pg_sync_replication_slots", "pg_log_standby_snapshot", "pg_current_xact_id",
    "txid_current", "pg_nextoid", "pg_truncate_visibility_map",
})  # fmt: skip
_ACTING_PREFIXES = (
    "dblink", "lo_", "pg_advisory_", "pg_try_advisory_", "pg_copy_", "pg_create_", "pg_drop_", "pg_file_",
    "pg_replication_", "pg_stat_reset", "pg_stat_statements_reset", "pg_logical_slot_",
    "pg_read_", "pg_ls_", "pg_stat_file", "gin_clean", "brin_", "crosstab", "connectby", "pg_buffercache_evict",
    "postgres_fdw_", "autoprewarm_", "binary_upgrade_",
)  # fmt: skip
_ACCESS_SHARE = 1
_PG_DUMP = "view, foreign-table"  # pg_dump sets restrict_nonsystem_relation_kind so; no other setting takes that value
_RELATIONS = frozenset({enums.ObjectType.OBJECT_INDEX, enums.ObjectType.OBJECT_STATISTIC_EXT})


def refused_sql(text: str, risk: Risk) -> str | None:
    """What of the SQL goes beyond the risk, in a few words; None when nothing does.

    At `readonly`, text that PostgreSQL 18's grammar does not know is refused as well: what cannot be
    judged does not pass. At `destructive` everything passes.
    """
    if risk is Risk.DESTRUCTIVE:
        return None
    try:
        statements = pglast.parse_sql(text)
    except pglast.parser.ParseError as error:
        return f"SQL that cannot be judged ({error.args[0]})" if risk is Risk.READONLY else None
    judge = _writes if risk is Risk.READONLY else _loses
    return next((found for raw in statements for node in _nodes(raw) if (found := judge(node))), None)


def _nodes(node: Any) -> Iterator[ast.Node]:
    """The node and everything below it."""
    if isinstance(node, ast.Node):
        yield node
        for name in node:
            yield from _nodes(getattr(node, name))
    elif isinstance(node, tuple):
        for each in node:
            yield from _nodes(each)


def _writes(node: Any) -> str | None:
    for kind, judge in _JUDGES:
        if isinstance(node, kind):
            return judge(node)
    return _spoken(node) if type(node).__name__.endswith("Stmt") and not isinstance(node, _READING) else None


def _loses(node: Any) -> str | None:
    kind: Any = node.removeType if isinstance(node, ast.DropStmt) else None
    if kind is not None and kind not in _RELATIONS:
        return f"DROP {kind.name.removeprefix('OBJECT_')}"
    return _spoken(node) if isinstance(node, _LOSING) else None


def _acts(call: Any) -> str | None:
    name = str(call.funcname[-1].sval).lower()
    if name == "set_config":
        setting, value, *_ = [*(_constant(argument) for argument in call.args or ()), "", ""]
        return None if value == _PG_DUMP or refused_setting(setting, value) is None else "set_config()"
    return f"{name}()" if name in _ACTING or name.startswith(_ACTING_PREFIXES) else None


def refused_setting(name: str, value: str) -> str | None:
    """What is wrong with a setting of a reading session, as `SET name`; None when it may be set so."""
    known = name.lower() in _SETTINGS or value.lower() in _VALUES.get(name.lower(), ())
    return None if known else f"SET {name.lower()}"


def _constant(argument: Any) -> str:
    """A string constant's value, empty for anything else."""
    constant = isinstance(argument, ast.A_Const) and isinstance(argument.val, ast.String)
    return str(argument.val.sval) if constant else ""


def _sets(node: Any) -> str | None:
    name = (node.name or "").lower()
    if node.kind == enums.VariableSetKind.VAR_RESET_ALL:
        return None  # back to what the guard opened the session with
    if name in {"transaction", "session characteristics"}:
        return "SET TRANSACTION READ WRITE" if _read_write(node.args) else None
    return refused_setting(name, _constant(node.args[0]) if node.args and len(node.args) == 1 else "")


def _begins(node: Any) -> str | None:
    kinds = enums.TransactionStmtKind
    if node.kind in {kinds.TRANS_STMT_PREPARE, kinds.TRANS_STMT_COMMIT_PREPARED, kinds.TRANS_STMT_ROLLBACK_PREPARED}:
        return "PREPARE TRANSACTION"
    return "BEGIN READ WRITE" if _read_write(node.options) else None


def _copies(node: Any) -> str | None:
    return "COPY other than TO STDOUT" if node.is_from or node.filename or node.is_program else None


def _locks(node: Any) -> str | None:
    return None if node.mode == _ACCESS_SHARE else "LOCK TABLE stronger than ACCESS SHARE"


def _read_write(options: tuple[Any, ...] | None) -> bool:
    return any(
        option.defname == "transaction_read_only" and not option.arg.val.ival for option in options or () if option.arg
    )


def _spoken(node: ast.Node) -> str:
    """`InsertStmt` → `INSERT`, `CreateTableAsStmt` → `CREATE TABLE AS`."""
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in type(node).__name__.removesuffix("Stmt"))
    return words.strip().upper()


_JUDGES: tuple[tuple[type, Callable[[Any], str | None]], ...] = (
    (ast.FuncCall, _acts),
    (ast.VariableSetStmt, _sets),
    (ast.TransactionStmt, _begins),
    (ast.CopyStmt, _copies),
    (ast.LockStmt, _locks),
    (ast.IntoClause, lambda _: "SELECT INTO"),
    (ast.LockingClause, lambda _: "SELECT FOR UPDATE or SHARE"),
)
