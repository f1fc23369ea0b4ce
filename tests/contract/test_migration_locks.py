"""The locks that `migrate plan` tells, against those that Debian's PostgreSQL 15 really takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_steps.operations.migration_locks import locks_of
from runbook_steps.operations.migration_sql import statements
from tests.contract.debian_postgres import DebianPostgres, debian_postgres

MADE = """
CREATE TABLE t (id integer PRIMARY KEY, a text, b integer, CONSTRAINT positive CHECK (b > 0) NOT VALID);
CREATE TABLE u (id integer PRIMARY KEY, t integer); CREATE INDEX u_t ON u (t);
CREATE TABLE parted (at date) PARTITION BY RANGE (at);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE loose (at date);
CREATE VIEW v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW m AS SELECT 1 AS one; CREATE SEQUENCE s;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE POLICY p ON t; CREATE TYPE e AS ENUM ('x'); CREATE SCHEMA elsewhere;
"""
CASES = [
    "ALTER TABLE t ADD COLUMN x integer NOT NULL DEFAULT 0",
    "ALTER TABLE t ADD COLUMN x integer REFERENCES u",
    "ALTER TABLE t ALTER COLUMN b TYPE bigint, ALTER COLUMN a SET DEFAULT ''",
    "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
    "ALTER TABLE t ALTER COLUMN a SET STATISTICS 500",
    "ALTER TABLE t VALIDATE CONSTRAINT positive",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (b > 1) NOT VALID",
    "ALTER TABLE u ADD CONSTRAINT fk FOREIGN KEY (t) REFERENCES t NOT VALID",
    "ALTER TABLE t ADD UNIQUE (a)",
    "ALTER TABLE t DISABLE TRIGGER tr",
    "ALTER TABLE t SET (fillfactor = 90)",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE t DROP COLUMN a",
    "ALTER TABLE t RENAME TO t2",
    "ALTER TABLE t RENAME COLUMN a TO a2",
    "ALTER TABLE t SET SCHEMA elsewhere",
    "ALTER TABLE parted ATTACH PARTITION loose FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')",
    "ALTER TABLE parted DETACH PARTITION part",
    "CREATE TABLE n (id integer REFERENCES t)",
    "CREATE TABLE n PARTITION OF parted FOR VALUES FROM ('2026-05-01') TO ('2026-06-01')",
    "CREATE TABLE n () INHERITS (t)",
    "CREATE INDEX n ON t (a)",
    "CREATE UNIQUE INDEX n ON t (id)",
    "CREATE TRIGGER n BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE POLICY n ON t",
    "ALTER POLICY p ON t USING (true)",
    "DROP POLICY p ON t",
    "DROP TRIGGER tr ON t",
    "DROP TABLE u",
    "DROP VIEW v",
    "DROP MATERIALIZED VIEW m",
    "DROP SEQUENCE s",
    "TRUNCATE u, loose",
    "LOCK TABLE t IN SHARE MODE",
    "COMMENT ON TABLE t IS 'x'",
    "COMMENT ON COLUMN t.a IS 'x'",
    "REFRESH MATERIALIZED VIEW m",
    "REINDEX TABLE t",
    "CREATE OR REPLACE VIEW v AS SELECT 1 AS one, 2 AS two",
    "CREATE STATISTICS n ON a, b FROM t",
    "ALTER SEQUENCE s RESTART",
    "INSERT INTO u VALUES (1)",
    "UPDATE u SET t = 1",
    "DELETE FROM u",
    "CREATE RULE r AS ON INSERT TO u DO NOTHING",
    "CLUSTER t USING t_pkey",
    "CREATE FUNCTION g() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE e2 AS ENUM ('y')",
    "GRANT SELECT ON t TO PUBLIC",
    "CREATE SCHEMA other",
    "ALTER INDEX u_t RENAME TO u_t2",
    "ANALYZE t",
]
WEAK = {"AccessShareLock", "RowShareLock"}
TAKEN = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
NAMES = "SELECT oid, relname::text, relkind::text FROM pg_class WHERE oid >= 16384 AND relkind <> 't'"
ORDER = (
    "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
)  # fmt: skip


@pytest.fixture(scope="module")
def postgres() -> Iterator[DebianPostgres]:
    """A cluster of Debian's with the tables."""
    with debian_postgres() as found:
        with found.connected() as connection:
            connection.execute(MADE)
        yield found


@pytest.mark.parametrize("text", CASES)
def test_the_plan_tells_the_locks_that_are_taken(postgres: DebianPostgres, text: str) -> None:
    """The strongest lock on each table that was there before, by its name."""
    (statement,) = statements(text, Path("x.sql"))
    told = {lock.table: lock.mode.title().replace(" ", "") + "Lock" for lock in locks_of(statement).locks or ()}
    with postgres.connected() as connection:
        names = {oid: name for oid, name, kind in connection.execute(NAMES) if kind != "i" or name in told}
        connection.execute("BEGIN")
        connection.execute(text.encode())
        found: dict[str, str] = {}
        for oid, mode in connection.execute(TAKEN).fetchall():
            if name := names.get(oid):
                found[name] = max(mode, found.get(name, mode), key=ORDER.index)
        connection.execute("ROLLBACK")
    strong = {name: mode for name, mode in found.items() if mode not in WEAK}
    assert told == strong


def test_what_is_not_known_is_not_called_harmless() -> None:
    """Code that runs, text that cannot be read, a statement as long as a book."""
    for text in ("DO $$ BEGIN END $$", "CALL p()", "ALTER TABLE t FROBNICATE", f"SELECT {'1+' * 3000}1"):
        (statement,) = statements(text, Path("x.sql"))
        assert locks_of(statement).locks is None, text
