"""The guard before Debian's PostgreSQL 15: hostile SQL at each risk as a superuser, and what must pass.

A superuser, because whatever the guard overlooks would work for one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.guards.services.sql_catalogue import read_catalogue
from runbook_steps.engine.guards.services.sql_catalogue_query import CATALOGUE_SQL
from runbook_steps.engine.guards.services.sql_policy import SqlJudge
from runbook_steps.engine.model import Risk
from tests.contract.debian_postgres import BINARIES, DebianPostgres, debian_postgres
from tests.contract.hostile_sql import HELPERS, LOSING, PASSES, PASSES_MUTATING, WRITING
from tests.contract.hostile_sql_locking import LOCKING, PASSES_LOCKING
from tests.contract.hostile_sql_made import HELPERS_MADE, LOSING_MADE, PASSES_MADE, TAKING_MADE, WRITING_MADE
from tests.contract.hostile_sql_servers import (
    HELPERS_SERVERS,
    PASSES_SERVERS,
    PASSES_SERVERS_MUTATING,
    TAKING_SERVERS,
    WRITING_SERVERS,
)
from tests.contract.hostile_sql_taking import HELPERS_TAKING, PASSES_TAKING, STATE_TAKING, TAKING
from tests.contract.hostile_sql_unsaid import HELPERS_UNSAID, LOSING_UNSAID, PASSES_UNSAID, WRITING_UNSAID

BYSTANDER = "bystander"
"""A session of somebody else."""
STATE = "SELECT (SELECT array_agg(t ORDER BY id) FROM canary AS t), (SELECT last_value FROM seq), pg_backend_pid() > 0"


@pytest.fixture(scope="module")
def fifteen() -> Iterator[DebianPostgres]:
    """With a database that helps the attacker."""
    with debian_postgres(shared_preload_libraries="pg_stat_statements") as server:
        with server.connected() as direct:
            helpers = HELPERS + HELPERS_UNSAID + HELPERS_TAKING + HELPERS_SERVERS + HELPERS_MADE
            direct.execute(helpers.replace("{victim}", str(server.folder / "victim")).encode())
        with psycopg.connect(server.url(), application_name=BYSTANDER):
            yield server


@pytest.fixture(scope="module")
def guards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Risk, Guard]]:
    """One of each risk, as a run has them."""
    found = {risk: Guard(risk, tmp_path_factory.mktemp(str(risk))) for risk in (Risk.READONLY, Risk.MUTATING)}
    yield found
    for guard in found.values():
        guard.close()


def state(server: DebianPostgres) -> object:
    """What must stay, asked past the guard."""
    with server.connected() as direct:
        return direct.execute(STATE).fetchone(), (server.folder / "victim").exists()


def kept(server: DebianPostgres) -> object:
    """What must stay beside the rows, asked past the guard."""
    with server.connected() as direct:
        here = direct.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [BYSTANDER])
        return here.fetchone(), direct.execute(STATE_TAKING).fetchone()


def psql(guard: Guard, server: DebianPostgres, text: str) -> subprocess.CompletedProcess[str]:
    """As a command of a run would."""
    url = guard.environment({"DATABASE_URL": server.url()})["DATABASE_URL"]
    arguments = [str(BINARIES / "psql"), "-X", "-At", "-v", "ON_ERROR_STOP=1", url]
    return subprocess.run(arguments, input=text + "\n;", capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("text", WRITING + WRITING_UNSAID + WRITING_SERVERS + WRITING_MADE)
def test_nothing_is_done_by_a_reading_session(fifteen: DebianPostgres, guards: dict[Risk, Guard], text: str) -> None:
    """Refused, named, and nothing changed."""
    before = state(fifteen)
    done = psql(guards[Risk.READONLY], fifteen, text)
    assert guards[Risk.READONLY].take_refusals() != (), done.stdout + done.stderr
    assert state(fifteen) == before


@pytest.mark.parametrize("text", LOSING + LOSING_UNSAID + LOSING_MADE)
def test_nothing_is_lost_by_a_changing_session(fifteen: DebianPostgres, guards: dict[Risk, Guard], text: str) -> None:
    """In every spelling: blocks, functions, prepared, put together as they run."""
    before = state(fifteen)
    done = psql(guards[Risk.MUTATING], fifteen, text)
    assert guards[Risk.MUTATING].take_refusals() != (), done.stdout + done.stderr
    assert state(fifteen) == before


@pytest.mark.parametrize("text", TAKING + TAKING_SERVERS + LOCKING + TAKING_MADE)
def test_nothing_is_taken_by_a_changing_session(fifteen: DebianPostgres, guards: dict[Risk, Guard], text: str) -> None:
    """Definitions, passwords, rights, sessions, positions of sequences; rows that are not named by a key."""
    before = kept(fifteen)
    done = psql(guards[Risk.MUTATING], fifteen, text)
    assert guards[Risk.MUTATING].take_refusals() != (), done.stdout + done.stderr
    assert kept(fifteen) == before


@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_none_of_their_siblings_passes(fifteen: DebianPostgres, risk: Risk) -> None:
    """Some four hundred spellings of the same classes, judged by what this database says of itself."""
    with fifteen.connected() as direct:
        direct.execute("SET search_path = pg_catalog")
        (found,) = direct.execute(CATALOGUE_SQL.encode()).fetchone() or ("",)
    judge = SqlJudge(risk, read_catalogue(str(found)))
    siblings = (Path(__file__).parent / f"hostile_siblings/{risk}.sql").read_text("utf-8").splitlines()
    assert [text for text in siblings if judge.refused(text) is None] == []
    assert len(siblings) > 180


@pytest.mark.parametrize("text", PASSES + PASSES_UNSAID + PASSES_SERVERS)
def test_reading_passes(fifteen: DebianPostgres, guards: dict[Risk, Guard], text: str) -> None:
    """At both risks, as without a guard."""
    for guard in guards.values():
        done = psql(guard, fifteen, text)
        assert (guard.take_refusals(), done.returncode) == ((), 0), done.stderr


@pytest.mark.parametrize(
    "text", PASSES_MUTATING + PASSES_TAKING + PASSES_SERVERS_MUTATING + PASSES_LOCKING + PASSES_MADE
)
def test_changing_passes_where_it_may(fifteen: DebianPostgres, guards: dict[Risk, Guard], text: str) -> None:
    """What a procedure that may change things is for."""
    done = psql(guards[Risk.MUTATING], fifteen, text)
    assert (guards[Risk.MUTATING].take_refusals(), done.returncode) == ((), 0), done.stderr


def test_an_index_of_a_constraint_is_the_servers_own_to_refuse(
    fifteen: DebianPostgres, guards: dict[Risk, Guard]
) -> None:
    """A page shows its words."""
    done = psql(guards[Risk.MUTATING], fifteen, "drop index concurrently acct_pkey")
    assert "constraint acct_pkey on table acct requires it" in done.stderr
    assert guards[Risk.MUTATING].take_refusals() == ()


def test_the_extended_protocol_is_judged_alike(fifteen: DebianPostgres, guards: dict[Risk, Guard]) -> None:
    """Parameters, a pipeline, a server-side cursor, COPY: as a driver speaks."""
    url = guards[Risk.READONLY].environment({"DATABASE_URL": fifteen.url()})["DATABASE_URL"]
    before = state(fifteen)
    with psycopg.connect(url, autocommit=True) as client:
        assert client.execute("SELECT %s::int + 1", [1], prepare=True, binary=True).fetchone() == (2,)
        with client.pipeline():
            cursors = [client.execute("SELECT %s::text", [str(n)]) for n in range(5)]
        assert [cursor.fetchone() for cursor in cursors] == [(str(n),) for n in range(5)]
        with client.cursor().copy("COPY (SELECT 1) TO STDOUT") as copied:
            assert list(copied.rows()) == [("1",)]
    assert guards[Risk.READONLY].take_refusals() == ()
    for text in ("SELECT says_volatile() + %s::int", "DELETE FROM canary WHERE id = %s::int"):
        with pytest.raises(psycopg.Error, match="refused by the guard"), psycopg.connect(url) as client:
            client.execute(text, [1], prepare=True)
    assert len(guards[Risk.READONLY].take_refusals()) == 2
    assert state(fifteen) == before


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 " + " UNION SELECT 1" * 30_000,
        "SELECT " + "(" * 60_000 + "1" + ")" * 60_000,
        "SELECT " + "- " * 200_000 + "1",
        "SELECT " + "NOT " * 200_000 + "true",
        "SELECT " + "CASE WHEN true THEN " * 20_000 + "1" + " END" * 20_000,
        "SELECT " + "ARRAY[" * 60_000 + "1" + "]" * 60_000,
        "SELECT '" + "x" * 5_000_000 + "'",
    ],
    ids=["unions", "parentheses", "minus", "not", "case", "arrays", "length"],
)
def test_what_overflows_the_parser_is_a_refusal(fifteen: DebianPostgres, guards: dict[Risk, Guard], text: str) -> None:
    """With a name, or PostgreSQL's own error; the next statement is judged as ever."""
    guard = guards[Risk.READONLY]
    done = psql(guard, fifteen, text)
    named = [str(each) for each in guard.take_refusals()]
    assert named or "stack depth" in done.stderr or done.returncode == 0, done.stderr
    assert all("cannot be judged" in each for each in named)
    assert psql(guard, fifteen, "select 1").stdout == "1\n"


def test_a_dump_is_read_through_the_guard(fifteen: DebianPostgres, guards: dict[Risk, Guard]) -> None:
    """`pg_dump`, which asks much of the catalogue."""
    url = guards[Risk.READONLY].environment({"DATABASE_URL": fifteen.url()})["DATABASE_URL"]
    arguments = [str(BINARIES / "pg_dump"), "--table=canary", url]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, guards[Risk.READONLY].take_refusals()) == (0, ()), done.stderr
    assert "COPY public.canary" in done.stdout
