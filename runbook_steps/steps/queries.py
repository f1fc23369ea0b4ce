"""Queries: which are slow, what their plan does, and how much faster they are afterwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from pytest_bdd import given, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.big_table import (
    INDEX,
    TABLE,
    IndexBuildFailed,
    IndexMissing,
    invalid_indexes,
    measured_ms,
    plan_nodes,
    report,
)
from runbook_steps.faults.meanwhile import meanwhile
from runbook_steps.faults.slow_query import SlowQueryAsked, forget_statements, refuse_uncounted, slow_queries
from runbook_steps.faults.statistics_gone import EXTENSION, StatisticsGone

Database = psycopg.Connection[Any]
FASTER = 4.0  # it is a hundred times on a quiet machine; a busy one must not decide
FEW = 20  # lines
REPORT_S = 2.5  # the alert rings above one second, also when this machine is quieter later
ASKED = (
    "SELECT id, body FROM notifications WHERE user_id = (SELECT id FROM users ORDER BY phone LIMIT 1) "
    "ORDER BY created_at DESC LIMIT 20"
)


@pytest.fixture
def slow_before() -> dict[str, float]:
    """What the query took before the procedure: `ms`."""
    return {}


@given("customers wait for a query that lacks an index")
def query_lacks_an_index(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    slow_before: dict[str, float],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(IndexMissing(connect, connect_as_administrator)).detail)
    with connect() as live:
        slow_before["ms"] = measured_ms(live)
    note(f"{slow_before['ms']:.1f} ms before")


@pytest.fixture
def go_on_reporting(connect: Callable[..., Any]) -> Generator[Callable[[int], None], None, None]:
    """Lets somebody ask for the report of so many lines again and again, until the scenario ends."""

    def ask(lines: int) -> None:
        with connect() as live:
            report(live, lines)

    with ExitStack() as stack:
        yield lambda lines: stack.enter_context(meanwhile(lambda: ask(lines)))


@given("a report asks it of every customer, again and again")
def report_is_asked(
    target: Target,
    connect: Callable[..., Any],
    go_on_reporting: Callable[[int], None],
    note: Callable[[str], None],
    cannot_be_seen: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("nobody asks a slow report of a live target for a look")
        return
    with connect() as live:
        lines = math.ceil(FEW * REPORT_S / report(live, FEW))  # slow on a fast machine too
        while (took := report(live, lines)) < REPORT_S:
            lines *= 2
    note(f"the report of {lines} lines takes {took:.1f} s")
    go_on_reporting(lines)


@given("the build of its index has failed half-way")
def build_has_failed(situation: Situation, connect: Callable[..., Any], note: Callable[[str], None]) -> None:
    note(situation.arrange(IndexBuildFailed(connect)).detail)


@then("the slow query is listed")
def slow_query_is_listed(last_result: Result, database: Database) -> None:
    row = database.execute(
        "SELECT mean_exec_time, calls FROM pg_stat_statements WHERE query LIKE '%FROM notifications WHERE user_id%' "
        "AND query NOT LIKE 'EXPLAIN%' ORDER BY total_exec_time DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    assert row[1] > 1
    assert "FROM notifications WHERE user_id" in last_result.stdout


@then("its plan reads the whole table")
def plan_reads_everything(last_result: Result, database: Database) -> None:
    nodes = [(n["Node Type"], n.get("Relation Name")) for n in plan_nodes(database, ASKED)]
    assert ("Seq Scan", TABLE) in nodes
    assert f"Seq Scan on {TABLE}" in last_result.stdout


@then("its plan uses the index")
def plan_uses_the_index(database: Database) -> None:
    used = [n["Index Name"] for n in plan_nodes(database, ASKED) if "Index Name" in n]
    assert INDEX in used


@then("the query is several times faster than before")
def query_is_faster(database: Database, slow_before: dict[str, float], note: Callable[[str], None]) -> None:
    now = measured_ms(database, expected_ms=slow_before["ms"] / FASTER)
    note(f"{slow_before['ms']:.1f} ms before, {now:.1f} ms now")
    assert slow_before["ms"] / now >= FASTER


@then("every index is valid")
def every_index_is_valid(database: Database) -> None:
    assert invalid_indexes(database) == []


@then("the invalid index is named")
def invalid_index_is_named(last_result: Result, database: Database) -> None:
    found = invalid_indexes(database)
    assert found != []
    assert [name for name in found if name not in last_result.stdout] == []


@then("the server's numbers are complete and plausible")
def numbers_are_believable(last_result: Result, database: Database) -> None:
    row = database.execute(
        "SELECT numbackends, blks_hit > 0, current_setting('max_connections')::int FROM pg_stat_database "
        "WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    backends, hits, most = row
    assert hits
    assert 1 <= backends <= most
    assert f"| {most} " in last_result.stdout


@then("the counted sessions exist")
def sessions_are_there(last_result: Result, database: Database) -> None:
    states = database.execute(
        "SELECT DISTINCT state FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid = pg_backend_pid()"
    ).fetchall()
    assert states == [("active",)]  # this session's own: the list cannot be empty
    assert "active" in last_result.stdout


@given("a quiet day of queries was counted")
def a_quiet_day(database: Database, target: Target, connect_as_administrator: Callable[..., Any]) -> None:
    if target.facts.disposable:  # on a live target the real statistics count
        forget_statements(connect_as_administrator)
        # a server that was killed counts anew: a day in which nobody wrote is no ordinary one
        database.execute("CREATE TEMPORARY TABLE written (id int)")
        database.execute("INSERT INTO written VALUES (1)")
        database.execute("DROP TABLE written")
        database.execute("SELECT pg_stat_force_next_flush()")
    elif database.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
        raise NotRunnableHere("this database is a replica itself, and counts no writes: ask its primary")
    database.execute("SELECT count(*) FROM bookings")


@given("a query took more than a second")
def a_slow_query(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(SlowQueryAsked(connect, connect_as_administrator)).detail)


@then("the API says that its database is healthy")
def database_is_healthy(last_result: Result, database: Database) -> None:
    assert answer_of(last_result)["name"] == "Database Health"
    assert answer_of(last_result)["status"] == "healthy"
    assert database.execute("SELECT 1").fetchone() == (1,)


@then("no query takes more than a second on average")
def no_query_is_slow(last_result: Result, database: Database) -> None:
    refuse_uncounted(database)
    assert slow_queries(database) == []
    assert "(0 rows)" in last_result.stdout


@then("the query that takes more than a second is listed")
def slow_query_is_told(last_result: Result, database: Database) -> None:
    assert slow_queries(database) != []
    assert "nightly_report" in last_result.stdout
    assert "(0 rows)" not in last_result.stdout


@given("the database has lost the extension pg_stat_statements")
def statistics_are_gone(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(StatisticsGone(connect, connect_as_administrator)).detail)


@then("the extension is listed without an installed version")
def extension_is_missing(last_result: Result, database: Database) -> None:
    assert database.execute("SELECT FROM pg_extension WHERE extname = %s", [EXTENSION]).fetchone() is None
    (row,) = [line for line in last_result.stdout.splitlines() if line.strip().startswith(EXTENSION)]
    assert row.split("|")[1].strip() == ""


@then("statements are counted again")
def statements_are_counted(database: Database) -> None:
    row = database.execute("SELECT count(*) FROM pg_stat_statements WHERE calls > 0").fetchone()
    assert row is not None
    assert row[0] > 0
