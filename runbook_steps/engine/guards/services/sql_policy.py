"""Which SQL a risk permits, judged by PostgreSQL's own parser and the catalogue of the database. Pure.

By kind of statement, and by what its names stand for: functions with their volatility and, where they are written
in SQL or PL/pgSQL, their bodies; views, policies, operators, casts, domains. Lists of what may pass, at both risks.
A guarded session is also one that the server itself holds to reading, so two layers must fail before a write gets
through: this one refuses the statements that could switch the other off.

A name is judged in all schemas at once, so that no search path makes it another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pglast
import pglast.stream
from pglast import ast

from runbook_steps.engine.guards.services.sql_bodies import Body, body_of
from runbook_steps.engine.guards.services.sql_catalogue import Catalogue, Function
from runbook_steps.engine.guards.services.sql_lists import CHANGING, EXTENSIONS, HARMLESS, RUN_TEXT
from runbook_steps.engine.guards.services.sql_settings import refused_setting
from runbook_steps.engine.guards.services.sql_statements import refused_statement, spoken, text_of
from runbook_steps.engine.model import Risk

__all__ = ["SqlJudge", "refused_sql"]

_OWN_SCHEMAS = ("pg_catalog", "information_schema")
_PG_DUMP = "view, foreign-table"  # pg_dump sets restrict_nonsystem_relation_kind so; no other setting takes that value
_DEEPEST = 20  # functions that call functions


def refused_sql(text: str, risk: Risk, catalogue: Catalogue | None = None) -> str | None:
    """What of the SQL goes beyond the risk, in a few words; None when nothing does.

    Text that PostgreSQL 18's grammar does not know is refused as well: what cannot be judged does not pass. Without
    a catalogue only the functions pass that the lists here name. At `destructive` everything passes.
    """
    if risk is Risk.DESTRUCTIVE:
        return None
    return SqlJudge(risk, catalogue or Catalogue()).refused(text)


@dataclass
class SqlJudge:
    """For one database and risk. What it found of a function is kept: bodies are read once."""

    risk: Risk
    catalogue: Catalogue
    _known: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _depth: int = 0

    def refused(self, text: str) -> str | None:
        """What of the text goes beyond the risk. Raises whatever the parser does beyond a syntax error."""
        try:
            statements = pglast.parse_sql(text)
        except (pglast.parser.ParseError, ValueError) as error:
            return f"SQL that cannot be judged ({str(error.args[0])[:120]})"
        return self._first(statements)

    def _first(self, trees: Iterable[Any]) -> str | None:
        return next((found for tree in trees for node in nodes(tree) if (found := self._refused_node(node))), None)

    def _refused_node(self, node: ast.Node) -> str | None:
        if found := refused_statement(node, self.risk):
            return found
        for kind, judge in _BY_NAME:
            if isinstance(node, kind):
                return judge(self, node)
        return None

    def call(self, call: Any) -> str | None:
        """A call of a function, an aggregate, a procedure."""
        names = [str(part.sval) for part in call.funcname]
        if names[-1].lower() == "set_config":
            setting, value, *_ = [*(text_of(argument) for argument in call.args or ()), "", ""]
            return None if value == _PG_DUMP or refused_setting(setting, value, self.risk) is None else "set_config()"
        return self._function(names[-2] if len(names) > 1 else "", names[-1])

    def _function(self, schema: str, name: str) -> str | None:
        """What is wrong with calling it; `schema` is empty where the search path decides."""
        key = (schema, name)
        if key not in self._known:
            self._known[key] = None  # one that calls itself
            self._known[key] = self._looked_up(schema, name)
        return self._known[key]

    def _looked_up(self, schema: str, name: str) -> str | None:
        own = schema in _OWN_SCHEMAS
        others = [f for f in self.catalogue.functions.get(name, ()) if schema in {"", f.schema}]
        if (own or not schema) and (refused := self._builtin(name, known_elsewhere=bool(others) and not own)):
            return refused
        if own:
            return None
        if schema and not others:
            return f"{name}(), a function that this database does not have"
        return next((found for each in others if (found := self._foreign(each))), None)

    def _builtin(self, name: str, *, known_elsewhere: bool) -> str | None:
        """A function of PostgreSQL itself."""
        if name in HARMLESS or (self.risk is Risk.MUTATING and name in CHANGING):
            return None
        volatility = self.catalogue.builtin.get(name)
        if volatility is None:
            return None if known_elsewhere else f"{name}()"
        return f"{name}()" if volatility == "v" or name in RUN_TEXT else None

    def _foreign(self, function: Function) -> str | None:
        """A function of an extension, or of the database's own people."""
        shown = f"{function.schema}.{function.name}()"
        if function.name in RUN_TEXT:
            return f"{function.name}()"
        if function.extension:
            trusted = function.extension in EXTENSIONS
            harmless = function.volatility != "v" or self.risk is Risk.MUTATING or function.name in HARMLESS
            return None if trusted and harmless else f"{shown} of the extension {function.extension}"
        if function.kind in "aw":
            return next((found for part in function.parts if (found := self._function("", part))), None)
        if self.risk is Risk.READONLY and function.volatility == "v":
            return f"{shown}, which its definition says may change something (VOLATILE)"
        if not function.definition:
            return f"{shown}, which is written in {function.language}"
        found = self._in_body(body_of(function.definition))
        return f"{shown}, which does {found}" if found else None

    def _in_body(self, body: Body) -> str | None:
        if body.refused:
            return body.refused
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                return "call functions too deeply"
            return next((found for text in body.texts if (found := self.refused(text))), None)
        finally:
            self._depth -= 1

    def reads(self, relation: Any) -> str | None:
        """A table or a view."""
        name, schema = str(relation.relname), relation.schemaname or ""
        if schema in _OWN_SCHEMAS:
            return None
        if name in self.catalogue.foreign_parents:
            return f"{name}, a table that another server or a program answers for"
        for found in self.catalogue.relations.get(name, ()):
            if schema not in {"", found.schema}:
                continue
            if found.kind == "f":
                return f"{name}, a table that another server or a program answers for"
            texts = [found.definition] if found.definition else []
            texts += [f"SELECT {each}" for each in found.texts]
            if refused := self._known_texts(f"{found.schema}.{name}", texts):
                return f"{found.schema}.{name}, which does {refused}"
        return None

    def _known_texts(self, name: str, texts: list[str]) -> str | None:
        key = ("", f"view {name}")
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._in_body(Body(tuple(texts)))
        return self._known[key]

    def operator(self, expression: Any) -> str | None:
        """An operator that an extension or the database's own people made calls a function."""
        names = [str(part.sval) for part in expression.name or () if isinstance(part, ast.String)]
        calls = self.catalogue.operators.get(names[-1], ()) if names else ()
        return next((f"the operator {names[-1]}: {found}" for call in calls if (found := self._function(*call))), None)

    def named_type(self, named: Any) -> str | None:
        """A cast may call a function, and a domain checks by one."""
        name = str(named.names[-1].sval) if named.names else ""
        texts = [f"SELECT {each}" for each in self.catalogue.domains.get(name, ()) if each]
        if texts and (found := self._known_texts(f"domain {name}", [each.replace("VALUE", "NULL") for each in texts])):
            return f"the domain {name}, which does {found}"
        calls = (*self.catalogue.casts.get(name, ()), *self.catalogue.hidden_casts)
        return next((f"a cast to {name}: {found}" for call in calls if (found := self._function(*call))), None)

    def column(self, reference: Any) -> str | None:
        """`row.name` is a call of name(row) where there is no such column."""
        last = reference[-1] if len(reference) > 1 else None
        name = str(last.sval) if isinstance(last, ast.String) else ""
        single = any(each.arguments == 1 for each in self.catalogue.functions.get(name, ()))
        return self._function("", name) if single else None

    def trigger(self, node: Any) -> str | None:
        """CREATE TRIGGER: what it will call."""
        names = [str(part.sval) for part in node.funcname]
        return self._function(names[-2] if len(names) > 1 else "", names[-1])

    def statement_body(self, node: Any) -> str | None:
        """What DO and CREATE FUNCTION bring with them: only where something may be changed at all."""
        if self.risk is Risk.READONLY:
            return None  # refused by its kind
        found = self._in_body(body_of(pglast.stream.RawStream()(node)))
        return f"{spoken(node)}, which does {found}" if found else None


def nodes(node: Any) -> Iterator[ast.Node]:
    """The node and everything below it."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Node):
            yield each
            waiting += [getattr(each, name) for name in reversed(tuple(each))]
        elif isinstance(each, tuple):
            waiting += reversed(each)


_BY_NAME: tuple[tuple[type, Callable[[SqlJudge, Any], str | None]], ...] = (
    (ast.FuncCall, SqlJudge.call),
    (ast.RangeVar, SqlJudge.reads),
    (ast.A_Expr, SqlJudge.operator),
    (ast.TypeName, SqlJudge.named_type),
    (ast.ColumnRef, lambda judge, node: judge.column(node.fields)),
    (ast.A_Indirection, lambda judge, node: judge.column(("", *node.indirection))),
    (ast.CreateTrigStmt, SqlJudge.trigger),
    (ast.DoStmt, SqlJudge.statement_body),
    (ast.CreateFunctionStmt, SqlJudge.statement_body),
)
