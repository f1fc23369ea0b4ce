"""Which SQL a risk permits, judged by PostgreSQL's own parser and the catalogue of the database. Pure.

By kind of statement, and by what its names stand for: functions with their volatility and, where they are written
in SQL or PL/pgSQL, their bodies; views, policies, operators, casts, domains. Lists of what may pass, at both risks.
A guarded session is also one that the server itself holds to reading, so two layers must fail before a write gets
through: this one refuses the statements that could switch the other off.

A name is judged in all schemas at once, so that no search path makes it another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pglast
import pglast.stream
from pglast import ast

from runbook_steps.engine.guards.services import sql_ending, sql_planning, sql_writes
from runbook_steps.engine.guards.services.sql_bodies import Body, body_of
from runbook_steps.engine.guards.services.sql_catalogue import Catalogue, Function
from runbook_steps.engine.guards.services.sql_lists import (
    AGAIN,
    CHANGING,
    ENDING,
    EXTENSIONS,
    FILLING,
    HARMLESS,
    RUN_TEXT,
)
from runbook_steps.engine.guards.services.sql_secrets import named_apart, secret, secret_call, secret_show
from runbook_steps.engine.guards.services.sql_settings import refused_setting
from runbook_steps.engine.guards.services.sql_shared import left_behind
from runbook_steps.engine.guards.services.sql_statements import (
    OWN_SCHEMAS,
    Notation,
    RowNotation,
    Times,
    how_often,
    is_text,
    nodes,
    refused_statement,
    spoken,
    value_of,
)
from runbook_steps.engine.guards.services.sql_taking import TAKING
from runbook_steps.engine.model import Risk

__all__ = ["SqlJudge", "refused_sql"]

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
    """For one database and risk. What it found of a function is kept: bodies are read once.

    `shared` is a session that others get after this one. `parts` are tables that were made a part of another while
    it judged: the catalogue does not know them, and what others write may be in them. Who asks keeps them.
    """

    risk: Risk
    catalogue: Catalogue
    shared: bool = False
    _known: dict[tuple[str, str, Times], str | None] = field(default_factory=dict)
    _assumed: set[tuple[str, str, Times]] = field(default_factory=set)
    _open: set[tuple[str, str]] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    _depth: int = 0
    _apart: frozenset[str] = frozenset()
    _ending: frozenset[int] = frozenset()
    _scalars: bool = False
    variables: frozenset[str] = frozenset()
    repeated: Times = Times.ONCE
    many: Times = Times.ONCE

    def refused(self, text: str, types: Iterable[int] = ()) -> str | None:
        """What of the text goes beyond the risk. Raises whatever the parser does beyond a syntax error.

        `types` are those of its parameters, by number, as far as its client says them.
        """
        if found := next((found for each in (0, *types) if (found := self._unsaid(each))), None):
            return found
        try:
            statements = pglast.parse_sql(text)
        except (pglast.parser.ParseError, ValueError) as error:
            return f"SQL that cannot be judged ({str(error.args[0])[:120]})"
        return next((found for tree in statements if (found := self._statement(tree))), None)

    @property
    def in_a_body(self) -> bool:
        """Whether what is judged stands in a function or a block, which give its parameters."""
        return self._depth > 0

    def _statement(self, tree: Any) -> str | None:
        before = self._apart, self._ending, self.many, self._scalars
        self._apart = named_apart(tree, self.catalogue)
        self._scalars = any(isinstance(each, _GIVE_SCALARS) for each in nodes(tree))
        self._ending = sql_ending.of_one_session(tree, self.catalogue, repeated=bool(self.repeated))
        if self.risk is Risk.MUTATING:
            self.many = max(self.many, self.repeated, how_often(tree, self.catalogue))
        try:
            return next((found for node in nodes(tree) if (found := self._refused_node(node))), None)
        finally:
            self._apart, self._ending, self.many, self._scalars = before

    def _refused_node(self, node: ast.Node) -> str | None:
        if found := refused_statement(node, self.risk) or (self.shared and left_behind(node)):
            return found
        return next((found for judge in _BY_NAME.get(type(node), ()) if (found := judge(self, node))), None)

    def call(self, call: Any) -> str | None:
        """A call of a function, an aggregate, a procedure."""
        names = [str(part.sval) for part in call.funcname]
        if found := self._type(names[-1]):  # `name(value)` is a cast as well
            return f"{names[-1]}: {found}"
        if names[-1] == "set_config":
            return self._sets(call)
        if self.risk is Risk.READONLY and (found := secret_call(names[-1], call.args, self.catalogue)):
            return found
        if self.risk is Risk.MUTATING and (found := self._takes(call, names[-1])):
            return found
        return self._function(names[-2] if len(names) > 1 else "", names[-1])

    def _sets(self, call: Any) -> str | None:
        """`set_config`: as SET, or what somebody else has called so."""
        setting, value, *_ = [*(value_of(argument) for argument in call.args or ()), "", ""]
        if value != _PG_DUMP and refused_setting(setting, value, self.risk) is not None:
            return "set_config()"
        if setting.lower() == "search_path" and self.risk is Risk.MUTATING and not any(map(is_text, call.args[1:2])):
            return "set_config() of a search_path that is not written down"
        theirs = self.catalogue.functions.get("set_config", ())
        return next((found for each in theirs if (found := self.foreign(each))), None)

    def _takes(self, call: Any, name: str) -> str | None:
        """A call that takes something from others, by what it is given or by how often it is done."""
        if name in ENDING:
            return sql_ending.refused(name, of_one=id(call) in self._ending)
        if self.catalogue.empty:
            return None
        if name in FILLING:
            return f"{name}(), which overwrites what is there"
        own = name == "nextval" and self.many is Times.FOR_ROWS and sql_writes.is_new_sequence(call, self.catalogue)
        return f"{name}() again and again, {AGAIN[name]}" if self.many and name in AGAIN and not own else None

    def _function(self, schema: str, name: str) -> str | None:
        """What is wrong with calling it; `schema` is empty where the search path decides."""
        before, again = self.many, self.risk is Risk.MUTATING and (schema, name) in self._open
        self.many = Times.AGAIN if again else before  # one that calls itself does so again and again
        try:
            return self.kept((schema, name), lambda: self._looked_up(schema, name))
        finally:
            self.many = before

    def kept(self, of: tuple[str, str], find: Callable[[], str | None]) -> str | None:
        """What was found once. One that leads back to itself is taken for good on the way, and only on the way."""
        key = (*of, self.many)
        if key in self._known or key in self._assumed:
            return self._known.get(key)
        outermost = not self._assumed
        self._assumed.add(key)
        if found := self._finding(of, find):
            self._known[key] = found
        if outermost:
            self._known |= dict.fromkeys(() if found else self._assumed)
            self._assumed.clear()
        elif found:
            self._assumed.discard(key)
        return found

    def _finding(self, of: tuple[str, str], find: Callable[[], str | None]) -> str | None:
        known = of in self._open
        self._open.add(of)
        try:
            return find()
        finally:
            if not known:
                self._open.discard(of)

    def _looked_up(self, schema: str, name: str) -> str | None:
        own = schema in OWN_SCHEMAS
        others = [f for f in self.catalogue.functions.get(name, ()) if schema in {"", f.schema}]
        if (own or not schema) and (refused := self._builtin(name, known_elsewhere=bool(others))):
            return refused
        if schema and not own and not others:
            return f"{name}(), a function that this database does not have"
        return next((found for each in others if (found := self.foreign(each))), None)

    def _builtin(self, name: str, *, known_elsewhere: bool) -> str | None:
        """A function of PostgreSQL itself."""
        if name in HARMLESS or (self.risk is Risk.MUTATING and name in CHANGING | ENDING | FILLING):
            return None
        volatility = self.catalogue.builtin.get(name)
        if volatility is None:
            return None if known_elsewhere else f"{name}()"
        return f"{name}()" if volatility == "v" or name in RUN_TEXT else None

    def foreign(self, function: Function) -> str | None:
        """A function of an extension, or of the database's own people."""
        shown = f"{function.schema}.{function.name}()"
        if function.name in RUN_TEXT:
            return f"{function.name}()"
        if found := next((found for each in function.types if (found := self._unsaid(each))), None):
            return f"{shown}: {found}"
        if function.extension:
            trusted = function.extension in EXTENSIONS
            listed = HARMLESS | CHANGING if self.risk is Risk.MUTATING else HARMLESS
            harmless = function.volatility != "v" or function.name in listed
            return None if trusted and harmless else f"{shown} of the extension {function.extension}"
        if function.kind == "a":
            return next((found for part in function.parts if (found := self._function("", part))), None)
        if self.risk is Risk.READONLY and function.volatility == "v":
            return f"{shown}, which its definition says may change something (VOLATILE)"
        return self._what_it_does(function)

    def _what_it_does(self, function: Function) -> str | None:
        shown = f"{function.schema}.{function.name}()"
        if not function.definition:
            return f"{shown}, which is written in {function.language}"
        found = self.in_body(body_of(function.definition))
        return f"{shown}, which does {found}" if found else None

    def runs(self, schema: str, name: str) -> str | None:
        """A function that the server calls by itself: by what it does, whatever its volatility says."""
        return self.kept((schema, f"{name} by itself"), lambda: self._run(schema, name))

    def _run(self, schema: str, name: str) -> str | None:
        return self.of_its_table(lambda: self._runs_itself(schema, name))

    def of_its_table(self, find: Callable[[], str | None]) -> str | None:
        """What belongs to a table, as a foreign key does: a default, a trigger. How many rows are written is said."""
        before = self.many, self.repeated
        self.many = self.repeated = Times.ONCE
        try:
            return find()
        finally:
            self.many, self.repeated = before

    def _runs_itself(self, schema: str, name: str) -> str | None:
        known = (f for f in self.catalogue.functions.get(name, ()) if f.schema == schema)
        own = (f for f in known if f.definition or not f.extension)  # the others are what an extension is made of
        return next((found for f in own if (found := self._what_it_does(f))), None)

    def _unsaid(self, number: int) -> str | None:
        """What the server runs for values of a type: checks of domains, casts, operators that compare."""
        return self.kept(("", f"type {number}"), lambda: self._run_for(number))

    def _run_for(self, number: int) -> str | None:
        found = (
            self.in_body(Body((f"SELECT {each.text.replace('VALUE', 'NULL')}",)))
            if each.text
            else self.kept((each.schema, f"{each.name} of a type"), lambda e=each: self._runs_itself(e.schema, e.name))  # type: ignore[misc]
            for each in self.catalogue.unsaid_of(number)
        )
        return next((f"a value whose type does {each}" for each in found if each), None) or self._given_for(number)

    def _given_for(self, number: int) -> str | None:
        """What a column of a type is given, in a table that may be there already, or is made just now: once a row."""
        if self.risk is Risk.READONLY:
            return None
        given = Body(tuple(f"SELECT {text}" for text in self.catalogue.given_by(number)))
        found = self.of_its_table(lambda: self.in_body(given))
        return f"a value whose type gives {found}" if found else None

    def _type(self, name: str) -> str | None:
        """A type by its name; a table's rows have one of its name."""
        return next((found for each in self.catalogue.types.get(name, ()) if (found := self._unsaid(each))), None)

    def in_body(self, body: Body) -> str | None:
        """What one of its statements does."""
        if body.refused:
            return body.refused
        self._depth, before = self._depth + 1, (self.variables, self.repeated)
        try:
            if self._depth > _DEEPEST:
                return "call functions too deeply"
            if found := next(
                (found for each in body.words & self.catalogue.loaded if (found := self._type(each))), None
            ):
                return found
            for text in body.texts:
                self.variables = body.variables_in(text)
                self.repeated = Times.AGAIN if text in body.repeated else self.many
                if found := self.refused(text):
                    return found
            return None
        finally:
            self._depth, (self.variables, self.repeated) = self._depth - 1, before

    def reads(self, relation: Any) -> str | None:
        """A table or a view."""
        name, schema = str(relation.relname), relation.schemaname or ""
        if self.risk is Risk.READONLY and (found := secret(name, self._apart, self.catalogue)):
            return found
        if found := self._type(name) or sql_planning.planned(self, name):
            return f"{name}: {found}"
        if name in self.catalogue.foreign_parents:
            return f"{name}, a table that another server or a program answers for"
        for known in self.catalogue.relations.get(name, ()):
            if schema not in {"", known.schema}:
                continue
            if known.kind == "f":
                return f"{name}, a table that another server or a program answers for"
            texts = [known.definition] if known.kind == "v" else []
            texts += [f"SELECT {each}" for each in known.texts]
            if refused := self.known_texts(f"{known.schema}.{name}", texts):
                return f"{known.schema}.{name}, which does {refused}"
        return None

    def known_texts(self, name: str, texts: list[str]) -> str | None:
        """What expressions do that are kept under a name."""
        return self.kept(("", f"view {name}"), lambda: self.in_body(Body(tuple(texts))))

    def operator(self, parts: Any) -> str | None:
        """An operator that an extension or the database's own people made calls a function."""
        names = [str(part.sval) for part in parts or () if isinstance(part, ast.String)]
        calls = self.catalogue.operators.get(names[-1], ()) if names else ()
        return next((f"the operator {names[-1]}: {found}" for call in calls if (found := self._function(*call))), None)

    def named_type(self, named: Any) -> str | None:
        """A cast may call a function, and a domain checks by one."""
        name = str(named.names[-1].sval) if named.names else ""
        found = self._type(name)
        return f"{name}: {found}" if found else None

    def grammar(self, _: Any) -> str | None:
        """`json_value(…)`: of the grammar here, and a function of somebody's on a server that is older."""
        theirs = sorted(_IN_GRAMMAR & self.catalogue.functions.keys())
        return next((found for name in theirs if (found := self._function("", name))), None)

    def notation(self, call: Any) -> str | None:
        """`row.name` and `(value).name` are calls of name(value), or casts, where there is no such column."""
        name = str(call.funcname[-1].sval)
        single = any(each.arguments == 1 for each in self.catalogue.functions.get(name, ()))
        if single or name in self.catalogue.builtin:
            return self.call(call)
        found = self._type(name)
        return f"{name}: {found}" if found else None

    def of_a_row(self, call: Any) -> str | None:
        """`row.name`: of a table or a query, only what takes a whole row is called; of what a function gives, any."""
        name = str(call.funcname[-1].sval)
        elsewhere = self._scalars or self.in_a_body or name in self.catalogue.of_rows | self.catalogue.builtin.keys()
        found = None if elsewhere else self._type(name)
        return self.notation(call) if elsewhere else f"{name}: {found}" if found else None

    def trigger(self, node: Any) -> str | None:
        """CREATE TRIGGER: what it will call."""
        names = [str(part.sval) for part in node.funcname]
        return self._function(names[-2] if len(names) > 1 else "", names[-1])

    def statement_body(self, node: Any) -> str | None:
        """What DO and CREATE FUNCTION bring with them: only where something may be changed at all."""
        if self.risk is Risk.READONLY:
            return None  # refused by its kind
        found = self.in_body(body_of(pglast.stream.RawStream()(node)))
        return f"{spoken(node)}, which does {found}" if found else None


