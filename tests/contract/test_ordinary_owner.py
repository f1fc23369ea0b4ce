"""The role that the drills have: what production's has, or less. An administrator's password goes where it is named."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runbook_steps.engine.model import Command, Position
from runbook_steps.engine.run.needs import without_unnamed
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.targets.by_name import make_target
from runbook_steps.engine.targets.protocol import Target

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = load_settings(ROOT)
OF_PRODUCTION = {"pg_monitor", "pg_read_all_data", "pg_signal_backend"}


@pytest.fixture(scope="module")
def drill() -> Iterator[Target]:
    """What `pytest features/` runs on, made as it makes it."""
    with closing(make_target("embedded", SETTINGS, None)) as target:
        target.start({"postgres"})
        yield target


def rows(target: Target, statement: str, user: str = "", password: str = "") -> list[tuple[Any, ...]]:
    """As the role of the commands, or as another one."""
    own = target.environment()
    with psycopg.connect(
        own["DATABASE_URL"], user=user or own["PGUSER"], password=password or own["PGPASSWORD"]
    ) as session:
        return session.execute(statement.encode()).fetchall()


def test_the_owner_is_no_superuser(drill: Target) -> None:
    """A drill as superuser proves what production refuses; row security it does not go past either."""
    attributes = (
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles "
        "WHERE rolname = current_user"
    )

    assert rows(drill, attributes) == [(False, False, True, True, True)]


def test_the_owner_is_a_member_of_no_more_than_production_s_role(drill: Target) -> None:
    """A role that reads the server's files, or runs its programs, is a superuser by another name."""
    found = {
        str(name)
        for (name,) in rows(
            drill, "SELECT rolname FROM pg_roles WHERE pg_has_role(oid, 'MEMBER') AND rolname <> current_user"
        )
    }
    implied = {"pg_read_all_settings", "pg_read_all_stats", "pg_stat_scan_tables", "pg_database_owner"}

    assert {"pg_monitor", "pg_signal_backend"} <= found <= OF_PRODUCTION | implied


def test_database_and_tables_are_the_owner_s(drill: Target) -> None:
    """What it does not own are the extensions that only a superuser creates, and cube, which one of them needs."""
    database = "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database WHERE datname = current_database()"
    tables = "SELECT DISTINCT tableowner = current_user FROM pg_tables WHERE schemaname = 'public'"
    others = "SELECT extname FROM pg_extension WHERE pg_get_userbyid(extowner) <> current_user AND oid >= 16384"

    assert rows(drill, database) == [(True,)]
    assert rows(drill, tables) == [(True,)]
    assert sorted(rows(drill, others)) == [("cube",), ("earthdistance",), ("pg_stat_statements",)]


def test_the_administrator_signs_in_by_its_own_name_and_password(drill: Target) -> None:
    """Another role than the owner, with another password; both are hidden in outputs."""
    known = drill.environment()
    assert known["ADMIN_USER"] != known["PGUSER"]
    assert known["ADMIN_PASSWORD"] != known["PGPASSWORD"]
    assert known["ADMIN_PASSWORD"] in drill.secrets()

    assert rows(
        drill,
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
        known["ADMIN_USER"],
        known["ADMIN_PASSWORD"],
    ) == [(True,)]


def test_a_command_gets_the_administrator_s_password_only_where_it_names_it(drill: Target, tmp_path: Path) -> None:
    """Of the pages: whoever forgets to sign in as administrator is refused, as in production."""

    def said(text: str) -> str:
        command = Command(text, "bash", "look", Position("page", 1), 30.0)
        given = without_unnamed(drill.environment(), SETTINGS.only_where_named, command)
        done = subprocess.run(
            ["bash", "-c", text], env=given, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout + done.stderr

    secret = drill.environment()["ADMIN_PASSWORD"]
    asked = "psql -XAt -c 'SELECT pg_reload_conf()'"
    assert secret not in said("env")
    assert "permission denied for function pg_reload_conf" in said(asked)
    assert said(f'PGUSER="${{ADMIN_USER:?}}" PGPASSWORD="${{ADMIN_PASSWORD:?}}" {asked}') == "t\n"
    assert secret in said('echo "${ADMIN_PASSWORD:?}"')
