"""The guard asks a database what it is made of, and waits for no lock: it is for those who look for one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.guards.services.sql_catalogue import read_catalogue
from runbook_steps.engine.guards.services.sql_catalogue_query import lasts
from runbook_steps.engine.guards.services.sql_policy import refused_sql
from runbook_steps.engine.model import Risk
from tests.contract.asked_catalogue import SERVERS, asked, server_of

MADE = """
DROP SCHEMA IF EXISTS locks CASCADE;
CREATE SCHEMA locks;
SET search_path = locks;
CREATE TABLE held (id int DEFAULT (1 + 1) CHECK (id > length('')), at date) PARTITION BY RANGE ((id + 1));
CREATE TABLE part PARTITION OF held FOR VALUES FROM (0) TO (100);
CREATE INDEX ON part ((id + 2)) WHERE id > length('x');
CREATE TABLE other (id int);
CREATE VIEW seen AS SELECT id FROM held;
CREATE VIEW seen_too AS SELECT id FROM other WHERE id IN (SELECT id FROM held);
CREATE VIEW free AS SELECT id FROM other;
CREATE MATERIALIZED VIEW kept AS SELECT id FROM held;
ALTER TABLE other ENABLE ROW LEVEL SECURITY;
CREATE POLICY named ON other USING (id IN (SELECT id FROM held));
CREATE TABLE ruled (id int);
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO held VALUES (1);
CREATE FUNCTION counted() RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM held; END;
"""
ALONE = "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()"
SAID = "is locked now: what it runs cannot be read"


@pytest.fixture(params=SERVERS, scope="module")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with something of every kind whose text the server writes under a lock."""
    with server_of(request.param) as address:
        yield address


@pytest.mark.parametrize("mode", ["held", "waited for"])
def test_a_locked_table_keeps_nobody_from_looking(url: str, mode: str) -> None:
    """Only what is about that table is refused, with the reason; afterwards nothing is."""
    with psycopg.connect(url, autocommit=True) as made:
        made.execute(MADE.encode())
    reader: psycopg.Connection[Any] = psycopg.connect(url)
    with psycopg.connect(url) as holder:
        if mode == "held":
            holder.execute("LOCK TABLE locks.held IN ACCESS EXCLUSIVE MODE")
            found = asked(url)
        else:
            reader.execute("SELECT count(*) FROM locks.held")
            holder.pgconn.send_query(b"BEGIN; LOCK TABLE locks.held IN ACCESS EXCLUSIVE MODE")
            _until_waiting(url)
            found = asked(url)
            reader.close()
            while holder.pgconn.get_result() is not None:
                pass
        known = read_catalogue(found)
        assert not lasts(found)
        for view in ("seen", "seen_too", "other"):
            assert SAID in str(refused_sql(reading(view), Risk.READONLY, known)), view
        assert refused_sql(reading("kept"), Risk.READONLY, known) is None  # its rows are its own
        assert SAID in str(refused_sql("INSERT INTO locks.held VALUES (1)", Risk.MUTATING, known))
        assert SAID in str(refused_sql("INSERT INTO locks.ruled VALUES (1)", Risk.MUTATING, known))
        assert refused_sql("SELECT locks.counted()", Risk.READONLY, known) is not None
        assert refused_sql("SELECT pid, state FROM pg_stat_activity", Risk.READONLY, known) is None
        holder.rollback()
    reader.close()

    free = asked(url)
    assert lasts(free)
    for view in ("seen", "seen_too", "other", "free"):
        assert refused_sql(reading(view), Risk.READONLY, read_catalogue(free)) is None, view


@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
@pytest.mark.parametrize("table", ["pg_policy", "pg_rewrite", "pg_proc"])
def test_a_locked_catalogue_is_said_and_not_waited_for(url: str, tmp_path: Path, table: str, risk: Risk) -> None:
    """In PostgreSQL's words, with what to do, and as nothing that the client did; afterwards it is let in."""
    guard = Guard(risk, tmp_path)
    try:
        guarded = guard.environment({"DATABASE_URL": url})["DATABASE_URL"]
        with psycopg.connect(url) as holder:
            holder.execute(f"LOCK TABLE pg_catalog.{table} IN ACCESS EXCLUSIVE MODE".encode())
            with pytest.raises(psycopg.OperationalError, match=r"due to lock timeout.*pg_blocking_pids"):
                psycopg.connect(guarded, connect_timeout=30)
            assert guard.take_refusals() == ()
            holder.rollback()
        with psycopg.connect(guarded) as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
        with psycopg.connect(url, autocommit=True) as alone:
            _until(alone, ALONE)  # the guard has left the server
    finally:
        guard.close()


def reading(relation: str) -> str:
    """A statement that only reads."""
    return f"SELECT id FROM locks.{relation}"  # noqa: S608 - a name of this test


def _until_waiting(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        _until(session, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")


def _until(session: psycopg.Connection[Any], condition: LiteralString) -> None:
    end = time.monotonic() + 30
    while session.execute(condition).fetchone() != (True,):
        assert time.monotonic() < end, condition
