"""What loses nothing that stands in a row, and takes something away all the same. Pure; for `mutating`.

A definition that is replaced is gone, and so is a password; rights that are taken, rows that a policy hides and
writes that a trigger swallows are not there for who needs them; what is given to everybody cannot be called back. Each
judge here lists what may pass and names the rest. What is new is free: a relation that the catalogue does not know
was made in this session, and a database without any is being filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pglast import ast, enums

from runbook_steps.engine.guards.services import sql_tables
from runbook_steps.engine.guards.services.sql_grants import granted, granted_role, reaches_far, reaches_out
from runbook_steps.engine.guards.services.sql_lists import MOMENTS, STORED
from runbook_steps.engine.guards.services.sql_settings import refused_amount
from runbook_steps.engine.guards.services.sql_statements import OWN_SCHEMAS, is_own, spoken, value_of
from runbook_steps.engine.model import Risk

if TYPE_CHECKING:
    from runbook_steps.engine.guards.services.sql_policy import SqlJudge

__all__ = ["TAKING"]

_NAMES = frozenset({
    enums.ObjectType.OBJECT_TABLE, enums.ObjectType.OBJECT_VIEW, enums.ObjectType.OBJECT_COLUMN,
    enums.ObjectType.OBJECT_SEQUENCE,
})  # fmt: skip
_MADE_AGAIN = frozenset({enums.ObjectType.OBJECT_INDEX, enums.ObjectType.OBJECT_STATISTIC_EXT})
_RELATIONS = frozenset(
    {
        enums.ObjectType.OBJECT_TABLE,
        enums.ObjectType.OBJECT_VIEW,
        enums.ObjectType.OBJECT_SEQUENCE,
    }
)
_BY_INDEX = frozenset({enums.ObjectType.OBJECT_INDEX, enums.ObjectType.OBJECT_TABCONSTRAINT})
_INDEXED = frozenset({
    enums.ConstrType.CONSTR_UNIQUE, enums.ConstrType.CONSTR_PRIMARY, enums.ConstrType.CONSTR_EXCLUSION,
})  # fmt: skip
_AFTER = 0  # of a trigger; before, and in place of, are bits
_MORE_THAN_OTHERS = frozenset({"superuser", "createdb", "createrole", "isreplication", "bypassrls"})
_VERIFIER = re.compile(r"SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+")
_TIME = re.compile(r"([0-9]{1,9}) ?(ms|s|min|h|d|)")
_MS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_SHORTEST_MS, _SHORTEST_IDLE_MS = 1000, 100  # who does nothing in a transaction is served all the same
_SEQUENCES: Mapping[str, Callable[[Any], bool]] = {
    "cache": lambda number: isinstance(number, ast.Integer) and (number.ival or 0) <= _MOST_CACHED,
    "as": lambda kind: str(kind.names[-1].sval) == "int8",  # in a smaller one there may be no number left
}
_MOST_CACHED = 1000  # numbers that each session takes at once, and that are gone with it
_FULL = "its calls would lead here"
Judge = Callable[["SqlJudge", Any], str | None]


def _of(judge: Judge, *, empty: bool) -> Judge:
    """Nothing is taken from a database that is empty; at `readonly` such a statement is refused by its kind."""

    def judged(sql: SqlJudge, node: Any) -> str | None:
        free = empty and sql.catalogue.empty and not reaches_out(node)
        return None if free or sql.risk is not Risk.MUTATING else judge(sql, node)

    return judged


def _there(sql: SqlJudge, relation: Any) -> bool:
    """Whether it was there when the session began, or is the server's own."""
    return is_own(relation) or sql.catalogue.has(str(relation.relname))


def _view(sql: SqlJudge, node: Any) -> str | None:
    there = node.replace and _there(sql, node.view)
    return f"CREATE OR REPLACE VIEW of {node.view.relname}, which is there" if there else None


def _function(sql: SqlJudge, node: Any) -> str | None:
    *schema, name = (str(part.sval) for part in node.funcname)
    if any(each.defname == "security" and each.arg.boolval for each in node.options or ()):
        return f"CREATE FUNCTION {name} SECURITY DEFINER, which everybody may call with the rights of its owner"
    known = name in sql.catalogue.functions or name in sql.catalogue.builtin
    if known or schema == ["pg_catalog"]:
        return f"CREATE FUNCTION {name}, of which there is one: {_FULL}"
    return None


def _trigger(sql: SqlJudge, node: Any) -> str | None:
    if not _there(sql, node.relation) or (node.timing == _AFTER and not node.replace):
        return None
    what = "CREATE OR REPLACE TRIGGER" if node.replace else "a trigger before"
    return f"{what} on {node.relation.relname}: it may swallow what others write"


