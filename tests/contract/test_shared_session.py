"""Behind a pooler that gives each transaction another session: a guarded command leaves it as it was.

PgBouncer with a pool of one session, so that whoever comes next gets the one that was used.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk
from tests.contract.debian_postgres import BINARIES, DebianPostgres, debian_postgres, pgbouncer

USERS = "SELECT usename, passwd FROM pg_shadow WHERE usename=$1"


@pytest.fixture(scope="module")
def server() -> Iterator[DebianPostgres]:
    """With a reader that its own setting holds, and a function of the database that sets something."""
    with debian_postgres() as found:
        with found.connected() as direct:
            direct.execute(f"CREATE ROLE reader LOGIN PASSWORD '{found.password}'".encode())
            direct.execute("GRANT pg_read_all_data TO reader; ALTER ROLE reader SET default_transaction_read_only = on")
            direct.execute(
                "CREATE FUNCTION setting() RETURNS text LANGUAGE sql STABLE "
                "AS $$ SELECT set_config('statement_timeout', '1', false) $$"
            )
            direct.execute("CREATE TABLE notes (id int PRIMARY KEY, said text); INSERT INTO notes VALUES (1, 'a')")
        yield found


@pytest.fixture(scope="module")
def pooled(server: DebianPostgres) -> Iterator[str]:
    """The pooler's address, as the reader."""
    more = {"ignore_startup_parameters": "extra_float_digits,options", "auth_user": "admin", "auth_query": USERS}
    with pgbouncer(server, default_pool_size="1", **more) as port:
        yield server.url(port=port).replace("admin:", "reader:")


def guarded(risk: Risk, folder: Path, url: str, text: str) -> tuple[tuple[str, ...], subprocess.CompletedProcess[str]]:
    """What is refused of a script for psql, and what became of it."""
    guard = Guard(risk, folder)
    behind = guard.environment({"DATABASE_URL": url})["DATABASE_URL"]
    arguments = [str(BINARIES / "psql"), "-X", "-At", "-v", "ON_ERROR_STOP=1", behind]
    done = subprocess.run(arguments, input=text + "\n;", capture_output=True, text=True, timeout=60, check=False)
    guard.close()
    return tuple(each.operation for each in guard.take_refusals()), done


