"""A lock that holds, on Debian's PostgreSQL 15 and PgBouncer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.engine.postgres.address import read_address
from runbook_steps.engine.postgres.held_lock import HeldLock
from runbook_steps.operations.postgres_connection import locked
from tests.contract.debian_postgres import DebianPostgres, debian_postgres, pgbouncer

KEY = 7_265_116_209


@pytest.fixture(scope="module")
def postgres() -> Iterator[DebianPostgres]:
    """A cluster of Debian's, whose roles lose an idle session after a second."""
    with debian_postgres(idle_session_timeout="1s", idle_in_transaction_session_timeout="1s") as found:
        yield found


def held(postgres: DebianPostgres) -> list[tuple[int, str]]:
    """Process and name of every session that holds an advisory lock."""
    with postgres.connected() as connection:
        return connection.execute(
            "SELECT pid, application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory'"
        ).fetchall()


def test_the_second_is_told_who_is_first_and_since_when(postgres: DebianPostgres) -> None:
    """Name, user, host, process and time; free again after the first ends."""
    first = HeldLock.take(postgres.url(), KEY, "backup of shop")
    with pytest.raises(RefusedError, match=r"backup of shop .*@.*, since 20\d\d-.* \(role admin, process \d+ from 127"):
        HeldLock.take(postgres.url(), KEY, "restore of shop")
    first.release()
    HeldLock.take(postgres.url(), KEY, "restore of shop").release()
    assert held(postgres) == []


def test_who_may_not_look_at_other_sessions_is_told_the_name(postgres: DebianPostgres) -> None:
    """A role without pg_monitor sees the name, which holds the time."""
    with postgres.connected() as connection:
        connection.execute("CREATE ROLE plain LOGIN PASSWORD 'x'")
    first = HeldLock.take(postgres.url(), KEY, "backup of shop")
    with pytest.raises(RefusedError, match=r"backup of shop .*, since \d\d:\d\d:\d\dZ"):
        HeldLock.take(f"postgres://plain:x@127.0.0.1:{postgres.port}/postgres", KEY, "restore")
    first.release()


def test_a_time_limit_for_idle_sessions_does_not_end_it(
    postgres: DebianPostgres, eventually: Callable[..., None]
) -> None:
    """An ordinary session ends after its second; the lock, opened before it, is still held."""
    lock = HeldLock.take(postgres.url(), KEY, "backup")
    with psycopg.connect(postgres.url(), autocommit=True) as idle:
        process = idle.info.backend_pid
        eventually(lambda: _ended(postgres, process))
    with pytest.raises(RefusedError):
        HeldLock.take(postgres.url(), KEY, "another")
    lock.refuse_lost()
    lock.release()


def _ended(postgres: DebianPostgres, process: int) -> bool:
    with postgres.connected() as connection:
        return connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [process]).fetchone() is None


def test_a_lost_lock_is_noticed_at_once(postgres: DebianPostgres) -> None:
    """Its session was ended from outside: the callback runs, and nothing goes on."""
    gone = threading.Event()
    lock = HeldLock.take(postgres.url(), KEY, "backup", on_lost=gone.set)
    with postgres.connected() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [held(postgres)[0][0]])
    assert gone.wait(60)
    with pytest.raises(RefusedError, match="lock against a second run was lost"):
        lock.refuse_lost()
    lock.release()


def test_a_lost_lock_stops_what_runs(postgres: DebianPostgres) -> None:
    """Also in the middle of a query that nobody else would end."""

    def work() -> None:
        with locked(read_address(postgres.url()), "postgres", KEY, "backup"), postgres.connected() as busy:
            with postgres.connected() as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", [held(postgres)[0][0]])
            busy.execute("SELECT pg_sleep(120)")

    with pytest.raises(OperationError, match="lock against a second run was lost"):
        work()


@pytest.mark.parametrize("size", ["1", "5"])
def test_a_transaction_pooler_is_refused_and_keeps_no_lock(postgres: DebianPostgres, size: str) -> None:
    """By what it does, whatever its address looks like; nothing stays on its connections."""
    with pgbouncer(postgres, default_pool_size=size) as port:
        for _ in range(3):
            with pytest.raises(RefusedError, match="a pooler that gives each transaction another session"):
                HeldLock.take(postgres.url(port=port), KEY, "backup")
        assert held(postgres) == []
        HeldLock.take(postgres.url(), KEY, "backup").release()


def test_a_transaction_pooler_that_is_busy_is_refused_too(postgres: DebianPostgres) -> None:
    """Others use its pool meanwhile."""
    stop = threading.Event()

    def customers(port: int) -> None:
        with psycopg.connect(postgres.url(port=port), autocommit=True, prepare_threshold=None) as connection:
            while not stop.is_set():
                connection.execute("SELECT pg_sleep(0.002)")

    with pgbouncer(postgres, default_pool_size="4") as port:
        threads = [threading.Thread(target=customers, args=[port]) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(30):
                with pytest.raises(RefusedError, match="a pooler that gives each transaction another session"):
                    HeldLock.take(postgres.url(port=port), KEY, "backup").release()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert held(postgres) == []


def test_a_session_pooler_will_do(postgres: DebianPostgres) -> None:
    """A second run is refused, and the lock is free afterwards, although the pooler keeps the connection."""
    with pgbouncer(postgres, mode="session") as port:
        lock = HeldLock.take(postgres.url(port=port), KEY, "backup")
        with pytest.raises(RefusedError, match="another run is under way"):
            HeldLock.take(postgres.url(), KEY, "restore")
        lock.release()
        assert held(postgres) == []
        HeldLock.take(postgres.url(), KEY, "restore").release()