_IN_GRAMMAR = frozenset({
    "json", "json_array", "json_arrayagg", "json_object", "json_objectagg", "json_exists", "json_query", "json_scalar",
    "json_serialize", "json_table", "json_value", "merge_action",
})  # fmt: skip
_OF_GRAMMAR = tuple(getattr(ast, name) for name in dir(ast) if name.startswith(("Json", "MergeSupport")))
_GIVE_SCALARS = (ast.RangeFunction, ast.CreateFunctionStmt, ast.DoStmt)  # by a name that looks like a table's
_Judge = Callable[[SqlJudge, Any], str | None]
_BY_NAME: Mapping[type, tuple[_Judge, ...]] = {
    ast.FuncCall: (SqlJudge.call,),
    ast.RangeVar: (SqlJudge.reads,),
    Notation: (SqlJudge.notation,),
    RowNotation: (SqlJudge.of_a_row,),
    ast.A_Expr: (lambda judge, node: judge.operator(node.name),),
    ast.SubLink: (lambda judge, node: judge.operator(node.operName),),  # `value operator ANY (SELECT …)`
    ast.SortBy: (lambda judge, node: judge.operator(node.useOp),),  # `ORDER BY … USING operator`
    ast.TypeName: (SqlJudge.named_type,),
    ast.VariableShowStmt: (lambda judge, node: secret_show(node, judge.catalogue, judge.risk),),
    ast.DoStmt: (SqlJudge.statement_body,),
    **{kind: (judge,) for kind, judge in TAKING.items()},
    ast.CreateTrigStmt: (SqlJudge.trigger, TAKING[ast.CreateTrigStmt]),
    ast.CreateFunctionStmt: (SqlJudge.statement_body, TAKING[ast.CreateFunctionStmt]),
    ast.RenameStmt: (sql_writes.renamed, TAKING[ast.RenameStmt]),
    ast.AlterTableStmt: (sql_writes.altered, TAKING[ast.AlterTableStmt]),
    ast.ViewStmt: (sql_writes.view, TAKING[ast.ViewStmt]),
    ast.CreateStmt: (sql_writes.made, TAKING[ast.CreateStmt]),
    **dict.fromkeys((ast.DeleteStmt, ast.UpdateStmt), (sql_writes.written, sql_writes.rows)),
    ast.InsertStmt: (sql_writes.overwrites, sql_writes.written),
    **dict.fromkeys((ast.MergeStmt, ast.CopyStmt, ast.RefreshMatViewStmt), (sql_writes.written,)),
    **dict.fromkeys((ast.ReindexStmt, ast.ClusterStmt, ast.VacuumStmt), (sql_writes.indexed,)),
    **dict.fromkeys(_OF_GRAMMAR, (SqlJudge.grammar,)),
}
