"""Databases of every kind: backed up, verified, restored, and compared by a comparer that shares nothing with ours.

One of each class that broke a backup once, at each run of the suite; all of them with WHOLE_CORPUS=1.
On PostgreSQL 18, and on Debian's 15.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from runbook_steps.operations.backup_make import BackupSettings, make_backup
from runbook_steps.operations.backup_restore import restore
from runbook_steps.operations.backup_store import Store
from runbook_steps.operations.backup_verify import verify
from runbook_steps.operations.database_swap import discard
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.binaries import postgres_bin
from tests.contract.database_comparer import description, differences
from tests.contract.database_corpus import CORPUS, ROLES, Kind
from tests.contract.debian_postgres import BINARIES, debian_postgres
from tests.contract.embedded_store import store_of

WHOLE = os.environ.get("WHOLE_CORPUS") == "1"
SAMPLE = {
    "check in on varchar", "bookings of the past", "list settings", "sql_ascii", "time limits",
    "encoding of the application", "an empty search path", "collations that are copied", "several parents",
    "domains inside of others", "triggers of partitions", "materialized views that fail today",
    "large objects beside checks that are worded anew",
}  # fmt: skip
VIEW = "materialized view "
FORGET = """
SELECT pg_stat_statements_reset(0, dbid, 0)
FROM (SELECT DISTINCT dbid FROM pg_stat_statements(false) WHERE dbid NOT IN (SELECT oid FROM pg_database)) AS gone
"""
"""Statements in bytes that are no UTF-8, of databases that are gone: no other test could read those of its own."""
KINDS = [kind for kind in CORPUS if WHOLE or kind.name in SAMPLE]


@dataclass(frozen=True)
class Cluster:
    """A server, its client tools, and the bucket."""

    parameters: dict[str, Any]
    tools: str
    store: Store

    def connected(self, dbname: str = "postgres") -> psycopg.Connection[Any]:
        """A session in autocommit."""
        return psycopg.connect(**self.parameters, dbname=dbname, autocommit=True)

    def database(self, name: str) -> Database:
        """As the operations take it."""
        known = self.parameters
        found = Database.from_url(
            f"postgres://{known['user']}:{known['password']}@{known['host']}:{known['port']}/placeholder"
        )
        return replace(found, name=name)

    def fill(self, kind: Kind) -> None:
        """Creates the database, and runs what fills it with psql."""
        self.drop(kind)
        quoted = sql.Identifier(kind.dbname).as_string(None)
        raw = "SQL_ASCII" if any(word in kind.options for word in ("SQL_ASCII", "MULE")) else "UTF8"
        with self.connected() as admin:
            try:
                admin.execute(f"CREATE DATABASE {quoted} TEMPLATE template0 {kind.options}".encode())
            except psycopg.errors.FeatureNotSupported as error:
                pytest.skip(f"this server: {error.diag.message_primary}")
        name = kind.dbname.replace("\\", "\\\\").replace("'", "\\'")
        done = subprocess.run(
            [f"{self.tools}/psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", f"dbname='{name}'"],
            input=kind.fill.replace("{db}", quoted),
            env={
                "PGHOST": self.parameters["host"],
                "PGPORT": str(self.parameters["port"]),
                "PGUSER": self.parameters["user"],
                "PGPASSWORD": self.parameters["password"],
                "PGCLIENTENCODING": raw,
                "PGOPTIONS": "-c allow_system_table_mods=on",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def drop(self, kind: Kind) -> None:
        """The database, what restores of it keep, and its slots."""
        with self.connected() as admin:
            found = admin.execute("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
            names = [str(name) for (name,) in found.fetchall()]
        for name in names:
            if name == kind.dbname or "_before_" in name:
                discard(self.database(kind.dbname), (name,))


@pytest.fixture(scope="module", params=["18", "15"])
def cluster(request: pytest.FixtureRequest, embedded: EmbeddedTarget) -> Iterator[Cluster]:
    """The embedded server, or Debian's."""
    embedded.start({"postgres", "aws"})
    known = embedded.environment()
    store = store_of(known, f"corpus-{request.param}")
    if request.param == "18":
        parameters = {"host": known["PGHOST"], "port": known["PGPORT"], "user": known["PGUSER"]}
        shared = _ready(Cluster({**parameters, "password": known["PGPASSWORD"]}, str(postgres_bin()), store))
        yield shared
        with shared.connected(known["PGDATABASE"]) as admin:
            admin.execute(FORGET)
        return
    with debian_postgres(wal_level="logical") as debian:
        parameters = {"host": "127.0.0.1", "port": str(debian.port), "user": "admin"}
        yield _ready(Cluster({**parameters, "password": debian.password}, str(BINARIES), store))


