"""Every value of every row is compared when a backup is verified, and equal rows are equal in any order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations import backup_verify
from runbook_steps.operations.archive_restore import restore_archive
from runbook_steps.operations.backup_make import BackupSettings, make_backup
from runbook_steps.operations.backup_store import Store
from runbook_steps.operations.database_session import session
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import KEY, Shop

SCHEMA = """
CREATE TABLE plain (id int, t text, n numeric, f float8, b bytea, j jsonb, at timestamptz, m money);
INSERT INTO plain VALUES (1, 'a', 1.10, '-0', '\\x00', '{"a": 1}', '2026-01-01 00:00+00', 12.34);
INSERT INTO plain (id, n) VALUES (2, 'NaN');
CREATE TABLE made (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
INSERT INTO made VALUES (1), (2);
CREATE TABLE "odd ""name""
(x)" ("from
stdin" int);
INSERT INTO "odd ""name""
(x)" VALUES (7);
CREATE TABLE parent (a int, b text);
CREATE TABLE child (b text, a int, c int);
ALTER TABLE child INHERIT parent;
INSERT INTO child VALUES ('b', 1, 2);
CREATE TABLE uneven (id int, t text);
INSERT INTO uneven SELECT n, repeat('x', CASE n % 3 WHEN 0 THEN 1500 ELSE 5 END) FROM generate_series(1, 3000) n;
"""
CHANGES = {
    "a text": ("UPDATE plain SET t = 'A' WHERE id = 1", "public.plain has other contents"),
    "a missing value": ("UPDATE plain SET t = '' WHERE id = 2", "public.plain has other contents"),
    "the scale of a number": ("UPDATE plain SET n = 1.1 WHERE id = 1", "public.plain has other contents"),
    "the sign of nothing": ("UPDATE plain SET f = 0 WHERE id = 1", "public.plain has other contents"),
    "a byte": ("UPDATE plain SET b = '\\x01' WHERE id = 1", "public.plain has other contents"),
    "a part of JSON": ("UPDATE plain SET j = '{\"a\": 2}' WHERE id = 1", "public.plain has other contents"),
    "a moment": ("UPDATE plain SET at = at + interval '1 us' WHERE id = 1", "public.plain has other contents"),
    "an amount": ("UPDATE plain SET m = m + 0.01::money WHERE id = 1", "public.plain has other contents"),
    "two rows for one": ("UPDATE plain SET id = 1", "public.plain has other contents"),
    "a lost row": ("DELETE FROM plain WHERE id = 2", "public.plain has 1 rows, not 2"),
    "a table of an odd name": ('UPDATE "odd ""name""\n(x)" SET "from\nstdin" = 8', "has other contents"),
    "a table in a hierarchy": ("UPDATE child SET c = 3", "public.child has other contents"),
    "a lost table": ("DROP TABLE uneven", "public.uneven is missing"),
    "a new table": ("CREATE TABLE new (a int)", "public.new is unexpected"),
    "a computed value": (
        "ALTER TABLE made ALTER b DROP EXPRESSION; UPDATE made SET b = 9",
        "public.made has other",
    ),
}


@pytest.fixture(scope="module")
def shop(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A database with values that are easily taken for others; what is set for it must not mislead."""
    with Shop.opened(embedded, schema=SCHEMA) as opened:
        opened.sql(
            f"ALTER DATABASE {opened.name} SET TimeZone = 'Asia/Kathmandu'; "
            f"ALTER DATABASE {opened.name} SET bytea_output = 'escape'; "
            f"ALTER DATABASE {opened.name} SET quote_all_identifiers = on"
        )
        yield opened


def verify(shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Makes a backup and verifies it, while `change` happens to what was restored."""
    monkeypatch.setenv("PATH", shop.environ["PATH"])  # where this server's own tools are
    settings, store = BackupSettings.from_environ(shop.environ), Store(lambda: shop.s3, shop.bucket, bytes.fromhex(KEY))
    made = make_backup(settings, store, lambda _: None)
    assert all("checksum" not in entry for entry in made.tables.values())

    def changed(database, name, archive, tell, **more):  # type: ignore[no-untyped-def]
        found = restore_archive(database, name, archive, tell, **more)
        with session(database, name) as connection:
            connection.execute("SET search_path TO public")
            connection.execute(change.encode())
        return found

    monkeypatch.setattr("runbook_steps.operations.restore_by_path.restore_archive", changed)
    backup_verify.verify(settings, store, made, lambda _: None)


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_value_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Whatever its type, by the name of its table."""
    statement, said = CHANGES[change]
    with pytest.raises(OperationError, match="does not restore to what was backed up") as error:
        verify(shop, monkeypatch, statement)
    assert said in str(error.value)


def test_rows_in_another_order_are_the_same_rows(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An order belongs to no table; as it is after CLUSTER, or where a free page was used."""
    verify(
        shop,
        monkeypatch,
        "CREATE TEMPORARY TABLE kept AS SELECT * FROM uneven; DELETE FROM uneven; "
        "INSERT INTO uneven SELECT * FROM kept ORDER BY id % 7, id DESC; DROP TABLE kept",
    )


def test_a_dump_that_leaves_rows_out_is_told(shop: Shop, tmp_path: Path) -> None:
    """The server counts for itself what the dump must hold."""
    dump = shutil.which("pg_dump", path=shop.environ["PATH"])
    (tmp_path / "pg_dump").write_text(
        f'#!/bin/bash\n[[ "$*" == *--version* ]] && exec {dump} "$@"\nexec {dump} --exclude-table-data=plain "$@"\n'
    )
    (tmp_path / "pg_dump").chmod(0o755)
    answer = shop.run("backup", "--format", "json", PATH=f"{tmp_path}:{shop.environ['PATH']}")
    assert answer.returncode == 1
    assert "public.plain has 0 rows, not 2" in answer.stdout + answer.stderr


def test_a_backup_of_before_is_compared_by_its_checksums(shop: Shop) -> None:
    """Version 2 of a manifest: no word about rows in the dump, a checksum by the server for every table."""
    key = shop.backed_up()
    location = f"s3://{shop.bucket}/{key}"
    tables = shop.manifest(key)["tables"]
    for table, entry in tables.items():
        with shop.connected() as connection:
            connection.execute("SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SET quote_all_identifiers = off")
            summed = "coalesce(sum(('x' || left(md5((t.*)::text), 15))::bit(60)::bigint), 0)::text"
            found = connection.execute(f"SELECT {summed} FROM ONLY {table} t".encode()).fetchone()  # noqa: S608
        assert found
        entry["checksum"] = found[0]
        entry.pop("generated", None)
    tables["public.child"].pop("checksum")  # its columns change places: a whole row's text is another one then
    shop.rewrite(key, {"version": 2, "tables": tables})
    assert shop.run("verify", location).returncode == 0
    shop.rewrite(key, {"version": 2, "tables": {**tables, "public.made": {"rows": 2, "checksum": "17"}}})
    done = shop.run("verify", location)
    assert done.returncode == 1
    assert "public.made has other contents" in done.stdout + done.stderr


def test_what_a_database_sets_for_itself_does_not_change_the_dump(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or equal values would look different after a restore."""
    monkeypatch.setenv("PATH", shop.environ["PATH"])  # where this server's own tools are
    settings, store = BackupSettings.from_environ(shop.environ), Store(lambda: shop.s3, shop.bucket, bytes.fromhex(KEY))
    made = make_backup(settings, store, lambda _: None)
    with backup_verify.opened_archive(settings, store, made, shop.name, lambda _: None) as archive:
        text = archive.file.read_bytes()
    assert b"2026-01-01 00:00:00+00" in text
    assert b"\\\\x00" in text
