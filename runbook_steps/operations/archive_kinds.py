"""Which statements only a superuser may make something by, and which of those would run what somebody else defined."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pglast import ast, enums

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.postgres_programs import kind_of

__all__ = [
    "MAKERS",
    "OF_SOME",
    "TRIGGERS",
    "WORDS",
    "gives_owner",
    "gives_words",
    "makers_of",
    "may_follow",
    "only_a_superuser",
    "refuse_code",
]

_OWN = "pg_catalog"
_UNTRUSTED = re.compile(r"c|internal|.*u", re.DOTALL)


_MAKERS: Mapping[str, tuple[type, ...]] = {
    "EXTENSION ": (ast.CreateExtensionStmt,),
    "PROCEDURAL LANGUAGE ": (ast.CreatePLangStmt,),
    "SHELL TYPE ": (ast.DefineStmt,),
    "TYPE ": (ast.DefineStmt, ast.CreateRangeStmt),
    "FOREIGN TABLE ": (ast.CreateForeignTableStmt,),
    "FUNCTION ": (ast.CreateFunctionStmt,),
    "PROCEDURE ": (ast.CreateFunctionStmt,),
    "AGGREGATE ": (ast.DefineStmt,),
    "OPERATOR FAMILY ": (ast.CreateOpFamilyStmt,),
    "OPERATOR CLASS ": (ast.CreateOpClassStmt,),
    "OPERATOR ": (ast.DefineStmt,),
    "ACCESS METHOD ": (ast.CreateAmStmt,),
    "CAST ": (ast.CreateCastStmt,),
    "TRANSFORM ": (ast.CreateTransformStmt,),
    "TEXT SEARCH PARSER ": (ast.DefineStmt,),
    "TEXT SEARCH TEMPLATE ": (ast.DefineStmt,),
    "FOREIGN DATA WRAPPER ": (ast.CreateFdwStmt,),
    "SERVER ": (ast.CreateForeignServerStmt,),
    "USER MAPPING ": (ast.CreateUserMappingStmt,),
    "PUBLICATION TABLES IN SCHEMA ": (ast.AlterPublicationStmt,),
    "PUBLICATION TABLE ": (),
    "PUBLICATION ": (ast.CreatePublicationStmt,),
}
OF_SOME = frozenset({"TYPE ", "FOREIGN TABLE ", "FUNCTION ", "PROCEDURE ", "AGGREGATE ", "OPERATOR ", "PUBLICATION "})
"""Kinds of which only a superuser makes some: the others are left to the restoring role."""
MAKERS = (*{each for types in _MAKERS.values() for each in types}, ast.CreateEnumStmt, ast.CompositeTypeStmt)
_FOLLOWING = (ast.AlterObjectDependsStmt, ast.AlterOpFamilyStmt)
_OF_COLUMNS = frozenset({
    enums.AlterTableType.AT_SetStatistics, enums.AlterTableType.AT_AlterColumnGenericOptions,
    enums.AlterTableType.AT_SetOptions, enums.AlterTableType.AT_SetStorage,
})  # fmt: skip
_OF_FILES = frozenset({"filename", "program"})
"""Options of a foreign table that take the right to read files, or to start programs."""
_SHARED = frozenset({
    enums.ObjectType.OBJECT_DATABASE, enums.ObjectType.OBJECT_TABLESPACE, enums.ObjectType.OBJECT_PARAMETER_ACL,
})  # fmt: skip
WORDS = (ast.GrantStmt, ast.AlterDefaultPrivilegesStmt, ast.CommentStmt, ast.SecLabelStmt)
TRIGGERS = (*WORDS, ast.CreateEventTrigStmt, ast.AlterEventTrigStmt, ast.AlterOwnerStmt)


def makers_of(entry: str) -> tuple[str, tuple[type, ...]]:
    """The beginning of its kind, and the statements by which such a thing is made; nothing for all other kinds."""
    kind = kind_of(entry)
    start = next((start for start in _MAKERS if kind.startswith(start)), "")
    types = _MAKERS.get(start, ())
    return (start, types) if types else ("", ())


def only_a_superuser(tree: Any, settings: frozenset[str]) -> bool:
    """Of a kind of which a superuser makes some; `settings` are those that everybody may change."""
    options = _options(tree)
    if isinstance(tree, ast.CreateFunctionStmt):
        changed = {str(each.arg.name).lower() for each in tree.options or () if each.defname == "set"}
        return bool(
            _UNTRUSTED.fullmatch(str(options["language"].sval) if "language" in options else "sql")
            or ("leakproof" in options and options["leakproof"].boolval)
            or "support" in options
            or changed - settings
        )
    if isinstance(tree, ast.CreateForeignTableStmt):
        return any(each.defname in _OF_FILES for each in tree.options or ())
    if isinstance(tree, ast.CreatePublicationStmt):
        return bool(tree.for_all_tables)
    if isinstance(tree, ast.DefineStmt) and tree.kind == enums.ObjectType.OBJECT_AGGREGATE:
        return any(_names(each)[-1] == "internal" for each in _states(options))
    if isinstance(tree, ast.DefineStmt) and tree.kind == enums.ObjectType.OBJECT_OPERATOR:
        return any(len(_names(options[each])) > 1 for each in ("restrict", "join") if each in options)
    return isinstance(tree, ast.DefineStmt | ast.CreateRangeStmt)


def may_follow(tree: Any) -> bool:
    """Whether it stands behind the statement that makes something, in the same entry."""
    return isinstance(tree, _FOLLOWING) or (
        isinstance(tree, ast.AlterTableStmt) and all(each.subtype in _OF_COLUMNS for each in tree.cmds or ())
    )


def _options(tree: Any) -> dict[str, Any]:
    return {
        str(each.defname): each.arg
        for each in getattr(tree, "options" if isinstance(tree, ast.CreateFunctionStmt) else "definition", None) or ()
    }


def _states(options: Mapping[str, Any]) -> list[Any]:
    return [options[each] for each in ("stype", "mstype") if isinstance(options.get(each), ast.TypeName)]


def _names(node: Any) -> list[str]:
    parts = node.names or () if isinstance(node, ast.TypeName) else node if isinstance(node, tuple) else (node,)
    return [str(getattr(part, "sval", "")) for part in parts]


def refuse_code(entry: str, tree: Any) -> None:
    """Raises RefusedError where the definition itself calls what somebody else defined: a type's checks, a body."""
    named: list[Any] = []
    if isinstance(tree, ast.CreateFunctionStmt):
        if tree.sql_body is not None:
            raise RefusedError(_only_by_hand(entry, "a body that is read when it is made"))
        for each in tree.parameters or ():
            named += [each.argType, *_types_in(each.defexpr)] if each.defexpr is not None else []
    elif isinstance(tree, ast.CreateForeignTableStmt):
        for each in (tree.base and tree.base.tableElts) or ():
            named += _computed(each)
    elif isinstance(tree, ast.DefineStmt) and tree.kind == enums.ObjectType.OBJECT_AGGREGATE:
        named = _states(_options(tree))
    elif isinstance(tree, ast.AlterPublicationStmt) and not all(
        each.pubobjtype == enums.PublicationObjSpecType.PUBLICATIONOBJ_TABLES_IN_SCHEMA
        for each in tree.pubobjects or ()
    ):
        raise RefusedError(_only_by_hand(entry, "tables of its own"))
    if foreign := next((names for each in named if len(names := _names(each)) > 1 and names[0] != _OWN), None):
        raise RefusedError(_only_by_hand(entry, f"a value of the type {'.'.join(foreign)}"))


