"""Read replicas: whether one would help, whether one follows, and what holds it up."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

import psycopg
import pytest
from pytest_bdd import given, then

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import ServiceControl
from runbook_steps.faults.replica import SLOT, ReplicaFollows, ReplicaLags, ReplicaRefused, SlotForgotten
from runbook_steps.steps.monitoring import Watch
from runbook_steps.steps.sessions import eventually

Database = psycopg.Connection[Any]


@pytest.fixture
def follows(
    connect: Callable[..., Any], control: ServiceControl, environment: Callable[[], Mapping[str, str]]
) -> ReplicaFollows:
    """The replica of this scenario."""
    return ReplicaFollows(connect, control, environment())


@given("a replica follows the database")
def replica_follows(
    situation: Situation, follows: ReplicaFollows, variables: dict[str, str], note: Callable[[str], None]
) -> None:
    note(situation.arrange(follows).detail)
    variables["REPLICA_URL"] = follows.url


@given("the replica lags behind")
def replica_lags(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    follows: ReplicaFollows,
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(ReplicaLags(connect, follows, connect_as_administrator)).detail)


@given("the monitoring reads the replica too")
def monitoring_reads_it(
    watch: Watch, follows: ReplicaFollows, cannot_be_seen: Callable[[str], None]
) -> Generator[None, None, None]:
    if watch.monitoring is None:
        cannot_be_seen(f"not watched: {watch.absent}")
        yield
        return
    with watch.monitoring.another_postgres(follows.full_url):
        yield


@given("the primary refuses the replica")
def replica_is_refused(
    situation: Situation,
    connect: Callable[..., Any],
    connect_as_administrator: Callable[..., Any],
    note: Callable[[str], None],
) -> None:
    note(situation.arrange(ReplicaRefused(connect, connect_as_administrator)).detail)


@given("a replication slot is kept for a replica that is gone")
def slot_is_forgotten(
    situation: Situation, connect: Callable[..., Any], variables: dict[str, str], note: Callable[[str], None]
) -> None:
    variables.setdefault("GONE_SLOT", SLOT)
    note(situation.arrange(SlotForgotten(connect)).detail)


@then("reads and writes are both counted")
def both_are_counted(last_result: Result, database: Database) -> None:
    shown = [line.split("|") for line in last_result.stdout.splitlines() if "|" in line]
    read, written, percent = (float(value) for value in shown[-1][:3])
    row = database.execute(
        "SELECT tup_returned + tup_fetched, tup_inserted + tup_updated + tup_deleted "
        "FROM pg_stat_database WHERE datname = current_database()"
    ).fetchone()
    assert row is not None
    assert 0 < read <= row[0]
    assert 0 < written <= row[1]
    assert percent == pytest.approx(100 * read / (read + written), abs=0.05)


@then("the server is ready for a replica")
def server_is_ready(last_result: Result, database: Database) -> None:
    row = database.execute(
        "SELECT current_setting('wal_level'), current_setting('max_wal_senders')::int > "
        "(SELECT count(*) FROM pg_stat_replication)"
    ).fetchone()
    assert row is not None
    assert row[0] in {"replica", "logical"}
    assert row[1]
    assert row[0] in last_result.stdout


@then("the replica has every booking that the database has")
def replica_has_all(database: Database, follows: ReplicaFollows) -> None:
    count = "SELECT count(*), max(created_at) FROM bookings"
    with follows.replica() as replica:
        eventually(lambda: rows_of(replica, count) == rows_of(database, count), "the replica has caught up")
        assert rows_of(replica, "SELECT pg_is_in_recovery()") == [(True,)]


@then("no replica is listed")
def no_replica_is_listed(last_result: Result, database: Database) -> None:
    assert rows_of(database, "SELECT FROM pg_stat_replication") == []
    assert "(0 rows)" in last_result.stdout


@then("the rule that refuses replicas is listed")
def refusing_rule_is_listed(last_result: Result, connect_as_administrator: Callable[..., Any]) -> None:
    with connect_as_administrator() as admin:  # the rules are for an administrator to read
        rows = rows_of(
            admin,
            "SELECT line_number FROM pg_hba_file_rules WHERE 'replication' = ANY (database) AND auth_method = 'reject'",
        )
    assert len(rows) == 1
    (line,) = [line for line in last_result.stdout.splitlines() if "reject" in line]
    assert line.split("|")[0].strip() == str(rows[0][0])


@then("the replica receives again what is written")
def replica_receives(database: Database, follows: ReplicaFollows) -> None:
    eventually(lambda: follows.observe().present, "the replica streams again")
    eventually(lambda: lag_bytes(database) == 0, "the replica has caught up")


@then("the replica is listed as streaming")
def replica_is_listed(last_result: Result, database: Database) -> None:
    assert rows_of(database, "SELECT state FROM pg_stat_replication") == [("streaming",)]
    assert "streaming" in last_result.stdout


@then("the replica takes no write of any kind")
def replica_takes_no_write(follows: ReplicaFollows) -> None:
    with follows.replica() as replica:
        assert rows_of(replica, "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')") == [
            (True, "on")
        ]
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            replica.execute("CREATE TABLE drill_probe (id integer)")


@then("the lag is shown in bytes")
def lag_is_told(last_result: Result, database: Database) -> None:
    lag = lag_bytes(database)
    assert lag > 0
    assert "beautycort_replica" in last_result.stdout


@then("the replica says that its replay is paused")
def replay_is_paused(last_result: Result, follows: ReplicaFollows) -> None:
    with follows.replica() as replica:
        assert rows_of(replica, "SELECT pg_get_wal_replay_pause_state()") == [("paused",)]
    assert "paused" in last_result.stdout


@then("the replica catches up")
def replica_catches_up(database: Database, follows: ReplicaFollows) -> None:
    rows = "SELECT count(*) FROM pg_class WHERE relname = 'notifications'"
    with follows.replica() as replica:
        eventually(lambda: rows_of(replica, rows) == rows_of(database, rows), "the replica shows what was written")
    eventually(lambda: lag_bytes(database) == 0, "nothing is left to replay")


@then("the unused slot is listed")
def slot_is_listed(last_result: Result, database: Database) -> None:
    rows = rows_of(database, "SELECT slot_name::text FROM pg_replication_slots WHERE NOT active")
    assert rows == [(SLOT,)]
    assert SLOT in last_result.stdout


@then("no unused slot is left")
def no_slot_is_left(database: Database) -> None:
    assert rows_of(database, "SELECT slot_name FROM pg_replication_slots WHERE NOT active") == []


def lag_bytes(database: Database) -> int:
    """Bytes that the replica has not replayed. Raises CheckFailed when there is no replica."""
    rows = rows_of(
        database, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint FROM pg_stat_replication"
    )
    if not rows:
        raise CheckFailed("no replica follows the database")
    return int(rows[0][0])


def rows_of(database: Database, query: str) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return database.execute(query.encode()).fetchall()
