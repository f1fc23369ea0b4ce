"""The lock between changing runs, and the steady state, on the real services."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from runbook_steps.engine.errors import Position, RefusedError, TargetError
from runbook_steps.engine.model import Command
from runbook_steps.engine.run.steady_state import look_at_steady_state
from runbook_steps.engine.settings import load_settings
from runbook_steps.live.lock import DatabaseLock
from runbook_steps.stand_in.embedded import EmbeddedTarget

ROOT = Path(__file__).parents[2]

STEADY_STATE = Command(load_settings(ROOT).steady_state, "bash", "look at the steady state", Position("-", 0), 60.0)


def test_the_second_run_is_told_who_is_first(whole: EmbeddedTarget) -> None:
    """Owner and since when; free again after the first ends."""
    url = whole.environment()["DATABASE_URL"]
    first = DatabaseLock.take(url, "run-one")
    with pytest.raises(RefusedError, match=r"another run changes this target: runbooks run-one .*@.*, since 20\d\d-"):
        DatabaseLock.take(url, "run-two")
    first.release()
    DatabaseLock.take(url, "run-two").release()


def test_a_lost_lock_is_told(whole: EmbeddedTarget, eventually: Callable[..., None]) -> None:
    """Its session was ended: whoever asks is refused, so that the run stops before its next step."""
    url = whole.environment()["DATABASE_URL"]
    lock = DatabaseLock.take(url, "run-one")
    lock.refuse_lost()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'runbooks run-one %'"
        )

    def lost() -> bool:
        try:
            lock.refuse_lost()
        except RefusedError as error:
            return "lock against a second run was lost" in str(error)
        return False

    eventually(lost)
    lock.release()


def test_a_restore_that_ends_every_session_of_the_database_takes_no_lock(
    whole: EmbeddedTarget, eventually: Callable[..., None]
) -> None:
    """The run goes on, and a second one is still refused; what is held beside the database stays."""
    url = whole.environment()["DATABASE_URL"]
    lock = DatabaseLock.take(url, "run-one")
    ends = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name LIKE 'runbooks run-one %' AND datname = current_database()"
    )
    left = ends.replace("pg_terminate_backend(pid)", "pid")
    with psycopg.connect(url, autocommit=True) as connection:
        assert len(connection.execute(ends.encode()).fetchall()) == 1
        eventually(lambda: not connection.execute(left.encode()).fetchall())
    lock.refuse_lost()
    with pytest.raises(RefusedError, match="another run changes this target: runbooks run-one"):
        DatabaseLock.take(url, "run-two")
    lock.release()
    DatabaseLock.take(url, "run-two").release()


def test_a_database_that_cannot_be_asked_gives_no_lock() -> None:
    """And the password is not told."""
    with pytest.raises(TargetError) as error:
        DatabaseLock.take("postgres://u:geheim@127.0.0.1:1/x", "run")
    assert "geheim" not in str(error.value)


def test_the_steady_state_is_what_the_health_checks_say(whole: EmbeddedTarget, tmp_path: Path) -> None:
    """Nothing to say when all is well; the part that is not, named."""
    assert look_at_steady_state(STEADY_STATE, whole.environment(), tmp_path).wrong == {}
    whole.control.stop("third_parties")
    try:
        found = look_at_steady_state(STEADY_STATE, whole.environment(), tmp_path).wrong
        assert set(found) == {"External Dependencies", "CDN Health"}
    finally:
        whole.control.start("third_parties")
