"""Sessions of the database: how many there are, which were forgotten, and that no other was ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.sessions import (
    APPLICATION,
    FORGOTTEN_S,
    ConnectionsExhausted,
    TransactionForgotten,
    forgotten,
    refuse_hidden,
)
from runbook_steps.stand_in.monitoring.config import EXPORTER

Database = psycopg.Connection[Any]
DEADLINE_S = 20.0


@pytest.fixture
def exhausted(connect: Callable[..., Any], connect_as_administrator: Callable[..., Any]) -> ConnectionsExhausted:
    """The application that took every connection."""
    return ConnectionsExhausted(connect, administer=connect_as_administrator)


@pytest.fixture
def working_before() -> set[int]:
    """Sessions that do something, or belong to others: none of them may be ended."""
    return set()


@given("an application has taken every connection")
def every_connection_is_taken(
    situation: Situation,
    exhausted: ConnectionsExhausted,
    connect_as_administrator: Callable[..., Any],
    working_before: set[int],
    target: Target,
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(exhausted).detail)
    if target.facts.disposable:
        variables["IDLE_FOR"] = f"{FORGOTTEN_S} seconds"  # nobody waits five minutes in a drill
        refusal = exhausted.try_to_connect()
        assert "remaining connection slots are reserved" in refusal
    with connect_as_administrator() as admin:
        working_before.update(at_work(admin))


@given("four fifths of the connections are in use")
def connections_run_short(situation: Situation, connect: Callable[..., Any], note: Callable[[str], None]) -> None:
    note(situation.arrange(ConnectionsExhausted(connect, share=0.85)).detail)


@given("a transaction was forgotten by its application")
def a_forgotten_transaction(
    situation: Situation,
    connect: Callable[..., Any],
    target: Target,
    variables: dict[str, str],
    environment: Callable[[], Mapping[str, str]],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(TransactionForgotten(connect)).detail)
    if target.facts.disposable:
        variables.update(IDLE_LIMIT="200ms", APPLICATION_ROLE=environment()["PGUSER"])


@then("the application that holds most connections is named")
def holder_is_named(last_result: Result, connect_as_administrator: Callable[..., Any], target: Target) -> None:
    with connect_as_administrator() as inside:  # nobody else is let in
        refuse_hidden(inside)
        row = inside.execute(
            "SELECT application_name, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "GROUP BY application_name ORDER BY count(*) DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    assert row[0] == APPLICATION or not target.facts.disposable  # elsewhere whoever it is
    assert row[0] in last_result.stdout


@then(parsers.parse("{percent:d} % or more of the connections are counted"))
def connections_are_counted(last_result: Result, percent: int) -> None:
    assert float(answer_of(last_result)["usedPercent"]) >= percent


@then("the administrator can connect while the application is refused")
def administrator_is_let_in(last_result: Result, exhausted: ConnectionsExhausted, target: Target) -> None:
    assert "for_superusers" in last_result.stdout
    if target.facts.disposable:
        assert "remaining connection slots are reserved" in exhausted.try_to_connect()


@then(parsers.parse("less than {percent:d} % of the connections are used"))
def connections_are_free(last_result: Result, database: Database, percent: int) -> None:
    refuse_hidden(database)
    row = database.execute(
        "SELECT 100.0 * count(*) / current_setting('max_connections')::int FROM pg_stat_activity "
        "WHERE backend_type = 'client backend'"
    ).fetchone()
    assert row is not None
    assert row[0] < percent
    assert float(answer_of(last_result)["usedPercent"]) < percent


@then("it has no forgotten transaction any more")
def nothing_is_forgotten(database: Database) -> None:
    refuse_hidden(database)
    eventually(lambda: not forgotten(database, after_s=FORGOTTEN_S), "the forgotten transactions are gone")


@then("the application can connect again")
def application_connects(exhausted: ConnectionsExhausted, target: Target, database: Database) -> None:
    if target.facts.disposable:
        eventually(lambda: not exhausted.try_to_connect(), "a new session is let in")
    assert database.execute("SELECT 1").fetchone() == (1,)


@then("active sessions, and those of other applications, are still connected")
def others_go_on(database: Database, working_before: set[int]) -> None:
    assert working_before, "nobody was at work before: nothing could be spared"
    assert working_before - set(everyone(database)) == set()


@then("the server ends a transaction that is forgotten from now on")
def server_ends_it(connect: Callable[..., Any], database: Database) -> None:
    with connect(application_name=APPLICATION) as session:
        session.execute("BEGIN")
        pid = session.info.backend_pid
        eventually(lambda: pid not in everyone(database), "the server has ended the session")
        with pytest.raises(psycopg.Error):
            session.execute("SELECT 1")


def at_work(admin: Any) -> set[int]:
    """Sessions that are not idle in a transaction: pooled ones, and those that do something.

    Without those of the monitoring, which begin and end by themselves with each reading.
    """
    rows = admin.execute(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
        "AND application_name <> %s "
        "AND (state <> 'idle in transaction' OR state_change > now() - interval '0.2 seconds')",
        [EXPORTER],
    ).fetchall()
    return {int(pid) for (pid,) in rows}


def everyone(admin: Any) -> list[int]:
    """Process ids of all sessions of clients."""
    rows = admin.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'").fetchall()
    return [int(pid) for (pid,) in rows]


def eventually(condition: Callable[[], object], what: str) -> None:
    """Waits for a condition. Raises CheckFailed at the deadline."""
    end = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > end:
            raise CheckFailed(f"waited {DEADLINE_S:g} s in vain until {what}")
        time.sleep(0.02)
