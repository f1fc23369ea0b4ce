"""Locks: who waits for whom, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.lock_wait import LockHeld, Queue, queues_of
from runbook_steps.steps.sessions import eventually

Database = psycopg.Connection[Any]


@pytest.fixture
def lock_held() -> dict[str, LockHeld]:
    """The fault of this scenario, under `fault`."""
    return {}


@pytest.fixture
def held_by() -> list[Queue]:
    """The queues that were seen before the procedure, the longest first."""
    return []


@given(parsers.re(r"queries wait for a session that (?P<how>works|was forgotten|changes the table)"))
def queries_wait(
    situation: Situation,
    connect: Callable[..., Any],
    how: str,
    lock_held: dict[str, LockHeld],
    held_by: list[Queue],
    note: Callable[[str], None],
) -> None:
    lock_held["fault"] = LockHeld(connect, how)
    note(situation.arrange(lock_held["fault"]).detail)
    with connect() as admin:
        held_by.extend(queue for queue in queues_of(admin) if how in queue.kinds)


@then("the session at the root of the queue is named")
def root_is_named(last_result: Result, database: Database, held_by: list[Queue]) -> None:
    rows = database.execute(
        "SELECT DISTINCT b.pid::text FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) AS b(pid)"
    ).fetchall()
    assert rows != []
    assert [pid for (pid,) in rows if pid not in last_result.stdout] == []
    assert held_by, "no queue was seen before: nobody could be named"
    assert [queue for queue in held_by if str(queue.pid) not in last_result.stdout] == []
    assert [queue for queue in held_by if queue.application not in last_result.stdout] == []


@then("every prepared transaction is listed")
def prepared_are_listed(last_result: Result, database: Database) -> None:
    known = [gid for (gid,) in database.execute("SELECT gid FROM pg_prepared_xacts").fetchall()]
    assert f"({len(known)} row" in last_result.stdout
    assert [gid for gid in known if gid not in last_result.stdout] == []


@then("nobody waits for a lock")
def nobody_waits(database: Database) -> None:
    eventually(lambda: not waiting(database), "nobody waits for a lock")


@then("somebody still waits for a lock")
def somebody_waits(database: Database) -> None:
    assert waiting(database) != []


@then("the statements that waited have finished")
def what_waited_was_done(lock_held: dict[str, LockHeld], target: Target, cannot_be_seen: Callable[[str], None]) -> None:
    if target.facts.disposable:
        eventually(lambda: len(lock_held["fault"].done) == len(("one", "other")), "both statements have ended")
        assert lock_held["fault"].done == ["done", "done"]
    else:
        cannot_be_seen("what became of the statements that waited is known to who sent them")


@then("the session that held the lock is still connected")
def holder_is_connected(database: Database, held_by: list[Queue]) -> None:
    assert held_by
    assert held_by[0].pid in connected(database)


@then("the session that held the lock is gone")
def holder_is_gone(database: Database, held_by: list[Queue]) -> None:
    assert held_by
    eventually(lambda: held_by[0].pid not in connected(database), "the session has ended")


@then("a change that finds the table locked gives up by itself")
def change_gives_up(last_result: Result, database: Database) -> None:
    assert last_result.exit_code != 0
    assert "lock timeout" in last_result.stderr
    held = database.execute(
        "SELECT count(*) FROM pg_locks WHERE relation = 'services'::regclass AND mode = 'AccessExclusiveLock'"
    ).fetchone()
    assert held == (0,)


def waiting(database: Any) -> list[int]:
    """Process ids of sessions that somebody blocks."""
    rows = database.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
    ).fetchall()
    return [int(pid) for (pid,) in rows]


def connected(database: Any) -> set[int]:
    """Process ids of every session."""
    return {int(pid) for (pid,) in database.execute("SELECT pid FROM pg_stat_activity").fetchall()}
