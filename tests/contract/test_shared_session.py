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
            direct.execute("CREATE EXTENSION pg_trgm")
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
    "SELECT setseed(0.5)", "SELECT pg_catalog.setseed(0.1) FROM notes", "SELECT set_limit(0.1)",
    "COPY (SELECT public.set_limit(0.9)) TO STDOUT", "WITH a AS (SELECT setseed(0)) TABLE a",
    "SELECT (0.5::float8).setseed", "SELECT s.set_limit FROM unnest(ARRAY[0.1::real]) s",
    "BEGIN; SET LOCAL search_path = public, pg_temp; COMMIT",
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


CHANGES_STAY = [
    "BEGIN; SET LOCAL search_path = pg_temp; CREATE TABLE pg_user (usename text); COMMIT",
    "BEGIN; SELECT set_config('search_path', 'pg_' || 'temp', true); CREATE VIEW pg_user AS SELECT 1; COMMIT",
    "SET statement_timeout = 1", "SET search_path = pg_temp", "SET SESSION lock_timeout = '1ms'", "SET ROLE reader",
    "SET TIME ZONE 'Asia/Muscat'", "RESET ALL", "RESET statement_timeout", "BEGIN; SET jit = off; COMMIT",
    "SELECT set_config('search_path', 'x', false)", "DO $$ BEGIN SET statement_timeout = 1; END $$",
    "DO $$ BEGIN PERFORM set_config('statement_timeout', '1', false); END $$", "SET SESSION AUTHORIZATION reader",
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT setting()",
    "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_lock(1, 2)", "SELECT pg_advisory_lock_shared(3)",
    "SELECT pg_try_advisory_lock_shared(4)", "DO $$ BEGIN PERFORM pg_advisory_lock(5); END $$",
    "SELECT pg_advisory_unlock(1)", "SELECT pg_advisory_unlock_all()", "SELECT setseed(0.5)",
    "CREATE TEMP TABLE notes (id int)", "CREATE TEMPORARY TABLE notes AS SELECT 1 AS id",
    "SELECT 1 AS id INTO TEMP notes", "CREATE TEMP VIEW notes AS SELECT 1 AS id", "CREATE TEMP SEQUENCE s",
    "CREATE TABLE pg_temp.notes (id int)", "CREATE TEMP TABLE notes (id int) ON COMMIT DELETE ROWS",
    "CREATE TYPE pg_temp.text AS ENUM ('a')", "CREATE DOMAIN pg_temp.bool AS int",
    "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE TYPE pg_temp.name AS (a int)",
    "DO $$ BEGIN CREATE TEMP TABLE notes (id int); END $$", "CREATE LOCAL TEMP TABLE notes (LIKE notes)",
]  # fmt: skip


@pytest.fixture(scope="module")
def lent(server: DebianPostgres) -> Iterator[str]:
    """The pooler's address, as who may do everything."""
    with pgbouncer(server, default_pool_size="1") as port:
        yield server.url(port=port)


def kept(url: str) -> object:
    """What whoever comes next finds in the session, its locks and what it made too."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as following:
        made = (
            "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), "
            "(SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()), to_regclass('notes')::oid"
        )
        return following.execute(made).fetchone(), left(url)


@pytest.mark.parametrize("text", CHANGES_STAY)
def test_what_changes_something_leaves_nothing_in_it_either(lent: str, tmp_path: Path, text: str) -> None:
    """Else everybody's writes would go to another table, wait for a lock that nobody gives back, or be cut short."""
    before = kept(lent)
    refused, done = guarded(Risk.MUTATING, tmp_path, lent, text)
    assert len(refused) == 1, done.stdout + done.stderr
    assert "others get after it" in refused[0]
    assert kept(lent) == before


@pytest.mark.parametrize("text", [
    "BEGIN; SET LOCAL lock_timeout = '5s'; UPDATE notes SET said = 'b' WHERE id = 1; COMMIT",
    "BEGIN; CREATE TEMP TABLE t (id int) ON COMMIT DROP; INSERT INTO t VALUES (1); COMMIT",
    "BEGIN; CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1 AS id; COMMIT",
    "SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock(2)", "SELECT set_config('jit', 'off', true)",
])  # fmt: skip
def test_what_ends_with_its_transaction_passes_as_a_change(lent: str, tmp_path: Path, text: str) -> None:
    """As a migration would write it."""
    before = kept(lent)
    refused, done = guarded(Risk.MUTATING, tmp_path, lent, text)
    assert (refused, done.returncode) == ((), 0), done.stderr
    assert kept(lent) == before


@pytest.mark.parametrize(("text", "named"), [
    ("CREATE SCHEMA IF NOT EXISTS other; SET search_path = other, public", "search_path"),
    ("SET row_security = off", "row_security"), ("SELECT set_config('search_path', '', false)", "search_path"),
    ("SET search_path = pg_temp", "search_path"), ("SET ROLE reader", "role"),
    ("SET session_replication_role = replica", "session_replication_role"),
])  # fmt: skip
def test_what_another_one_left_in_it_is_not_used(server: DebianPostgres, tmp_path: Path, text: str, named: str) -> None:
    """There a write would go to another table than it says, or set off something else; reading is judged as ever."""
    with pgbouncer(server, default_pool_size="1") as port:
        url, asks = server.url(port=port), "SELECT said FROM public.notes WHERE id = 1"
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as other:
            other.execute(text.encode())
            refused, done = guarded(Risk.MUTATING, tmp_path, url, asks)
            assert (len(refused), done.returncode) == (1, 2)
            assert f"another one has left {named} as it was set there" in refused[0]
            other.execute(f"RESET {named}".encode())
            assert guarded(Risk.MUTATING, tmp_path, url, asks)[0] == ()


def test_a_search_path_that_means_the_same_is_none_of_that(server: DebianPostgres, tmp_path: Path) -> None:
    """Some clients set theirs whenever they begin."""
    with pgbouncer(server, default_pool_size="1") as port:
        url = server.url(port=port)
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as other:
            other.execute("SET search_path = public")
            refused, done = guarded(Risk.MUTATING, tmp_path, url, "UPDATE notes SET said = 'c' WHERE id = 1")
            assert (refused, done.returncode) == ((), 0), done.stderr


def test_a_pooler_that_keeps_a_session_for_one_client_is_told_apart(server: DebianPostgres, tmp_path: Path) -> None:
    """A migration through it sets its limits and takes its lock, as ever."""
    text = "SET lock_timeout = '5s'; SELECT pg_advisory_lock(7), pg_advisory_unlock(7); CREATE TEMP TABLE t (id int)"
    with pgbouncer(server, "session") as port:
        refused, done = guarded(Risk.MUTATING, tmp_path, server.url(port=port), text)
    assert (refused, done.returncode) == ((), 0), done.stderr


def test_who_signs_in_as_somebody_else_is_not_told_apart(server: DebianPostgres, tmp_path: Path) -> None:
    """The guard has no word of theirs to look with."""
    more = {"auth_user": "admin", "auth_query": USERS}
    with pgbouncer(server, "session", **more) as port:
        guard = Guard(Risk.MUTATING, tmp_path)
        behind = guard.environment({"DATABASE_URL": server.url(port=port)})["DATABASE_URL"].replace("admin:", "reader:")
        with pytest.raises(psycopg.Error, match="others get after it"), psycopg.connect(behind) as client:
            client.execute("SET jit = off")
        guard.close()


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