def _new_role(sql: SqlJudge, node: Any) -> str | None:
    for option in node.options or ():
        name, value = str(option.defname), option.arg
        if name == "addroleto":
            found = reaches_far(sql, (str(role.rolename) for role in value))
        elif name == "password":
            found = _password(value)
        elif name in _MORE_THAN_OTHERS:
            found = f"CREATE ROLE with {name.upper()}" if value is None or value.boolval else None
        else:
            known = name in {"canlogin", "inherit", "connectionlimit", "validUntil"}
            found = None if known else f"CREATE ROLE with {name.upper()}"
        if found:
            return found
    return None


def _password(value: Any) -> str | None:
    """What the server keeps is given; the word itself would stand in its log, and without one nobody gets in."""
    text = str(value.sval) if isinstance(value, ast.String) else ""
    if _VERIFIER.fullmatch(text):
        return None
    return "a password that is taken away" if not text else r"a password in clear; \password of psql sends none"


def _role(sql: SqlJudge, node: Any) -> str | None:
    """That it may sign in; of one that this run has made, its password and the opposite as well.

    A password that is replaced is gone, and who signs in by it is out.
    """
    known = not node.role.rolename or str(node.role.rolename) in sql.catalogue.roles
    for option in node.options or ():
        if option.defname == "password":
            found = f"a new password of {node.role.rolename}, who is there" if known else _password(option.arg)
        else:
            allowed = option.defname == "canlogin" and (option.arg.boolval or not known)
            found = None if allowed else f"ALTER ROLE with {str(option.defname).upper()}"
        if found:
            return found
    return None


def _stored(sql: SqlJudge, node: Any) -> str | None:
    """A setting that is kept for sessions to come."""
    said, name = node.setstmt, (node.setstmt.name or "").lower()
    what = f"a stored setting {name or 'of every name'}"
    kinds = enums.VariableSetKind
    if said.kind in {kinds.VAR_RESET, kinds.VAR_SET_DEFAULT}:
        return None if name in MOMENTS | STORED | {"role"} else what
    if said.kind != kinds.VAR_SET_VALUE or len(said.args) != 1 or not isinstance(said.args[0], ast.A_Const):
        return what
    value = value_of(said.args[0])
    if refused := refused_amount(name, value):
        return refused
    if name in MOMENTS:
        time = _TIME.fullmatch(value.strip())
        milliseconds = int(time[1]) * _MS[time[2]] if time else 1
        shortest = _SHORTEST_IDLE_MS if name == "idle_in_transaction_session_timeout" else _SHORTEST_MS
        return f"{what} so short that nobody is served" if 0 < milliseconds < shortest else None
    if name == "role" and isinstance(node, ast.AlterRoleSetStmt) and node.role:
        return what if str(node.role.rolename) in sql.catalogue.roles else reaches_far(sql, [value])
    return None if name in STORED else what


def _database(sql: SqlJudge, node: Any) -> str | None:
    """One that the server did not have when the session began is this session's own."""
    there = sql.catalogue.databases is None or node.dbname in sql.catalogue.databases
    return f"DROP DATABASE {node.dbname}" if there else None


def _sequence(sql: SqlJudge, node: Any) -> str | None:
    for option in node.options or () if _there(sql, node.sequence) else ():
        if option.defname == "owned_by":  # by a column: NONE is one word; and it is dropped with its table
            held = len(option.arg) > 1 and sql.catalogue.has(str(option.arg[-2].sval))
        else:
            held = _SEQUENCES.get(option.defname, lambda _: False)(option.arg)
        if not held:
            return f"ALTER SEQUENCE {option.defname} of {node.sequence.relname}"
    return None


def _renamed(sql: SqlJudge, node: Any) -> str | None:
    relation = node.relation
    if relation is None:
        return None
    if relation.relname in sql.parts:
        sql.parts.add(str(node.newname))
    if relation.relname in sql.catalogue.unique:
        return f"RENAME of {relation.relname}, by which values are unique"
    if node.renameType in _RELATIONS | _BY_INDEX and (found := _second(sql, str(node.newname))):
        return found
    taken = node.renameType in _NAMES and _there(sql, relation)
    return f"RENAME of {relation.relname}, which others know by its name" if taken else None


def _policy(sql: SqlJudge, node: Any) -> str | None:
    return f"{spoken(node)} on {node.table.relname}" if _there(sql, node.table) else None


def _dropped(sql: SqlJudge, node: Any) -> str | None:
    """What is made again from what is there, and nothing that hangs on it; or a relation of this session."""
    kind, what = node.removeType, f"DROP {node.removeType.name.removeprefix('OBJECT_')}"
    if kind in _MADE_AGAIN:
        holds = next((str(each[-1].sval) for each in node.objects if str(each[-1].sval) in sql.catalogue.unique), None)
        if holds and kind == enums.ObjectType.OBJECT_INDEX:
            return f"{what} {holds}, by which values are unique"
        return f"{what} CASCADE" if node.behavior == enums.DropBehavior.DROP_CASCADE else None
    if kind not in _RELATIONS:
        return what
    named = [ast.RangeVar(relname=n[-1].sval, schemaname=n[-2].sval if len(n) > 1 else None) for n in node.objects]
    if part := next((str(each.relname) for each in named if each.relname in sql.parts), None):
        return f"{what} {part}, a part of another, in which others may have written meanwhile"
    return what if any(_there(sql, each) for each in named) else None


