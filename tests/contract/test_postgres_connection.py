"""An address with everything in it, as psql and this process use it, on Debian's PostgreSQL 15."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_steps.operations.postgres_connection import Database, connect
from tests.contract.debian_postgres import DebianPostgres, debian_postgres

ASKED = "SELECT current_setting('application_name'), host(inet_server_addr()), current_setting('geqo'), current_user"


@pytest.fixture(scope="module")
def postgres() -> Iterator[DebianPostgres]:
    """A cluster of Debian's."""
    with debian_postgres() as found:
        yield found


def asked_by_psql(database: Database) -> list[str]:
    """What a tool sees, started as pg_dump is."""
    psql = shutil.which("psql") or pytest.skip("psql is not installed")
    done = subprocess.run(
        [psql, "-X", "-At", "-F", "|", f"--dbname={database.tool_argument()}", "--command", ASKED],
        env=database.tool_environment(), capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split("|")


def test_every_parameter_reaches_tool_and_process(postgres: DebianPostgres, tmp_path: Path) -> None:
    """A host that nobody knows with the true hostaddr, a file of passwords, options, a client's pool."""
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"*:*:*:*:{postgres.password}\n")
    passfile.chmod(0o600)
    database = Database.from_url(
        f"postgres://admin@db.invalid:{postgres.port}/postgres?hostaddr=127.0.0.1&passfile={passfile}&keepalives_idle=9"
        "&application_name=night%20job&options=-c%20geqo%3Doff&connection_limit=5"
    )
    expected = ["night job", "127.0.0.1", "off", "admin"]
    assert asked_by_psql(database) == expected
    with connect(database) as connection:
        assert list(connection.execute(ASKED.encode()).fetchone() or ()) == expected


def test_of_several_hosts_the_one_that_answers_is_kept(postgres: DebianPostgres) -> None:
    """Tools and sessions then speak with the same server."""
    url = f"postgres://admin:{postgres.password}@127.0.0.1:1,127.0.0.1:{postgres.port}/postgres"
    settled = Database.from_url(f"{url}?target_session_attrs=read-write").settled()
    assert (settled.address.parameters["host"], settled.address.parameters["port"]) == ("127.0.0.1", str(postgres.port))
    assert asked_by_psql(settled)[3] == "admin"


def test_user_and_password_of_any_signs(postgres: DebianPostgres) -> None:
    """Percent-encoded in the address, plain for the server."""
    with postgres.connected() as connection:
        connection.execute("""CREATE ROLE "ro@team/x" LOGIN PASSWORD 'p@ss:w/rd#?%'""")
    url = f"postgres://ro%40team%2Fx:p%40ss%3Aw%2Frd%23%3F%25@127.0.0.1:{postgres.port}/postgres"
    assert asked_by_psql(Database.from_url(url))[3] == "ro@team/x"


def test_a_database_name_is_never_read_as_an_address(postgres: DebianPostgres) -> None:
    """`a=b` and `postgres://…` are names too."""
    database = Database.from_url(postgres.url())
    for name in ("host=elsewhere", "postgres://elsewhere/x"):
        with postgres.connected() as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        assert "elsewhere" in database.tool_argument(name)
        named = Database(name, database.address)
        assert asked_by_psql(named)[3] == "admin"
        with connect(named) as connection:
            assert connection.info.dbname == name
