"""What a database has and no dump of it holds is named, and nothing else is. On PostgreSQL 18, and on Debian's 15."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from runbook_steps.operations.outside_dumps import not_in_a_dump
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.binaries import postgres_bin
from tests.contract.debian_postgres import BINARIES, debian_postgres

KINDS = yaml.safe_load(Path(__file__).with_name("outside_dumps.yml").read_text("utf-8"))


@dataclass(frozen=True)
class Server:
    """A server and its client tools."""

    parameters: dict[str, Any]
    tools: str

    def connected(self, dbname: str = "postgres") -> psycopg.Connection[Any]:
        """A session in autocommit that prints names with their schemas."""
        return psycopg.connect(
            **self.parameters, dbname=dbname, autocommit=True, options="-c client_min_messages=error"
        )

    def told(self, dbname: str) -> list[str]:
        """What no dump of that database holds."""
        with self.connected(dbname) as connection:
            connection.execute("SET search_path = ''")
            return not_in_a_dump(connection)

    def fill(self, dbname: str, text: str) -> None:
        """Runs the statements, each by itself."""
        self._run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", dbname, into=text.replace("{db}", dbname).encode())

    def restored(self, dbname: str, into: str) -> None:
        """Dumps one database and restores it into the other."""
        self._run("pg_restore", "-e", "-d", into, into=self._run("pg_dump", "-Fc", dbname))

    def _run(self, program: str, *words: str, into: bytes = b"") -> bytes:
        env = {
            **os.environ,
            "PGHOST": str(self.parameters["host"]),
            "PGPORT": str(self.parameters["port"]),
            "PGUSER": self.parameters["user"],
            "PGPASSWORD": self.parameters["password"],
            "PGOPTIONS": "-c allow_system_table_mods=on",
        }
        done = subprocess.run(
            [f"{self.tools}/{program}", *words], env=env, input=into, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=["18", "15"])
def server(request: pytest.FixtureRequest, embedded: EmbeddedTarget) -> Iterator[Server]:
    """The embedded one, or Debian's."""
    if request.param == "18":
        embedded.start({"postgres"})
        known = embedded.environment()
        own = {
            "host": known["PGHOST"],
            "port": known["PGPORT"],
            "user": known["PGUSER"],
            "password": known["PGPASSWORD"],
        }
        yield from _with_role(Server(own, str(postgres_bin())))
        return
    with debian_postgres() as debian:
        own = {"host": "127.0.0.1", "port": str(debian.port), "user": "admin", "password": debian.password}
        yield from _with_role(Server(own, str(BINARIES)))


def _with_role(server: Server) -> Iterator[Server]:
    with server.connected() as admin:
        admin.execute("CREATE ROLE outside_role")
        yield server
        admin.execute("DROP ROLE outside_role")


@pytest.fixture
def databases(server: Server) -> Iterator[tuple[str, str]]:
    """Two that are empty; gone afterwards."""
    names = (f"outside_{os.getpid()}", f"outside_again_{os.getpid()}")
    with server.connected() as admin:
        for name in names:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        yield names
        for name in names:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_what_is_named_is_lost_and_nothing_else_is_named(
    server: Server, databases: tuple[str, str], kind: dict[str, Any]
) -> None:
    """Each by its name; after a dump and a restore nothing is left to name, so none of it came back."""
    one, other = databases
    server.fill(one, kind["fill"])

    assert {*server.told(one)} == {*kind["told"]}

    server.restored(one, other)
    assert server.told(other) == []


def test_many_of_a_kind_are_counted(server: Server, databases: tuple[str, str]) -> None:
    """Twenty by name, and how many more there are."""
    server.fill(databases[0], "".join(f"CREATE VIEW pg_catalog.many_{n} AS SELECT 1 AS a;" for n in range(23)))

    told = server.told(databases[0])
    assert len(told) == 21
    assert told[-1].startswith("(and 3 more like these) ")