def left(url: str) -> object:
    """What whoever comes next finds in the session."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as following:
        settings = following.execute(
            "SELECT array_agg(name || ' ' || setting ORDER BY name) FROM pg_settings "
            "WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', "
            "'standard_conforming_strings', 'extra_float_digits', 'IntervalStyle', 'transaction_isolation')"
        ).fetchone()
        held = (
            "SELECT (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors WHERE is_holdable)"
        )
        return settings, following.execute(held).fetchone(), following.execute("SHOW transaction_read_only").fetchone()


STAYS = [
    "SET statement_timeout = 1", "set session statement_timeout to '1ms'", "SET search_path = pg_temp",
    "SET LOCAL statement_timeout = 5; SET statement_timeout = 1", "BEGIN; SET statement_timeout = 1; COMMIT",
    "SET TIME ZONE 'UTC'", "SET TIME ZONE LOCAL", "SET statement_timeout TO DEFAULT", "RESET statement_timeout",
    "RESET ALL", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SELECT set_config('statement_timeout', '1', false)", "SELECT pg_catalog.set_config('search_path', 'x', false)",
    "SELECT set_config('statement_timeout', '1', NULL)", "SELECT set_config('statement_timeout', '1', true AND false)",
    "SELECT set_config('statement_timeout', '1', (SELECT false))", "SELECT setting()",
    "SELECT 1 WHERE set_config('lock_timeout', '1', 'f') <> ''",
    "WITH a AS (SELECT set_config('jit', 'off', false)) TABLE a",
    "EXPLAIN ANALYZE SELECT set_config('statement_timeout', '1', false)",
    "COPY (SELECT set_config('statement_timeout', '1', false)) TO STDOUT",
    "DECLARE c CURSOR FOR SELECT set_config('statement_timeout', '1', false)",
    "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT", "PREPARE p AS SELECT 1", "DEALLOCATE ALL",
    "EXECUTE p", "SET default_transaction_read_only = on", "SET SESSION AUTHORIZATION DEFAULT", "SET ROLE NONE",
    "BEGIN READ WRITE", "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE", "SET transaction_read_only = off",
    "SELECT set_config('transaction_read_only', 'off', true)", "SET LOCAL default_transaction_read_only = off",
    "DISCARD ALL", "DISCARD PLANS", "LISTEN x", "DO $$ BEGIN SET statement_timeout = 1; END $$",
    "SELECT 'x' AS a \\gset\nSELECT 'SET statement_timeout = 1' \\gexec", "SELECT 1 \\bind \\parse p",
]  # fmt: skip


@pytest.mark.parametrize("text", STAYS)
def test_what_only_reads_leaves_nothing_in_it(pooled: str, tmp_path: Path, text: str) -> None:
    """Refused, named, and the next one finds the session as it was."""
    before = left(pooled)
    refused, done = guarded(Risk.READONLY, tmp_path, pooled, text)
    assert refused != () or "invalid command" in done.stderr, done.stdout + done.stderr
    assert left(pooled) == before


@pytest.mark.parametrize("text", [
    "SELECT 1", "BEGIN; SET LOCAL statement_timeout = '5s'; SELECT 1; COMMIT", "BEGIN READ ONLY; SELECT 1; COMMIT",
    "BEGIN; SELECT set_config('lock_timeout', '1s', true); COMMIT", "EXPLAIN SELECT 1", "SHOW statement_timeout",
    "BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT 1; FETCH c; COMMIT",
])  # fmt: skip
def test_what_ends_with_its_transaction_passes(pooled: str, tmp_path: Path, text: str) -> None:
    """And the next one finds nothing of it."""
    before = left(pooled)
    refused, done = guarded(Risk.READONLY, tmp_path, pooled, text)
    assert (refused, done.returncode) == ((), 0), done.stderr
    assert left(pooled) == before


def test_by_the_servers_own_address_a_session_is_ones_own(server: DebianPostgres, tmp_path: Path) -> None:
    """There a setting ends with the session."""
    text = "SET statement_timeout = '5s'; PREPARE p AS SELECT 1; EXECUTE p; SELECT set_config('jit', 'off', false)"
    refused, done = guarded(Risk.READONLY, tmp_path, server.url(), text)
    assert (refused, done.returncode) == ((), 0), done.stderr


@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_what_another_one_prepared_is_not_run(server: DebianPostgres, tmp_path: Path, risk: Risk) -> None:
    """Nobody judged it: neither by SQL nor by the protocol, and it stays."""
    more = {"auth_user": "admin", "auth_query": USERS}
    with pgbouncer(server, default_pool_size="1", **more) as port:
        url = server.url(port=port)
        if risk is Risk.READONLY:
            url = url.replace("admin:", "reader:")
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as other:
            other.execute("PREPARE loses AS DELETE FROM notes WHERE id > 0")
            guard = Guard(risk, tmp_path)
            behind = guard.environment({"DATABASE_URL": url})["DATABASE_URL"]
            for text in ("EXECUTE loses", "DEALLOCATE loses", "DEALLOCATE ALL"):
                with (
                    psycopg.connect(behind, autocommit=True, prepare_threshold=None) as client,
                    pytest.raises(psycopg.Error, match="others get after it"),
                ):
                    client.execute(text.encode())
            with psycopg.connect(behind, autocommit=True) as client:
                assert client.pgconn.exec_prepared(b"loses", None).status == psycopg.pq.ExecStatus.FATAL_ERROR
            guard.close()
            refused = [each.operation for each in guard.take_refusals()]
            assert (len(refused), all("others get after it" in each for each in refused)) == (4, True)
            other.execute("DEALLOCATE loses")
    with server.connected() as direct:
        assert direct.execute("SELECT count(*) FROM notes").fetchone() == (1,)
