"""The customers of the pages on indexes notice what locks their table, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from runbook_steps.faults.table_condition import Writing
from runbook_steps.stand_in.embedded import EmbeddedTarget


@pytest.fixture
def writing(embedded: EmbeddedTarget) -> Iterator[tuple[Writing, psycopg.Connection]]:
    """They write to a table so small that its indexes are rebuilt at once; and somebody who rebuilds."""
    embedded.start({"postgres"})
    url = embedded.environment()["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as live:
        live.execute("CREATE TABLE notifications (id int PRIMARY KEY, kind text)")
        live.execute("INSERT INTO notifications VALUES (1, 'new'), (3, 'new')")
        customers = Writing(lambda: psycopg.connect(url, autocommit=True))
        customers.arrange()
        try:
            yield customers, live
        finally:
            customers.clear()
            live.execute("DROP TABLE notifications")


def test_a_rebuild_that_locks_the_table_is_noticed(writing: tuple[Writing, psycopg.Connection]) -> None:
    """However short the lock is held: it waits for a transaction, and the writes behind it give up."""
    customers, live = writing
    for _ in range(5):
        live.execute("REINDEX TABLE notifications")
    assert customers.refused > 0


def test_a_rebuild_beside_the_writes_is_not(writing: tuple[Writing, psycopg.Connection]) -> None:
    """It takes no lock that a write waits for."""
    customers, live = writing
    before = customers.written
    live.execute("REINDEX TABLE CONCURRENTLY notifications")
    assert (customers.refused, customers.written > before) == (0, True)
