"""GRANT and REVOKE: what is taken from somebody, and what reaches further than this database. Pure; for `mutating`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pglast import ast, enums

from runbook_steps.engine.guards.services.sql_lists import EXTENSIONS
from runbook_steps.engine.guards.services.sql_statements import OWN_SCHEMAS, is_own

if TYPE_CHECKING:
    from runbook_steps.engine.guards.services.sql_policy import SqlJudge

__all__ = ["granted", "granted_role", "reaches_far", "reaches_out"]

_GRANTED_ON = frozenset({
    enums.ObjectType.OBJECT_TABLE, enums.ObjectType.OBJECT_SEQUENCE, enums.ObjectType.OBJECT_SCHEMA,
    enums.ObjectType.OBJECT_DATABASE, enums.ObjectType.OBJECT_FUNCTION, enums.ObjectType.OBJECT_PROCEDURE,
    enums.ObjectType.OBJECT_ROUTINE, enums.ObjectType.OBJECT_TYPE, enums.ObjectType.OBJECT_DOMAIN,
})  # fmt: skip
_OF_ALL = frozenset({
    enums.ObjectType.OBJECT_DATABASE, enums.ObjectType.OBJECT_TABLESPACE, enums.ObjectType.OBJECT_PARAMETER_ACL,
})  # fmt: skip


def granted(sql: SqlJudge, node: Any) -> str | None:
    """Rights on something."""
    tables = [each for each in node.objects or () if isinstance(each, ast.RangeVar)]
    if (
        tables
        and len(tables) == len(node.objects)
        and not any(is_own(each) or sql.catalogue.has(str(each.relname)) for each in tables)
    ):
        return None
    databases = _databases(node)
    if databases and sql.catalogue.databases is not None and sql.catalogue.databases.isdisjoint(databases):
        return None
    if not node.is_grant:
        return "REVOKE"
    if node.objtype not in _GRANTED_ON:
        return f"GRANT ON {node.objtype.name.removeprefix('OBJECT_')}"
    if any(each.roletype == enums.RoleSpecType.ROLESPEC_PUBLIC for each in node.grantees or ()):
        return "GRANT TO PUBLIC"
    own = (
        f"GRANT ON {_called(each)[-1]}, the server's own" for each in node.objects or () if _reaches_beyond(sql, each)
    )
    return next(own, "GRANT WITH GRANT OPTION" if node.grant_option else None)


def _reaches_beyond(sql: SqlJudge, granted_on: Any) -> bool:
    """Passwords and files of the server stand behind what is its own, and what an unknown extension may do."""
    if isinstance(granted_on, ast.RangeVar):
        return is_own(granted_on)
    *schema, name = _called(granted_on)
    if not isinstance(granted_on, ast.ObjectWithArgs):
        return name in OWN_SCHEMAS  # a schema, or all that is in one
    theirs = (each.extension for each in sql.catalogue.functions.get(name, ()))
    unknown = any(each and each not in EXTENSIONS for each in theirs)
    return unknown or bool(schema and schema[-1] in OWN_SCHEMAS) or (not schema and name in sql.catalogue.builtin)


def _called(granted_on: Any) -> list[str]:
    if isinstance(granted_on, ast.RangeVar):
        return [str(granted_on.relname)]
    parts = granted_on.objname if isinstance(granted_on, ast.ObjectWithArgs) else granted_on
    return [str(part.sval) for part in (parts if isinstance(parts, tuple) else (parts,))]


def granted_role(sql: SqlJudge, node: Any) -> str | None:
    """A role to another one."""
    if not node.is_grant:
        return "REVOKE"
    if node.opt:
        return "GRANT of a role with an option"
    given = [str(each.priv_name) for each in node.granted_roles]
    found = next((role for role in given if role in sql.catalogue.creators), None)
    return f"the rights of {found}, which makes roles" if found else reaches_far(sql, given)


def reaches_far(sql: SqlJudge, roles: Iterable[str]) -> str | None:
    """One of the roles by which somebody gets more than there is in this database."""
    found = next((role for role in roles if role.startswith("pg_") or role in sql.catalogue.superusers), None)
    return f"the rights of {found}, which reach beyond this database" if found else None


def reaches_out(node: Any) -> bool:
    """Whether it is about what belongs to the whole server: that can be named from an empty database as well."""
    kind = node.objtype if isinstance(node, ast.GrantStmt) else None
    kind = node.objectType if isinstance(node, ast.AlterOwnerStmt) else kind
    return kind in _OF_ALL


def _databases(node: Any) -> tuple[str, ...]:
    own = node.objtype == enums.ObjectType.OBJECT_DATABASE
    return tuple(str(each.sval) for each in node.objects or ()) if own else ()