def _computed(element: Any) -> list[Any]:
    """The types of values that a column or a constraint of a table has."""
    if not isinstance(element, ast.ColumnDef):
        return [*_types_in(element)]
    rules = element.constraints or ()
    has_value = any(rule.contype == enums.ConstrType.CONSTR_DEFAULT for rule in rules)
    return [*_types_in(rules), *([element.typeName] if has_value else [])]


def _only_by_hand(entry: str, what: str) -> str:
    return (
        f"only a superuser may make {kind_of(entry)}, which has {what}, and that may run what somebody else defined: "
        "nothing was restored; look at it, then trust the backup (--with-my-rights)"
    )


def _types_in(node: Any) -> list[ast.TypeName]:
    if isinstance(node, ast.TypeName):
        return [node]
    inside = node if isinstance(node, tuple) else ()
    if isinstance(node, ast.Node):
        inside = tuple(getattr(node, each, None) for each in node)
    return [found for each in inside for found in _types_in(each)]


def gives_owner(tree: Any) -> bool:
    """And does nothing else."""
    return isinstance(tree, ast.AlterOwnerStmt) or (
        isinstance(tree, ast.AlterTableStmt)
        and all(each.subtype == enums.AlterTableType.AT_ChangeOwner for each in tree.cmds or ())
    )


def gives_words(tree: Any, kinds: tuple[type, ...]) -> bool:
    """Privileges and the like of what is in this database, by whoever granted them; or another of the `kinds`."""
    if isinstance(tree, ast.VariableSetStmt):
        return tree.name == "session_authorization"
    if isinstance(tree, ast.GrantStmt | ast.CommentStmt | ast.SecLabelStmt):
        return getattr(tree, "objtype", None) not in _SHARED
    return isinstance(tree, kinds)
