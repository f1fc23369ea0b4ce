"""The SQL inside of a function, a procedure or a block: its statements and expressions, as texts to judge. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pglast
import pglast.stream
from pglast import ast

from runbook_steps.engine.guards.services.sql_lists import VALUES

__all__ = ["Body", "body_of", "rule_actions"]

_STATEMENT, _EXPRESSION = 0, 2  # PostgreSQL's RawParseMode; above them are assignments
_MADE_UP = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors")
_GIVEN = frozenset({"query", "PLpgSQL_expr"})  # where their statement stands
_LOOPS = frozenset({
    "PLpgSQL_stmt_loop", "PLpgSQL_stmt_while", "PLpgSQL_stmt_fori", "PLpgSQL_stmt_fors", "PLpgSQL_stmt_forc",
    "PLpgSQL_stmt_foreach_a", "PLpgSQL_stmt_dynfors",
})  # fmt: skip
_ASSIGNS = frozenset({"COLON_EQUALS", "ASCII_61"})  # of the scanner's tokens: `:=` and `=`
_OPENS, _CLOSES = frozenset({"ASCII_40", "ASCII_91"}), frozenset({"ASCII_41", "ASCII_93"})
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Body:
    """`refused` says why a body cannot be judged; `texts` are its statements, each SQL of its own.

    In PL/pgSQL `variables` are those that it has from its first to its last statement, and `words` all its words: the
    type of a variable is one. `repeated` are those of the texts that stand in a loop, `apart` those where none of the
    variables is sure: what EXECUTE is given, and the queries of cursors.
    """

    texts: tuple[str, ...] = ()
    refused: str = ""
    variables: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()

    def variables_in(self, text: str) -> frozenset[str]:
        """Those that one of its statements may name."""
        return frozenset() if text in self.apart else self.variables


def body_of(definition: str) -> Body:
    """Of a CREATE FUNCTION, CREATE PROCEDURE or DO statement; the defaults of its parameters are part of it."""
    try:
        statement: Any = pglast.parse_sql(definition)[0].stmt
        found = _written(statement, definition)
    except (pglast.parser.ParseError, ValueError, IndexError, LookupError) as error:
        return Body(refused=f"something that cannot be judged ({str(error)[:120]})")
    return replace(found, texts=(*found.texts, *_defaults(statement)))


def _written(statement: Any, definition: str) -> Body:
    """What stands in it. Raises ParseError, ValueError, IndexError, LookupError for what cannot be read."""
    names = [str(setting.name).lower() for setting in _settings(statement)]
    if any(name in VALUES or name == "plpgsql.variable_conflict" for name in names):
        return Body(refused="something under settings by which its text reads otherwise")
    language, text = _language_and_text(statement)
    if getattr(statement, "sql_body", None) is not None:
        return Body(tuple(_stored_parts(statement.sql_body)))
    if language == "sql":
        return Body((text,))
    if language == "plpgsql":
        return _plpgsql(definition, _head(definition, text))
    return Body(refused=f"something in the language {language}")


def _defaults(statement: Any) -> Iterator[str]:
    """What a call that says less is given: evaluated by whoever calls."""
    for each in getattr(statement, "parameters", None) or ():
        if each.defexpr is not None:
            yield f"SELECT {pglast.stream.RawStream()(each.defexpr)}"


def _settings(statement: Any) -> Iterator[ast.VariableSetStmt]:
    """`SET name = value` in the head of a function: it holds while the function runs."""
    options = getattr(statement, "options", None) or ()
    yield from (option.arg for option in options if isinstance(option.arg, ast.VariableSetStmt))


def rule_actions(definition: str) -> tuple[str, ...]:
    """What a CREATE RULE statement has done in place of, or beside, what it is about. Raises ParseError.

    Of a CREATE TRIGGER statement its condition: the function that it calls is known by itself.
    """
    statement: Any = pglast.parse_sql(definition)[0].stmt
    if isinstance(statement, ast.CreateTrigStmt):
        asked, actions = statement.whenClause, ()
    else:
        asked, actions = statement.whereClause, statement.actions or ()
    condition = ast.SelectStmt(targetList=(ast.ResTarget(val=asked),)) if asked else None
    parts = (*actions, *((condition,) if condition else ()))
    return tuple(pglast.stream.RawStream()(each) for each in parts)


def _head(definition: str, text: str) -> str:
    """The same with no statement: what is left declares what holds for all of them. Raises ValueError without any."""
    begins = next((token.start for token in pglast.parser.scan(text) if token.name == "BEGIN_P"), None)
    if begins is None:
        raise ValueError("a body without its BEGIN")
    statement: Any = pglast.parse_sql(definition)[0].stmt
    options: Any = statement.args if isinstance(statement, ast.DoStmt) else statement.options
    body = next(option for option in options if option.defname == "as")
    empty = ast.String(f"{text[:begins]}BEGIN END")
    body.arg = (empty,) if isinstance(body.arg, tuple) else empty
    return pglast.stream.RawStream()(statement)


def _plpgsql(definition: str, head: str) -> Body:
    lowered = definition.lower()
    if "#variable_conflict" in lowered or 'u&"' in lowered:
        return Body(refused="something that cannot be judged (names that mean something else)")
    tree = pglast.parse_plpgsql(definition)
    words = {*_WORD.findall(definition), *_WORD.findall(lowered)}
    repeated = frozenset(text for loop in _loops(tree) for text in _texts(loop))
    declared = pglast.parse_plpgsql(head)
    apart = frozenset([*_executed(tree), *_texts(declared)])
    return Body(tuple(_texts(tree)), "", _declared(declared), frozenset(words), repeated, apart)


def _entries(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every name and value in it, the outer ones first."""
    for each in tree if isinstance(tree, list) else ():
        yield from _entries(each)
    for name, value in tree.items() if isinstance(tree, Mapping) else ():
        yield name, value
        yield from _entries(value)


