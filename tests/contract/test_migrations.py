"""`beautycort migrate` against a real database: the lock, the order, and a database that does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runbook_steps.operations.migrations_cli import LOCK_KEY
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Shell

SCRATCH = "beautycort_migrate_scratch"


@pytest.fixture
def scratch(embedded: EmbeddedTarget) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """An empty database, and its address."""
    embedded.start({"postgres"})
    base = embedded.environment()["DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(f"{base}/postgres", autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {SCRATCH}")
        with psycopg.connect(f"{base}/{SCRATCH}", autocommit=True) as connection:
            yield connection, f"{base}/{SCRATCH}"
        admin.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two migrations."""
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "0001_a.sql").write_text("CREATE TABLE a (id integer);\n")
    (made / "0003_c.sql").write_text("CREATE TABLE c (id integer);\n")
    return made


def test_a_second_run_is_refused_while_one_is_under_way(
    scratch: tuple[psycopg.Connection[Any], str], folder: Path, shell: Shell
) -> None:
    """Exit code 3, nothing applied, and the message names the process that holds the lock."""
    connection, address = scratch
    connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
    answer = shell("beautycort migrate up", DATABASE_URL=address, MIGRATIONS_DIR=str(folder))
    assert answer.returncode == 3
    assert f"process {connection.info.backend_pid} " in answer.stderr
    assert connection.execute("SELECT to_regclass('a')").fetchone() == (None,)


def test_running_twice_applies_once(scratch: tuple[psycopg.Connection[Any], str], folder: Path, shell: Shell) -> None:
    """The second run finds nothing pending, and status ends with 0."""
    connection, address = scratch
    where = {"DATABASE_URL": address, "MIGRATIONS_DIR": str(folder)}
    assert shell("beautycort migrate status", **where).returncode == 1
    assert shell("beautycort migrate up", **where).returncode == 0
    assert shell("beautycort migrate up", **where).stdout == "nothing pending\n"
    assert shell("beautycort migrate status", **where).returncode == 0
    rows = connection.execute("SELECT version, state FROM schema_migrations ORDER BY version").fetchall()
    assert rows == [("0001", "applied"), ("0003", "applied")]


def test_a_late_migration_is_refused(scratch: tuple[psycopg.Connection[Any], str], folder: Path, shell: Shell) -> None:
    """A file older than what is applied would run in another order elsewhere."""
    connection, address = scratch
    where = {"DATABASE_URL": address, "MIGRATIONS_DIR": str(folder)}
    shell("beautycort migrate up", **where)
    (folder / "0002_b.sql").write_text("CREATE TABLE b (id integer);\n")
    answer = shell("beautycort migrate up", **where)
    assert (answer.returncode, "0002_b is older than what is applied" in answer.stderr) == (3, True)
    assert connection.execute("SELECT to_regclass('b')").fetchone() == (None,)


def test_a_database_that_does_not_answer_ends_with_4(embedded: EmbeddedTarget, folder: Path, shell: Shell) -> None:
    """And the message holds no password."""
    embedded.start({"postgres"})
    gone = "postgres://someone:hidden@127.0.0.1:1/none"
    answer = shell("beautycort migrate status", DATABASE_URL=gone, MIGRATIONS_DIR=str(folder))
    assert (answer.returncode, "hidden" in answer.stderr) == (4, False)