def _table(sql: SqlJudge, node: Any) -> str | None:
    """In a part is what others write through the table above."""
    if node.partbound:
        sql.parts.add(str(node.relation.relname))
    return _covers(sql, node)


def _type(_: SqlJudge, node: Any) -> str | None:
    """Everybody looks for a name first among the server's own, unless a search path says otherwise."""
    *schema, name = (str(part.sval) for part in getattr(node, "domainname", None) or node.typeName)
    if name in sql_tables.PLAIN_TYPES:
        return f"CREATE TYPE {name}, as one of the server's own is called"
    return f"CREATE TYPE {name} among the server's own" if schema and schema[-1] in OWN_SCHEMAS else None


def _schema(sql: SqlJudge, node: Any) -> str | None:
    """Everybody looks for a name first in the schema that is called as they are."""
    name = node.schemaname or (node.authrole.rolename if node.authrole else "") or "CURRENT_USER"
    own = name == "CURRENT_USER" or name in sql.catalogue.roles
    return f"CREATE SCHEMA {name}, in which that role would look first" if own else None


def _covers(sql: SqlJudge, node: Any) -> str | None:
    """A relation of a name that there is, in another schema: who looks there first would find this one."""
    relation = _made(node)
    own = relation.relpersistence == "t" and not isinstance(node, ast.ViewStmt)  # a view leads to what is there
    quiet = getattr(node, "if_not_exists", False) and not relation.schemaname
    return None if own or quiet else _second(sql, str(relation.relname))


def _second(sql: SqlJudge, name: str) -> str | None:
    """An index, a sequence and a composite type are found by a name as a table is."""
    there = sql.catalogue.has_of_somebody(name)
    return f"a second {name}, which others would find in place of the first" if there else None


def _key(sql: SqlJudge, node: Any) -> str | None:
    """A constraint that an index keeps gives it its name; numbers of a column have a sequence, which may be named."""
    names = [str(node.conname)] if node.contype in _INDEXED and node.conname else []
    if node.contype == enums.ConstrType.CONSTR_IDENTITY:
        names += [str(each.arg[-1].sval) for each in node.options or () if each.defname == "sequence_name"]
    return next(filter(None, (_second(sql, each) for each in names)), None)


def _made(node: Any) -> Any:
    """The relation that a statement makes."""
    into = getattr(node, "into", None) or getattr(node, "intoClause", None)
    if into is not None:
        return into.rel
    return next(getattr(node, name) for name in ("view", "sequence", "typevar", "relation") if hasattr(node, name))


_IN_A_DATABASE: Mapping[type, Judge] = {
    ast.ViewStmt: lambda sql, node: _view(sql, node) or _covers(sql, node),
    ast.CreateStmt: _table,
    ast.CreateTableAsStmt: _covers,
    ast.CreateSeqStmt: _covers,
    ast.CompositeTypeStmt: _covers,
    ast.SelectStmt: lambda sql, node: _covers(sql, node) if node.intoClause else None,
    ast.Constraint: _key,
    ast.CreateSchemaStmt: _schema,
    ast.CreateFunctionStmt: _function,
    ast.CreateTrigStmt: _trigger,
    ast.GrantStmt: granted,
    ast.AlterOwnerStmt: lambda _, node: f"{spoken(node)} of {node.objectType.name.removeprefix('OBJECT_')}",
    ast.AlterTableStmt: sql_tables.altered,
    ast.IndexStmt: lambda sql, node: sql_tables.indexed(sql, node) or _second(sql, node.idxname or ""),
    ast.AlterSeqStmt: _sequence,
    ast.AlterEnumStmt: lambda _, node: "ALTER TYPE RENAME VALUE" if node.oldVal else None,
    ast.RenameStmt: _renamed,
    ast.CreatePolicyStmt: _policy,
    ast.AlterPolicyStmt: _policy,
    ast.DropStmt: _dropped,
    ast.CreateDomainStmt: _type,
    ast.CreateEnumStmt: _type,
}
_OF_THE_SERVER: Mapping[type, Judge] = {
    ast.GrantRoleStmt: granted_role,
    ast.CreateRoleStmt: _new_role,
    ast.AlterRoleStmt: _role,
    ast.AlterRoleSetStmt: _stored,
    ast.AlterDatabaseSetStmt: _stored,
    ast.DropdbStmt: _database,
}
TAKING: Mapping[type, Judge] = {
    **{kind: _of(judge, empty=True) for kind, judge in _IN_A_DATABASE.items()},
    **{kind: _of(judge, empty=False) for kind, judge in _OF_THE_SERVER.items()},
}
"""What judges a statement by its kind."""
