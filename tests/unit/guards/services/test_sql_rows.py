"""Which conditions name the rows that DELETE and UPDATE mean: the guard of `mutating` lets no other pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pglast
import pytest

from runbook_steps.engine.guards.services.sql_rows import Known, names_columns, names_rows

KNOWN = Known(frozenset({"v_id"}), calm=lambda name: name == "lower", operators={"==="})
NAMED = [
    "delete from a where id = 7", "delete from a where 7 = a.id", "delete from a where id in (1, 2) and note like 'x%'",
    "delete from a where id = any($1)", "delete from a where id = any(array[1, 2])",
    "delete from a where (id, note) = (1, 'x')", "delete from a where id = 1 or id = 2", "delete from a where false",
    "delete from a as x using b where x.id = 7 and b.id = x.id", "update a set note = '' where id = 'x'::int",
    "update only public.a set note = '' where public.a.id = lower('x')", "delete from a where id = v_id",
]  # fmt: skip
NOT_NAMED = [
    "delete from a where current of c", "delete from a where id = nextval('s')", "delete from a where id = (random())",
    "delete from a where id operator(public.=) 7", "delete from a where id = 1 === 2",
    "delete from a where a.id = f(7)",
    "delete from a where id = lower('x') over ()", "delete from a where id = any(array[nextval('s')])",
    "delete from a where id = case when id = 1 then 1 else id end", "delete from a where id = public.lower('x')",
    "delete from a", "delete from a where true", "delete from a where id > 0", "delete from a where id <> 0",
    "delete from a where id = 1 or true", "delete from a where not id = 1", "delete from a where id = id",
    "delete from a where id is null", "delete from a where id between 1 and 9", "delete from a where note like '%'",
    "delete from a where id in (select id from a)", "delete from a where id in (1, note)", "delete from a where id = b",
    "delete from a using b where b.id = 7", "delete from a using b where a.id = b.id", "delete from a where xmin = '7'",
    "delete from a using b where id = 7", "delete from a as x using a where a.id = 7", "delete from a where id + 0 = 7",
    "delete from a where (id = 7) is not null", "delete from a where v_id = v_id", "delete from a where v_id = 7",
    "delete from a using b as v_id where a.id = v_id.id", "update a set id = 7", "delete from a where a.* = row(1)",
    "delete from a where id === 7", "delete from a where tableoid = 7", "update a set id = 7 from b where b.id = 7",
]  # fmt: skip


@pytest.mark.parametrize("text", [*NAMED, *NOT_NAMED])
def test_a_column_that_is_equal_to_a_value_names_rows(text: str) -> None:
    """Of the table itself; a variable of a body is a value, another table's column is none."""
    statement: Any = pglast.parse_sql(text)[0].stmt
    assert names_rows(statement, KNOWN) is (text in NAMED)


@pytest.mark.parametrize(
    "text", ["delete from a where id = v_id", "delete from a where current of c", "delete from a where id = any($1)"]
)
def test_in_a_loop_only_a_constant_is_one_value(text: str) -> None:
    """A variable, a cursor and a parameter mean another row each time."""
    statement: Any = pglast.parse_sql(text)[0].stmt
    assert not names_rows(statement, replace(KNOWN, repeated=True))
    assert names_rows(pglast.parse_sql("delete from a where id = 7")[0].stmt, replace(KNOWN, repeated=True))


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ("id = 7", True), ("salon = 1 and day = '2026-01-01'", True), ("(salon, day) = (1, 'x')", True),
        ("ctid = '(0,1)'", True), ("id = 7 or salon = 1 and day = 'x' and note = ''", True),
        ("id = 7 and note > ''", True),
        ("note = 'x'", False), ("salon = 1", False), ("salon = 1 or day = 'x'", False), ("id = 7 or note = 'x'", False),
        ("salon = 1 and (day = 'x' or note = 'y')", False), ("salon = 1 and day = day", False),
    ],
)  # fmt: skip
def test_only_a_whole_key_names_rows(condition: str, named: bool) -> None:
    """Many rows may have the same in any other column: a state, a flag, one that was just added."""
    statement: Any = pglast.parse_sql(f"delete from a where {condition}")[0].stmt  # noqa: S608 - text of this test
    known = replace(KNOWN, keys=((frozenset({"id"}), frozenset({"salon", "day"})),), plain=True)
    assert names_rows(statement, known) is named
    assert names_columns(statement, known)


def test_of_two_tables_of_one_name_both_have_that_key() -> None:
    """Which of them a session's search path would take is not guessed; one without any key has no row that is named."""
    statement: Any = pglast.parse_sql("delete from a where id = 7")[0].stmt
    assert not names_rows(statement, replace(KNOWN, keys=((frozenset({"id"}),), (frozenset({"note"}),))))
    assert not names_rows(statement, replace(KNOWN, keys=((),)))


def test_where_a_row_lies_is_known_of_a_table_alone() -> None:
    """A view may give each of its rows the same `ctid`, which may be a column of anything."""
    statement: Any = pglast.parse_sql("delete from a where ctid = '(0,1)'")[0].stmt
    assert names_rows(statement, replace(KNOWN, keys=((),), plain=True))
    assert not names_rows(statement, replace(KNOWN, keys=((),)))


@pytest.mark.parametrize(
    "text",
    [
        "delete from a as v_id where id = v_id.id", "delete from v_id where id = v_id.id",
        "delete from a where id = s.v_id.x", "delete from v_id as b where id = v_id.id",
        "delete from s.a where id = v_id.a.id", "delete from v_id where id = v_id",
    ],
)  # fmt: skip
def test_a_variable_that_is_called_as_the_table_is_no_value(text: str) -> None:
    """What it means then is a column, as what has three names is: each row is equal to itself."""
    assert not names_rows(pglast.parse_sql(text)[0].stmt, KNOWN)
    assert names_rows(pglast.parse_sql("delete from a where id = v_id.x")[0].stmt, KNOWN)
