"""Whether more instances fit: what other roles use and what is reserved counts, on a PostgreSQL 15 nobody here made."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import ExitStack
from pathlib import Path

import psycopg

from runbook_steps.engine.project.project import load_project
from tests.contract.debian_postgres import DebianPostgres, debian_postgres

ROOT = Path(__file__).parents[2]


def asked(server: DebianPostgres, settings: Path) -> tuple[int, dict[str, object]]:
    """Exit code and answer of the page's own block, signed in as the application."""
    runbook = load_project(ROOT).runbook("maintenance/manual-scaling")
    assert runbook
    text = runbook.procedures[0].commands[0].text
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", text],
        env={
            "PATH": os.environ["PATH"], "API_ENV_FILE": str(settings), "WANTED": "5", "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port), "PGUSER": "app", "PGPASSWORD": "app", "PGDATABASE": "postgres",
        },
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


def test_sessions_of_other_roles_are_taken_off(tmp_path: Path) -> None:
    """Room for five pools of five: until another program holds four connections. Its own pool is not counted twice."""
    settings = tmp_path / "api.env"
    settings.write_text("DB_POOL_SIZE=5\n")
    with debian_postgres(max_connections="38", superuser_reserved_connections="3") as server, ExitStack() as stack:
        with server.connected() as direct:
            direct.execute("CREATE ROLE app LOGIN PASSWORD 'app'; CREATE ROLE reports LOGIN PASSWORD 'reports'")
        own = f"postgres://app:app@127.0.0.1:{server.port}/postgres"
        for _ in range(3):
            stack.enter_context(psycopg.connect(own))

        code, answer = asked(server, settings)
        assert (code, answer["others"], answer["limit"], answer["fits"]) == (0, 0, 28, True)

        for _ in range(4):
            stack.enter_context(psycopg.connect(own.replace("app:app", "reports:reports")))
        code, answer = asked(server, settings)
        assert (code, answer["others"], answer["limit"], answer["fits"]) == (1, 4, 24, False)
