"""A replica that lags: the same, whether a drill paused its replay or a person did."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest

from runbook_steps.faults.replica import ReplicaFollows, ReplicaLags
from runbook_steps.faults.sessions import wait_until
from runbook_steps.stand_in.embedded import EmbeddedTarget


@pytest.fixture(scope="module")
def target() -> Iterator[EmbeddedTarget]:
    """Its database alone."""
    with EmbeddedTarget.create() as found:
        found.start({"postgres"})
        yield found


class Replicated:
    """A database with a replica that follows, and what looks whether it lags."""

    def __init__(self, target: EmbeddedTarget) -> None:
        environment = target.environment()
        self.connect = partial(psycopg.connect, environment["DATABASE_URL"], autocommit=True, connect_timeout=5)
        self.administer = partial(
            self.connect, user=environment["ADMIN_USER"], password=environment["ADMIN_PASSWORD"]
        )  # fmt: skip
        self.follows = ReplicaFollows(self.connect, target.control, environment)
        self.lags = ReplicaLags(self.connect, self.follows, self.administer)

    def paused(self) -> bool:
        """Whether its replay is."""
        with self.follows.replica() as replica:
            state: tuple[Any, ...] | None = replica.execute("SELECT pg_get_wal_replay_pause_state()").fetchone()
        return state == ("paused",)


@pytest.fixture
def replicated(target: EmbeddedTarget) -> Iterator[Replicated]:
    """With a replica that has all there is."""
    found = Replicated(target)
    found.follows.arrange()
    yield found
    found.follows.clear()


def test_a_replay_that_a_person_paused_is_seen_and_so_is_its_end(replicated: Replicated) -> None:
    """Nothing of the fault's own made it: bytes that were sent and not replayed tell."""
    assert not replicated.lags.observe().present
    with replicated.follows.administered(replicated.administer) as replica:
        replica.execute("SELECT pg_wal_replay_pause()")
        wait_until(replicated.paused, "the replay is paused")
        with replicated.administer() as primary:
            primary.execute("SELECT pg_logical_emit_message(true, 'by hand', repeat('x', 200000))")
        wait_until(lambda: replicated.lags.observe().present, "the lag is seen")
        replica.execute("SELECT pg_wal_replay_resume()")
    wait_until(lambda: not replicated.lags.observe().present, "the end of the lag is seen")


def test_the_fault_leaves_a_replica_that_has_caught_up(replicated: Replicated) -> None:
    """Also where no procedure mended it."""
    replicated.lags.arrange()
    assert replicated.paused()
    replicated.lags.clear()
    assert not replicated.paused()
    with replicated.follows.replica() as replica:
        assert replica.execute("SELECT to_regclass('notifications')").fetchone() == (None,)
