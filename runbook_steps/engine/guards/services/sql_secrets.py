r"""What holds passwords in a database's own tables: read by nobody at readonly, because it would stand in the evidence.

Of some, each other column may be read by its name: `\deu` of psql does. Statistics of a column hold its values. What
holds passwords only in some databases, settings, the options of foreign servers and subscriptions, is read where it
holds none: `pg_dump` of a superuser asks for them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pglast import ast, enums

from runbook_steps.engine.guards.services.sql_catalogue import Catalogue
from runbook_steps.engine.guards.services.sql_statements import nodes, text_of
from runbook_steps.engine.model import Risk
from runbook_steps.engine.text.secret_names import names_secret

__all__ = ["named_apart", "secret", "secret_call", "secret_show"]

_WHOLE = frozenset({"pg_authid", "pg_shadow", "pg_user_mapping", "_pg_user_mappings"})
_COLUMNS: Mapping[str, frozenset[str]] = {
    "pg_user_mappings": frozenset({"umoptions"}),
    "user_mapping_options": frozenset({"option_value"}),
    "pg_hba_file_rules": frozenset({"options"}),
    "pg_file_settings": frozenset({"setting"}),
    "pg_stats": frozenset({"most_common_vals", "most_common_elems", "histogram_bounds"}),
    "pg_statistic": frozenset(f"stavalues{number}" for number in range(1, 6)),
}
_SETTINGS: Mapping[str, frozenset[str]] = {
    "pg_settings": frozenset({"setting", "reset_val"}),
    "pg_roles": frozenset({"rolconfig"}),
    "pg_user": frozenset({"useconfig"}),
    "pg_db_role_setting": frozenset({"setconfig"}),
}
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "pg_subscription": {"pg_subscription": "subconninfo"},
    "pg_foreign_server": {
        "pg_foreign_server": "srvoptions", "_pg_foreign_servers": "foreign_server_options",
        "foreign_server_options": "option_value",
    },
    "pg_foreign_data_wrapper": {
        "pg_foreign_data_wrapper": "fdwoptions", "_pg_foreign_data_wrappers": "fdwoptions",
        "foreign_data_wrapper_options": "option_value",
    },
    "pg_foreign_table": {
        "pg_foreign_table": "ftoptions", "_pg_foreign_tables": "ftoptions", "foreign_table_options": "option_value",
    },
    "pg_attribute": {
        "pg_attribute": "attfdwoptions", "_pg_foreign_table_columns": "attfdwoptions", "column_options": "option_value",
    },
}  # fmt: skip
_ALL = {**_COLUMNS, **_SETTINGS}
_ALL |= {view: frozenset({column}) for views in _OPTIONS.values() for view, column in views.items()}
_ADVICE = {
    "pg_user_mappings": "; pg_dump without what is in no schema, as by --schema=public, does not read it",
    "pg_subscription": "; pg_dump --no-subscriptions does not read it",
}
_SHOWN = 3


def secret(relation: str, apart: frozenset[str], catalogue: Catalogue) -> str | None:
    """Why a relation of that name is not read; `apart` is what `named_apart` found of its statement."""
    if relation in _WHOLE:
        return f"{relation}, which holds passwords"
    passing: set[str] = set() if catalogue.settings else {*_SETTINGS}
    passing |= {view for base, views in _OPTIONS.items() if base not in catalogue.options for view in views}
    if relation not in _ALL or relation in passing or relation in apart:
        return None
    columns, advice = " or ".join(sorted(_ALL[relation])), _ADVICE.get(relation, "")
    return f"{relation}, which holds passwords: name its columns, and not {columns}{advice}"


def secret_call(function: str, arguments: Any, catalogue: Catalogue) -> str | None:
    """Why a function that tells settings is not called."""
    if function not in {"current_setting", "pg_show_all_settings"}:
        return None
    return _secret_setting(next((text_of(argument) for argument in arguments or ()), ""), catalogue)


def secret_show(show: Any, catalogue: Catalogue, risk: Risk) -> str | None:
    """Why a setting is not shown."""
    if risk is not Risk.READONLY:
        return None
    return _secret_setting("" if show.name.lower() == "all" else show.name, catalogue)


def _secret_setting(name: str, catalogue: Catalogue) -> str | None:
    """The name is empty where it is only known as the statement runs, or for all."""
    key, held = name.lower(), sorted(catalogue.settings)
    if not key and held:
        return f"settings without their names, of which {', '.join(held[:_SHOWN])} may hold a password"
    own = "." in key and names_secret(key.upper().replace(".", "_"))
    return f"the setting {key}, which may hold a password" if own or key in catalogue.settings else None


def named_apart(tree: Any, catalogue: Catalogue) -> frozenset[str]:
    """The relations of a statement of which no column with a password can be meant.

    It is one SELECT whose columns all have names, and none of them is that column, or a whole row by the name of a
    table, or a function that may be given one; nothing gives columns other names, or compares them without naming them.
    `'a=on' = ANY (column)` tells only whether what is written there stands in it.
    """
    statement = tree.stmt if isinstance(tree, ast.RawStmt) else tree
    if not isinstance(statement, ast.SelectStmt):
        return frozenset()
    found = list(nodes(statement))
    if any(_renames(node) for node in found):
        return frozenset()
    asked = {id(column) for node in found if (column := _asked_for_one(node)) is not None}
    columns = {_last(node) for node in found if isinstance(node, ast.ColumnRef) and id(node) not in asked}
    if not columns.isdisjoint(catalogue.of_rows):  # `row.to_json` calls to_json(row)
        return frozenset()
    rows = {str(node.relname) for node in found if isinstance(node, ast.RangeVar)}
    rows |= {str(node.aliasname) for node in found if isinstance(node, ast.Alias)}
    if "" in columns or columns & rows:
        return frozenset()
    return frozenset(relation for relation, held in _ALL.items() if held.isdisjoint(columns))


def _asked_for_one(node: Any) -> Any:
    """The column with whose elements it compares a whole word that is written down; None for anything else."""
    if not isinstance(node, ast.A_Expr) or node.kind is not enums.A_Expr_Kind.AEXPR_OP_ANY:
        return None
    alike = [str(getattr(part, "sval", "")) for part in node.name or ()] == ["="] and isinstance(
        node.lexpr, ast.A_Const
    )
    column = node.rexpr if alike and isinstance(node.rexpr, ast.ColumnRef) else None
    return column if column is not None and _last(column) else None


def _last(reference: Any) -> str:
    """The column's name; empty for `*`."""
    last = reference.fields[-1]
    return str(last.sval) if isinstance(last, ast.String) else ""


def _renames(node: Any) -> bool:
    if isinstance(node, ast.JoinExpr):
        return bool(node.isNatural or node.usingClause)
    if isinstance(node, ast.Alias):
        return bool(node.colnames)
    return isinstance(node, ast.A_Indirection | ast.CommonTableExpr)
