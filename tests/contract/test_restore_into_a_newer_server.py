"""A backup of Debian's PostgreSQL 15 fills an empty database of PostgreSQL 18: the way of an upgrade."""

from __future__ import annotations

import secrets

import psycopg
import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.backup_make import BackupSettings, make_backup
from runbook_steps.operations.backup_restore import refuse_foreign, restore_into
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.binaries import postgres_bin
from tests.contract.debian_postgres import BINARIES, debian_postgres
from tests.contract.embedded_store import store_of

FILL = """
CREATE TYPE state AS ENUM ('open', 'done');
CREATE TABLE t (a int PRIMARY KEY, s varchar CHECK (s IN ('x', 'y')), j json, d state NOT NULL);
CREATE FUNCTION log(name text, more json, VARIADIC several jsonb[]) RETURNS json LANGUAGE sql AS 'SELECT $2';
CREATE AGGREGATE last(json) (SFUNC = second, STYPE = json);
CREATE CAST (json AS state) WITH INOUT;
CREATE OPERATOR <~> (LEFTARG = json, RIGHTARG = json, FUNCTION = second);
GRANT ALL ON t TO PUBLIC;
INSERT INTO t SELECT n, 'x', '{"n": 1}', 'open' FROM generate_series(1, 50) n;
"""


def _settings(url: str) -> BackupSettings:
    return BackupSettings(Database.from_url(url), b"k" * 32, compress=True, retention_days=30)


def test_it_comes_back_whole(embedded: EmbeddedTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what either server prints by another name (`json`); without a word for it the other cluster's is refused."""
    embedded.start({"postgres", "aws"})
    known = embedded.environment()
    store, newer, into = store_of(known, "newer"), known["DATABASE_URL"], f"newer_{secrets.token_hex(4)}"
    with debian_postgres() as old, psycopg.connect(newer, autocommit=True) as admin:
        with old.connected() as filled:
            filled.execute("CREATE FUNCTION second(json, json) RETURNS json LANGUAGE sql AS 'SELECT $2'")
            filled.execute(FILL.encode())
        monkeypatch.setenv("PATH", str(BINARIES), prepend=":")
        made = make_backup(_settings(old.url()), store, lambda _: None)
        monkeypatch.setenv("PATH", str(postgres_bin()), prepend=":")
        with pytest.raises(RefusedError, match="--allow-other-database"):
            refuse_foreign(_settings(newer), made, allow_other=False)
        admin.execute(f"CREATE DATABASE {into} TEMPLATE template0".encode())
        admin.execute("CREATE ROLE admin")
        try:
            assert restore_into(_settings(newer), store, made, into, lambda _: None).invalid == ()
            with psycopg.connect(newer, dbname=into) as found:
                assert found.execute("SELECT count(*), min(second(j, j)::text) FROM t").fetchone() == (50, '{"n": 1}')
        finally:
            admin.execute(f"DROP DATABASE {into} WITH (FORCE)".encode())
            admin.execute("DROP ROLE admin")
