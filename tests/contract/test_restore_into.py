"""`restore … --into` and `--prepared`: filled whole, or as empty as somebody prepared it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
OWN_PATH = 'setting search_path="My, S", public'


@pytest.fixture
def shop(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A shop of its own: these tests change it."""
    with Shop.opened(embedded) as opened:
        yield opened


@pytest.fixture
def beside(shop: Shop) -> str:
    """An empty database with an extension that the backup needs not, and a search path of its own."""
    name = f"{shop.name}_into"
    shop.sql(f"CREATE DATABASE {name}", dbname="postgres")
    shop.sql("CREATE EXTENSION pageinspect", dbname=name)
    shop.sql(f"""ALTER DATABASE {name} SET search_path TO "My, S", public""", dbname="postgres")
    return name


MADE = """
WITH ours AS (SELECT objid FROM pg_depend WHERE deptype = 'e')
SELECT 'relation ' || relname FROM pg_class WHERE oid >= 16384 AND oid NOT IN (TABLE ours) AND relkind IN ('r', 'p')
UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE oid >= 16384 AND oid NOT IN (TABLE ours)
UNION ALL SELECT 'type ' || typname FROM pg_type WHERE oid >= 16384 AND oid NOT IN (TABLE ours) AND typtype = 'e'
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_'
UNION ALL SELECT 'extension ' || extname FROM pg_extension
UNION ALL SELECT 'setting ' || unnest(setconfig) FROM pg_db_role_setting, pg_database d
    WHERE d.oid = setdatabase AND datname = current_database()
ORDER BY 1
"""


def left(shop: Shop, name: str) -> list[str]:
    """What there is in a database: relations, functions, enums, schemas, extensions, settings of its own."""
    return [str(each) for (each,) in shop.rows(MADE, dbname=name)]


def test_what_does_not_come_back_whole_leaves_the_database_empty(shop: Shop, beside: str) -> None:
    """Seen at the very end, by the comparison: nothing of it stays, its extensions neither; then a whole one fits."""
    key = shop.backed_up()
    good = shop.manifest(key)["tables"]
    before = left(shop, beside)
    shop.rewrite(key, {"tables": {**good, "public.orders": {**good["public.orders"], "rows": 501}}})

    done = shop.run("restore", f"s3://{shop.bucket}/{key}", "--into", beside)

    assert (done.returncode, "public.orders has 500 rows, not 501" in done.stderr) == (1, True), done.stderr
    assert left(shop, beside) == before
    shop.rewrite(key, {"tables": good})
    assert shop.answer("restore", f"s3://{shop.bucket}/{key}", "--into", beside)["database"] == beside
    assert shop.contents(beside) == shop.contents()


def test_a_search_path_of_its_own_stays(shop: Shop, beside: str) -> None:
    """Where names were not found, all is done once more with the application's path: then it has its own again."""
    shop.sql(
        "CREATE FUNCTION home(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN IF current_database() LIKE "
        "''%_into'' THEN RAISE ''it does not exist here''; END IF; RETURN 1; END'; CREATE SCHEMA ext; "
        "CREATE EXTENSION hstore SCHEMA ext; CREATE TABLE t (a int, b int GENERATED ALWAYS AS (home(a)) STORED); "
        "INSERT INTO t VALUES (1)"
    )
    key = shop.backed_up("--unverified")
    before = left(shop, beside)

    done = shop.run("restore", f"s3://{shop.bucket}/{key}", "--into", beside)

    assert (done.returncode, "it does not exist here" in done.stderr) == (1, True), done.stderr
    assert left(shop, beside) == before
    assert OWN_PATH in before


def test_a_prepared_database_is_given_back_as_it_was(shop: Shop, beside: str) -> None:
    """With its own settings and privileges, where it could not take the place of the live one."""
    key = shop.backed_up()
    good = shop.manifest(key)["tables"]
    before = left(shop, beside)
    shop.rewrite(key, {"tables": {**good, "public.orders": {**good["public.orders"], "rows": 501}}})

    done = shop.run("restore", f"s3://{shop.bucket}/{key}", "--prepared", beside, *YES)

    assert done.returncode == 1, done.stderr
    assert left(shop, beside) == before


def test_a_table_of_partitions_alone_is_not_empty(shop: Shop, beside: str) -> None:
    """It has no rows of its own, and is somebody's."""
    key = shop.backed_up()
    shop.sql("CREATE TABLE parted (d date) PARTITION BY RANGE (d)", dbname=beside)
    before = left(shop, beside)

    done = shop.run("restore", f"s3://{shop.bucket}/{key}", "--into", beside)

    assert (done.returncode, f"{beside} is not empty: nothing was done" in done.stderr) == (3, True), done.stderr
    assert left(shop, beside) == before
