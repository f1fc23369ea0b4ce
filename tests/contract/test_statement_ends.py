"""A statement ends with the command that asked for it: PostgreSQL itself works on, and holds its locks, unheard."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk
from tests.contract.debian_postgres import BINARIES, DebianPostgres, debian_postgres, pgbouncer

HOLDS = "BEGIN; SELECT count(*) FROM busy; SELECT pg_sleep(1000)"
LOCKS = "BEGIN; LOCK TABLE busy; SELECT pg_sleep(1000)"
AT_WORK = (
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ 'pg_sleep' AND pid <> pg_backend_pid()"
)
LOCKED = "SELECT count(*) FROM pg_locks WHERE relation = 'busy'::regclass"


@pytest.fixture(scope="module")
def server() -> Iterator[DebianPostgres]:
    """With a table."""
    with debian_postgres() as found:
        with found.connected() as direct:
            direct.execute("CREATE TABLE busy (id int PRIMARY KEY); INSERT INTO busy VALUES (1)")
            direct.execute(f"CREATE ROLE plain LOGIN PASSWORD '{found.password}'".encode())
        yield found


@pytest.fixture
def guard_of(tmp_path: Path) -> Iterator[Callable[[Risk], Guard]]:
    """Guards that end with the test."""
    made: list[Guard] = []

    def make(risk: Risk) -> Guard:
        made.append(Guard(risk, tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.close()


def begun(guard: Guard, url: str, text: str) -> subprocess.Popen[str]:
    """Psql behind the guard, at work on it."""
    behind = guard.environment({"DATABASE_URL": url})["DATABASE_URL"]
    words = [str(BINARIES / "psql"), "-X", "-c", text, behind]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def asked(server: DebianPostgres, text: str) -> int:
    """A number, past the guard."""
    with server.connected() as direct:
        (number,) = direct.execute(text.encode()).fetchone() or (-1,)
        return int(number)


def killed(server: DebianPostgres, guard: Guard, eventually: Callable[..., None], text: str, port: int = 0) -> None:
    """Begins it, kills its client, and waits until nothing of it is left."""
    client = begun(guard, server.url(port=port), text)
    eventually(lambda: asked(server, AT_WORK) == 1)
    assert asked(server, LOCKED) > 0
    client.kill()
    client.communicate()
    eventually(lambda: (asked(server, AT_WORK), asked(server, LOCKED)) == (0, 0))


@pytest.mark.parametrize(("risk", "text"), [(Risk.READONLY, HOLDS), (Risk.MUTATING, LOCKS)])
def test_a_statement_ends_with_its_client(
    server: DebianPostgres, guard_of: Callable[[Risk], Guard], eventually: Callable[..., None], risk: Risk, text: str
) -> None:
    """Killed, it cannot say goodbye: its locks are given back all the same."""
    killed(server, guard_of(risk), eventually, text)


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_behind_a_pooler_it_ends_too(
    server: DebianPostgres, guard_of: Callable[[Risk], Guard], eventually: Callable[..., None], mode: str
) -> None:
    """Which hands on the request to cancel."""
    with pgbouncer(server, mode) as port:
        killed(server, guard_of(Risk.MUTATING), eventually, LOCKS, port)


def test_a_statement_ends_when_the_next_one_is_refused(
    server: DebianPostgres, guard_of: Callable[[Risk], Guard], eventually: Callable[..., None]
) -> None:
    """In one breath: the session ends, and with it what it was at."""
    guard = guard_of(Risk.READONLY)
    behind = guard.environment({"DATABASE_URL": server.url()})["DATABASE_URL"]
    client = psycopg.connect(behind, autocommit=True)
    with suppress(psycopg.Error), client, client.pipeline():
        client.execute("SELECT count(*), pg_sleep(1000) FROM busy")
        client.execute("DELETE FROM busy")
    assert [each.operation for each in guard.take_refusals()] != []
    eventually(lambda: (asked(server, AT_WORK), asked(server, LOCKED)) == (0, 0))


def test_a_reading_session_does_not_fill_the_disk(server: DebianPostgres, guard_of: Callable[[Risk], Guard]) -> None:
    """As far as its role may say so; nothing in the session takes the limit off."""
    guard = guard_of(Risk.READONLY)
    behind = guard.environment({"DATABASE_URL": server.url()})["DATABASE_URL"]
    for text in ("RESET ALL", "RESET temp_file_limit", "SET temp_file_limit = -1", "SET temp_file_limit TO DEFAULT"):
        with psycopg.connect(behind, autocommit=True) as client:
            assert client.execute("SHOW temp_file_limit").fetchone() == ("10GB",)
            with pytest.raises(psycopg.Error, match="refused by the guard"):
                client.execute(text.encode())
    assert len(guard.take_refusals()) == 4
    with psycopg.connect(behind.replace("admin:", "plain:"), autocommit=True) as client:
        assert client.execute("SHOW temp_file_limit").fetchone() == ("-1",)
    with server.connected() as direct:
        direct.execute("ALTER SYSTEM SET temp_file_limit = '64kB'")
        direct.execute("SELECT pg_reload_conf()")
    with psycopg.connect(behind, autocommit=True) as client:
        client.execute("SET work_mem = '64kB'")
        with pytest.raises(psycopg.Error, match="temp_file_limit"):
            client.execute("SELECT a FROM generate_series(1, 100000) AS a ORDER BY a DESC OFFSET 99999")
    with server.connected() as direct:
        direct.execute("ALTER SYSTEM RESET temp_file_limit")
        direct.execute("SELECT pg_reload_conf()")