def _ready(cluster: Cluster) -> Cluster:
    with cluster.connected() as admin:
        for role in ROLES:
            with suppress(psycopg.errors.DuplicateObject):
                admin.execute(role.encode())
    return cluster


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_comes_back_as_it_was(kind: Kind, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backup, verification and restore succeed, and what is live then is what was there before."""
    monkeypatch.setenv("PATH", f"{cluster.tools}:{os.environ['PATH']}")
    with cluster.connected() as admin:
        if admin.info.server_version // 10000 < kind.least:
            pytest.skip(f"PostgreSQL {kind.least} or newer")
        level = admin.execute("SHOW wal_level").fetchone()
        if "logical_replication_slot" in kind.fill and level != ("logical",):
            pytest.skip("this server's wal_level is not logical")
    cluster.fill(kind)
    try:
        before = description(cluster.parameters, kind.dbname, age=1, tools=cluster.tools)
        settings = BackupSettings(cluster.database(kind.dbname), b"k" * 32, compress=True, retention_days=30)
        made = make_backup(settings, cluster.store, lambda _: None)
        verify(settings, cluster.store, made, lambda _: None)
        _, filled = restore(settings, cluster.store, made, lambda _: None)
        after = description(cluster.parameters, kind.dbname, tools=cluster.tools)
        if filled.invalid:  # told, and PostgreSQL's own word for rows that a check of today refuses
            before, after = (_without(each, filled.invalid) for each in (before, after))
        assert differences(before, after) == []
    finally:
        cluster.drop(kind)


def _without(found: dict[str, bytes], told: Sequence[str]) -> dict[str, bytes]:
    """What was told to be otherwise: materialized views that are empty, or else definitions."""
    views = [each for each in told if each.startswith(VIEW)]
    empty = {f"rows of {each.removeprefix(VIEW).partition(': ')[0]}" for each in views}
    kept = {kind: value for kind, value in found.items() if kind not in empty}
    return kept if len(views) == len(told) else {**kept, "definitions": b""}


def test_the_corpus_is_large() -> None:
    """At least 60 databases, each name once."""
    assert len({kind.dbname for kind in CORPUS}) == len(CORPUS) >= 60


@pytest.mark.parametrize(
    ("made", "changed"),
    [
        ("CREATE SCHEMA alone", "COMMENT ON SCHEMA alone IS 'another'"),
        ("CREATE EXTENSION hstore", "DROP EXTENSION hstore"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION f()"),
        ("CREATE TABLE t (a int)", "ALTER TABLE t ADD b int"),
        ("CREATE TYPE t AS ENUM ('a')", "ALTER TYPE t ADD VALUE 'b'"),
    ],
)
def test_the_comparer_sees_the_only_object(cluster: Cluster, made: str, changed: str) -> None:
    """The first object stands right behind the settings at the head of a dump."""
    kind = Kind("only one", f"{made};")
    cluster.fill(kind)
    try:
        before = description(cluster.parameters, kind.dbname, age=1, tools=cluster.tools)
        assert differences(before, description(cluster.parameters, kind.dbname, tools=cluster.tools)) == []
        with cluster.connected(kind.dbname) as admin:
            admin.execute(changed.encode())
        after = description(cluster.parameters, kind.dbname, tools=cluster.tools)
        assert [each for each in differences(before, after) if each.startswith("definitions: ")]
    finally:
        cluster.drop(kind)
