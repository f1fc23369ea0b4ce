"""What a statement writes to, and what that sets off: triggers, rules, defaults, checks, expressions of indexes. Pure.

Each judge here says what is wrong with a node, or None; at `readonly` they have nothing to say, for such a statement is
refused by its kind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pglast
from pglast import ast, enums

from runbook_steps.engine.guards.services.sql_bodies import Body, rule_actions
from runbook_steps.engine.guards.services.sql_catalogue import Catalogue
from runbook_steps.engine.guards.services.sql_rows import Keys, Known, names_columns, names_rows
from runbook_steps.engine.guards.services.sql_statements import gives_many, is_own, nodes, spoken, text_of
from runbook_steps.engine.model import Risk

if TYPE_CHECKING:
    from runbook_steps.engine.guards.services.sql_policy import SqlJudge

__all__ = ["altered", "indexed", "is_new_sequence", "made", "overwrites", "renamed", "rows", "view", "written"]

_JOINING = (enums.AlterTableType.AT_AttachPartition, enums.AlterTableType.AT_AddInherit)
_PLAIN_NAME = re.compile(r'(?:\w+\.|"[^"]+"\.)?(?:"([^"]+)"|([a-zA-Z_]\w*))', re.ASCII)  # a number is one too
_RELATIONS = frozenset({enums.ObjectType.OBJECT_TABLE, enums.ObjectType.OBJECT_VIEW})


def rows(judge: SqlJudge, node: Any) -> str | None:
    """DELETE and UPDATE name the rows that they mean."""
    name, catalogue = str(node.relation.relname), judge.catalogue
    known = Known(
        judge.variables, bool(judge.repeated), not judge.in_a_body, _keys(catalogue, name, node.relation.inh),
        catalogue.is_table(name), catalogue.calm, catalogue.operators,
    )  # fmt: skip
    if judge.risk is Risk.READONLY or names_rows(node, known):
        return None
    if not names_columns(node, known):
        return f"{spoken(node)} without a column that is equal to a value"
    return f"{spoken(node)} by what is no key of {name}: it may mean every row"


def _keys(catalogue: Catalogue, name: str, below: bool) -> tuple[Keys, ...] | None:
    """Of the table and, where its children are meant too, of each of them: their rows are held to keys of their own.

    What is not known has no key: it may be a view that was made just now, over a table that was there.
    """
    if catalogue.keys is None:
        return None
    meant = dict.fromkeys([name])
    while below and (
        more := {c for each in meant for w in catalogue.written.get(each, ()) for c in w.children} - {*meant}
    ):
        meant |= dict.fromkeys(sorted(more))
    return tuple(keys for each in meant for keys in catalogue.keys.get(each, ((),)))


def overwrites(judge: SqlJudge, node: Any) -> str | None:
    """INSERT that overwrites what is there, again and again: each time another row."""
    conflict = node.onConflictClause
    if conflict is None or conflict.action != enums.OnConflictAction.ONCONFLICT_UPDATE or judge.risk is Risk.READONLY:
        return None
    if found := next(filter(None, (gives_many(each, judge.catalogue) for each in nodes(node.selectStmt))), None):
        return f"INSERT that overwrites on conflict as many rows as {found}() gives"
    return "INSERT that overwrites on conflict, again and again" if judge.repeated else None


def written(judge: SqlJudge, node: Any) -> str | None:
    """What INSERT, UPDATE, DELETE and others write to: what that sets off, and none of the server's own tables."""
    if judge.risk is Risk.READONLY or (isinstance(node, ast.CopyStmt) and not node.is_from) or not node.relation:
        return None
    return _target(judge, node.relation)


def indexed(judge: SqlJudge, node: Any) -> str | None:
    """What builds indexes anew, or looks at values, evaluates the expressions of a table."""
    if judge.risk is Risk.MUTATING and (found := _for_everybody(node)):
        return found
    below = (each for each in nodes(node) if isinstance(each, ast.RangeVar))
    return next((found for each in below if (found := _anew(judge, str(each.relname)))), None)


def _for_everybody(node: Any) -> str | None:
    """What is written anew as a whole is locked meanwhile: all tables, or the server's own, which everybody reads."""
    options = (node.options if isinstance(node, ast.VacuumStmt) else node.params) or ()
    relations = [each for each in nodes(node) if isinstance(each, ast.RangeVar)]
    anew = isinstance(node, ast.ClusterStmt) or any(each.defname == "full" for each in options)
    if isinstance(node, ast.ReindexStmt):
        beside = [_is_on(each) for each in options if each.defname == "concurrently"]  # said twice, the last one counts
        anew = not beside or not all(beside) or node.kind == enums.ReindexObjectType.REINDEX_OBJECT_SYSTEM
    if not anew:
        return None
    if not relations:
        return f"{spoken(node)} of everything, which is locked meanwhile"
    own = next((each.relname for each in relations if is_own(each)), None)
    return f"{spoken(node)} of {own}, for which everybody would wait" if own else None