def _loops(tree: Any) -> Iterator[Any]:
    return ({name: value} for name, value in _entries(tree) if name in _LOOPS)


def _declared(tree: Any) -> frozenset[str]:
    """The names of variables and records, those of a trigger's rows too; a row is of what a cursor is given."""
    data = [datum for each in tree for datum in each["PLpgSQL_function"].get("datums", ())]
    within = {field["name"] for datum in data for field in datum.get("PLpgSQL_row", {}).get("fields", ())}
    return frozenset(value["refname"] for datum in data for value in datum.values() if "refname" in value) - within


def _language_and_text(statement: Any) -> tuple[str, str]:
    said = getattr(statement, "options", None) or getattr(statement, "args", None) or ()  # RETURN … alone says neither
    options = {option.defname: option.arg for option in said}
    language = str(options["language"].sval).lower() if "language" in options else "plpgsql"
    body = options.get("as")
    parts = body if isinstance(body, tuple) else (body,) if body is not None else ()
    if "language" not in options and isinstance(statement, ast.CreateFunctionStmt):
        language = "sql"  # a body in the statement itself
    return language, str(parts[0].sval) if parts else ""


def _stored_parts(body: Any) -> Iterator[str]:
    """`RETURN …` and `BEGIN ATOMIC … END`: parsed already, written out again statement by statement."""
    for each in body if isinstance(body, tuple) else (body,):
        for one in each if isinstance(each, tuple) else (each,):
            if isinstance(one, ast.ReturnStmt):
                yield f"SELECT {pglast.stream.RawStream()(one.returnval)}"  # type: ignore[arg-type]
            else:
                yield pglast.stream.RawStream()(one)


def _texts(tree: Any) -> Iterator[str]:
    """Every expression of a body in PL/pgSQL. Raises ValueError for a statement that is made up as it runs."""
    if isinstance(tree, list):
        for each in tree:
            yield from _texts(each)
    elif isinstance(tree, Mapping):
        for name, value in tree.items():
            if (given := _given(name, value)) is not None:
                yield given
                yield from _texts({key: each for key, each in value.items() if key not in _GIVEN})
            elif name == "PLpgSQL_expr":
                yield _statement(value["query"], value.get("parseMode", _STATEMENT))
            else:
                yield from _texts(value)


def _executed(tree: Any) -> Iterator[str]:
    """The statements that EXECUTE is given. Raises ValueError for one that is put together."""
    return (given for name, value in _entries(tree) if (given := _given(name, value)) is not None)


def _given(name: str, value: Any) -> str | None:
    """The statement that is made up as it runs, and is written down all the same; None of what makes up none."""
    if name in _MADE_UP:
        return _constant(value["query"]["PLpgSQL_expr"]["query"])
    return _constant(value["PLpgSQL_expr"]["query"]) if name == "dynquery" else None


def _statement(text: str, mode: int) -> str:
    if mode == _STATEMENT:
        return text
    return f"SELECT {text}" if mode == _EXPRESSION else "SELECT {}, {}".format(*_assigned(text))


def _assigned(text: str) -> tuple[str, str]:
    """Both sides of an assignment: a subscript on the left is evaluated as well. Raises ValueError for none."""
    depth = 0
    for token in pglast.parser.scan(text):
        depth += (token.name in _OPENS) - (token.name in _CLOSES)
        if not depth and token.name in _ASSIGNS:
            return text[: token.start], text[token.end + 1 :]
    raise ValueError("an assignment without its sign")


def _constant(text: str) -> str:
    """The statement that EXECUTE is given as one literal. Raises ValueError when it is put together."""
    statement: Any = pglast.parse_sql(f"SELECT {text}")[0].stmt
    target = statement.targetList[0].val
    if isinstance(target, ast.A_Const) and isinstance(target.val, ast.String):
        return str(target.val.sval)
    raise ValueError("EXECUTE of a statement that is put together as it runs")
