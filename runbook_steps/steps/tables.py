"""Tables: their statistics, their dead rows, their indexes, and the writes that go on meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from pytest_bdd import given, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.big_table import INDEX, invalid_indexes, plan_nodes
from runbook_steps.faults.table_condition import (
    OneByOne,
    ReindexFailed,
    StatisticsStale,
    TableBloated,
    Writing,
    changed_rows,
    dead_percent,
)

Database = psycopg.Connection[Any]
REFUNDS = "SELECT id FROM notifications WHERE kind = 'refund'"
FAR_OFF = 10  # times: the estimate that makes a planner choose wrongly
CLOSE = 2  # times: good enough


@pytest.fixture
def before() -> dict[str, int]:
    """Readings before the procedure, by name: bytes."""
    return {}


@pytest.fixture
def writing(connect: Callable[..., Any]) -> Writing:
    """The customer who writes all the time."""
    return Writing(connect)


@given("the planner's statistics are out of date")
def statistics_are_stale(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(StatisticsStale(connect, connect_as_administrator)).detail)


@given("an application runs one query for each row")
def one_by_one(
    target: Target,
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    note: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("which query is asked once for each row is known only of the drill's own application")
    note(situation.arrange(OneByOne(connect, connect_as_administrator)).detail)


@given("dead rows fill a table and its indexes")
def table_is_bloated(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    before: dict[str, int],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(TableBloated(connect, connect_as_administrator)).detail)
    with connect() as live:
        before["table"], before["index"] = size_of(live, "notifications"), size_of(live, INDEX)


@given("a concurrent rebuild has failed half-way")
def reindex_failed(situation: Situation, connect: Callable[..., Any], note: Callable[[str], None]) -> None:
    note(situation.arrange(ReindexFailed(connect)).detail)


@given("customers write to it all the time")
def customers_write(situation: Situation, writing: Writing, note: Callable[[str], None]) -> None:
    note(situation.arrange(writing).detail)


@then("the plan expects far fewer rows than there are")
def estimate_is_far_off(last_result: Result, database: Database) -> None:
    assert actual(database) / expected(database) >= FAR_OFF
    guessed, counted = re.findall(r"rows=(\d+)", last_result.stdout)[:2]
    assert int(counted) / int(guessed) >= FAR_OFF


@then("the plan expects about as many rows as there are")
def estimate_is_close(database: Database) -> None:
    assert 1 / CLOSE <= actual(database) / expected(database) <= CLOSE
    assert changed_rows(database) == 0


@then("the table with the most changes since is listed")
def changes_are_listed(last_result: Result, database: Database) -> None:
    assert changed_rows(database) > 0
    assert "notifications" in last_result.stdout.splitlines()[2]


@then("the query that runs once for each row is at the top")
def n_plus_one_is_on_top(last_result: Result, database: Database) -> None:
    row = database.execute(
        "SELECT max(calls) FROM pg_stat_statements WHERE query = 'SELECT name FROM users WHERE id = $1'"
    ).fetchone()
    assert row is not None
    assert "SELECT name FROM users WHERE id" in last_result.stdout.splitlines()[2]
    assert str(row[0]) in last_result.stdout.splitlines()[2]


@then("one query returns what took hundreds of calls")
def one_query_is_cheaper(database: Database, note: Callable[[str], None]) -> None:
    rows = database.execute(
        "SELECT query LIKE '%JOIN users%', sum(calls), sum(total_exec_time) FROM pg_stat_statements "
        "WHERE query LIKE '%name%FROM bookings%JOIN users%' OR query = 'SELECT name FROM users WHERE id = $1' "
        "GROUP BY 1 ORDER BY 1"
    ).fetchall()
    (_, many, many_ms), (_, once, once_ms) = rows
    note(f"{many} calls in {many_ms:.2f} ms, {once} call in {once_ms:.2f} ms")
    assert once == 1
    assert many >= 100 * once


@then("the table with dead rows is listed")
def dead_rows_are_listed(last_result: Result, database: Database) -> None:
    assert dead_percent(database) > 0
    assert "notifications" in last_result.stdout.splitlines()[2]


@then("no dead row is left, and the table stays as big as it was")
def no_dead_rows(database: Database, before: dict[str, int]) -> None:
    assert dead_percent(database) == 0
    assert size_of(database, "notifications") <= before["table"]


@then("new rows use the space of dead ones")
def room_is_used_again(database: Database, note: Callable[[str], None]) -> None:
    before = size_of(database, "notifications")  # until the vacuum had ended, customers' rows made it grow
    database.execute(
        "INSERT INTO notifications (user_id, kind, body, created_at) "
        "SELECT user_id, kind, body, created_at FROM notifications LIMIT 5000"
    )
    now = size_of(database, "notifications")
    note(f"{before} bytes before 5000 rows, {now} behind them")
    assert now <= before


@then("its index is smaller than before")
def index_is_smaller(database: Database, before: dict[str, int], note: Callable[[str], None]) -> None:
    now = size_of(database, INDEX)
    note(f"{before['index']} bytes before, {now} now")
    assert now < before["index"]


@then("no write had to wait")
def no_write_waited(writing: Writing, note: Callable[[str], None]) -> None:
    note(writing.observe().detail)
    assert writing.written > 0
    assert writing.refused == 0


@then("writes gave up waiting")
def writes_gave_up(writing: Writing, note: Callable[[str], None]) -> None:
    note(writing.observe().detail)
    assert writing.refused > 0


@then("what the rebuild left is listed")
def leftover_is_listed(last_result: Result, database: Database) -> None:
    assert invalid_indexes(database) == [f"{INDEX}_ccnew"]
    assert f"{INDEX}_ccnew" in last_result.stdout


@then("the index itself still serves")
def index_serves(database: Database) -> None:
    row = database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [INDEX]).fetchone()
    assert row == (True,)


@then("every database is far from wraparound")
def far_from_wraparound(last_result: Result, database: Database) -> None:
    rows = database.execute(
        "SELECT datname FROM pg_database WHERE age(datfrozenxid) > 0.5 * 2^31 OR mxid_age(datminmxid) > 0.5 * 2^31"
    ).fetchall()
    assert rows == []
    assert database.info.dbname in last_result.stdout


def expected(database: Any) -> float:
    """Rows that the planner expects."""
    return float(plan_nodes(database, REFUNDS)[0]["Plan Rows"])


def actual(database: Any) -> float:
    """Rows that there are."""
    return float(database.execute("SELECT count(*) FROM notifications WHERE kind = 'refund'").fetchone()[0])


def size_of(database: Any, relation: str) -> int:
    """Bytes of a table or an index."""
    return int(database.execute("SELECT pg_relation_size(%s::regclass)", [relation]).fetchone()[0])