def _is_on(option: Any) -> bool:
    """Whether an option in brackets is said to be so: by its name alone, or by one of the server's words for it."""
    value = option.arg
    if isinstance(value, ast.Integer):
        return bool(value.ival == 1)
    return value is None or (isinstance(value, ast.String) and str(value.sval).lower() in {"true", "on"})


def _target(judge: SqlJudge, relation: Any) -> str | None:
    name = str(relation.relname)
    if is_own(relation):
        return f"a change of {name}, the server's own"
    found = judge.kept(
        ("", f"writing {name}"),
        lambda: judge.of_its_table(lambda: _evaluated(judge, name) or _sets_off(judge, name)),
    )
    return f"a change of {name}, which does {found}" if found else None


def _evaluated(judge: SqlJudge, name: str) -> str | None:
    known = judge.catalogue.written.get(name, ())
    given = [f"SELECT {each}" for one in known for each in one.texts]
    looked_at = [f"SELECT {each}" for one in known for each in one.planned]
    return judge.of_its_table(lambda: judge.known_texts(f"what is given in {name}", given)) or judge.known_texts(
        f"expressions of {name}", looked_at
    )


def _sets_off(judge: SqlJudge, name: str) -> str | None:
    for written in judge.catalogue.written.get(name, ()):
        found = [judge.runs(*each) for each in written.functions]
        found.append(judge.in_body(Body(tuple(text for rule in written.rules for text in rule_actions(rule)))))
        found += [_target(judge, ast.RangeVar(relname=each)) for each in written.children]
        if refused := next(filter(None, found), None):
            return refused
    for each in judge.catalogue.relations.get(name, ()):
        if each.kind == "m" and (refused := judge.in_body(Body((each.definition,)))):
            return refused
        below = nodes(tuple(pglast.parse_sql(each.definition))) if each.kind == "v" else ()
        if refused := next((no for n in below if isinstance(n, ast.RangeVar) and (no := _target(judge, n))), None):
            return refused
    return None


def altered(judge: SqlJudge, node: Any) -> str | None:
    """A table that becomes part of another brings what writing it sets off; one that is written anew, its indexes."""
    joins = any(command.subtype in _JOINING for command in node.cmds or ())
    below = (each for each in nodes(node) if isinstance(each, ast.RangeVar)) if joins else ()
    if found := next((found for each in below if (found := _target(judge, each))), None):
        return found
    return _anew(judge, str(node.relation.relname)) if judge.risk is Risk.MUTATING and node.relation else None


def is_new_sequence(call: Any, catalogue: Catalogue) -> bool:
    """Whether `nextval` names one, in one plain word, that was not there when the session began."""
    named = call.args[0] if call.args else None
    if isinstance(named, ast.TypeCast) and str(named.typeName.names[-1].sval) == "regclass":  # type: ignore[union-attr,index]
        named = named.arg
    plain = _PLAIN_NAME.fullmatch(text_of(named))
    return plain is not None and not catalogue.has(plain[1] or plain[2].lower())


def _anew(judge: SqlJudge, name: str) -> str | None:
    """What the expressions of a table do, and of those below it."""
    below = (child for written in judge.catalogue.written.get(name, ()) for child in written.children)
    return _evaluated(judge, name) or next((found for each in below if (found := _anew(judge, each))), None)


def view(judge: SqlJudge, node: Any) -> str | None:
    """A view of the server's own tables could be written to as if it were none; one of a table, as that is."""
    below = (each for each in nodes(node.query) if isinstance(each, ast.RangeVar))
    if found := next((f"a view of {each.relname}, the server's own" for each in below if is_own(each)), None):
        return found
    source = (node.query.fromClause or ()) if isinstance(node.query, ast.SelectStmt) else ()
    through = len(source) == 1 and isinstance(source[0], ast.RangeVar) and judge.risk is Risk.MUTATING
    return _target(judge, source[0]) if through else None


def made(judge: SqlJudge, node: Any) -> str | None:
    """A table that is made like another one, or is a part of it, has its expressions, and a part its triggers."""
    if judge.risk is Risk.READONLY:
        return None
    like = [each.relation for each in node.tableElts or () if isinstance(each, ast.TableLikeClause)]
    above = [*(node.inhRelations or ())]
    found = (_evaluated(judge, str(each.relname)) for each in (*like, *above))
    of = (_target(judge, each) for each in above if node.partbound)
    return next(filter(None, (*found, *of)), None)


def renamed(judge: SqlJudge, node: Any) -> str | None:
    """Under another name it would be judged as what that name stood for."""
    if node.renameType not in _RELATIONS or judge.risk is Risk.READONLY or node.relation is None:
        return None
    return judge.reads(node.relation) or _target(judge, node.relation)
