"""Rows of one table come back beside newer ones; a restore is undone; what is kept is shown before it is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
MORE = """
CREATE TABLE bookings (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer bigint REFERENCES customers,
    day date NOT NULL, slot int UNIQUE, twice int GENERATED ALWAYS AS (slot * 2) STORED);
INSERT INTO bookings (customer, day, slot) SELECT n, date '2020-01-01' + n, n FROM generate_series(1, 30) n;
ALTER TABLE bookings ADD CONSTRAINT future CHECK (day >= CURRENT_DATE) NOT VALID;
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not at this hour''; END';
CREATE TRIGGER hours BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION never();
"""


@pytest.fixture
def shop(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A shop of its own: these tests change it."""
    with Shop.opened(embedded) as opened:
        opened.sql(MORE)
        yield opened


def test_lost_rows_come_back_and_newer_ones_stay(shop: Shop) -> None:
    """Through a check that refuses old rows and a trigger that refuses all; a row whose place is taken is counted."""
    before = shop.rows("SELECT id, customer, day, slot, twice FROM bookings ORDER BY id")
    key = shop.backed_up()
    shop.sql(
        "DELETE FROM bookings WHERE id <= 20; ALTER TABLE bookings DISABLE TRIGGER hours; "
        "INSERT INTO bookings (customer, day, slot) VALUES (1, '2099-01-01', 5), (2, '2099-01-02', 777); "
        "ALTER TABLE bookings ENABLE TRIGGER hours; UPDATE customers SET name = 'new name' WHERE id = 1"
    )
    told = shop.answer("restore", f"s3://{shop.bucket}/{key}", "--tables", "public.bookings,customers", "--beside")
    assert told["tables"]["public.bookings"] == {"in_backup": 30, "now": 12, "missing": 20, "changed": 0}
    assert told["tables"]["public.customers"] == {"in_backup": 40, "now": 40, "missing": 0, "changed": 1}
    assert shop.rows("SELECT count(*) FROM bookings") == [(12,)]

    done = shop.answer("rows-back", told["schema"], *YES)

    assert done["tables"]["public.bookings"] == {"back": 19, "collide": 1, "not_valid": ["future"]}
    now = shop.rows("SELECT id, customer, day, slot, twice FROM bookings ORDER BY id")
    assert [row for row in before if row[3] != 5] == [row for row in now if row[0] <= 30]
    assert shop.rows("SELECT slot FROM bookings WHERE day > '2098-01-01' ORDER BY slot") == [(5,), (777,)]
    assert shop.rows("SELECT name FROM customers WHERE id = 1") == [("new name",)]
    assert shop.rows("SELECT tgenabled::text FROM pg_trigger WHERE tgname = 'hours'") == [("O",)]
    assert shop.rows("SELECT convalidated FROM pg_constraint WHERE conname = 'future'") == [(False,)]
    assert shop.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'restored%'") == []


def test_two_of_one_second_have_their_own_names(shop: Shop) -> None:
    """A schema of that second is there already, whoever made it: the next one has a number, and is put back by it."""
    key = shop.backed_up()
    shop.sql("DELETE FROM bookings WHERE id = 30")
    taken = (
        "DO $$ BEGIN FOR n IN 0..300 LOOP EXECUTE format('CREATE SCHEMA IF NOT EXISTS restored_%s', "
        "to_char(now() AT TIME ZONE 'UTC' + n * interval '1 second', 'YYYYMMDD_HH24MISS')); END LOOP; END $$"
    )
    shop.sql(taken)
    count = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'restored%'"
    before = shop.rows(count)

    told = shop.answer("restore", f"s3://{shop.bucket}/{key}", "--tables", "bookings", "--beside")

    assert told["schema"].endswith("_2")
    assert shop.answer("rows-back", told["schema"], *YES)["tables"]["public.bookings"]["back"] == 1
    assert shop.rows(count) == before


def test_rows_of_a_partitioned_table_come_back(shop: Shop) -> None:
    """Of all its partitions, and of theirs; named as what it is, one table."""
    shop.sql(
        'CREATE TABLE "Slots" (id int, day date, at text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day); '
        "CREATE TABLE early PARTITION OF \"Slots\" FOR VALUES FROM ('2026-01-01') TO ('2026-07-01'); "
        "CREATE TABLE audit.late PARTITION OF \"Slots\" FOR VALUES FROM ('2026-07-01') TO ('2027-01-01') "
        'PARTITION BY LIST (id); CREATE TABLE audit."late.1" PARTITION OF audit.late FOR VALUES IN (1, 3, 5); '
        "CREATE TABLE audit.late_rest PARTITION OF audit.late DEFAULT; "
        "INSERT INTO \"Slots\" SELECT n, date '2026-06-27' + n, 'ten' FROM generate_series(1, 9) n"
    )
    before = shop.rows('SELECT * FROM "Slots" ORDER BY id')
    key = shop.backed_up()
    shop.sql("DELETE FROM \"Slots\" WHERE id > 2; INSERT INTO \"Slots\" VALUES (99, '2026-12-01', 'new')")

    told = shop.answer("restore", f"s3://{shop.bucket}/{key}", "--tables", "Slots", "--beside")
    assert told["tables"]["public.Slots"] == {"in_backup": 9, "now": 3, "missing": 7, "changed": 0}
    assert shop.answer("rows-back", told["schema"], *YES)["tables"]["public.Slots"]["back"] == 7
    assert shop.rows('SELECT * FROM "Slots" WHERE id < 99 ORDER BY id') == before
    assert shop.rows('SELECT count(*) FROM "Slots"') == [(10,)]


def test_rows_come_back_past_what_a_hostile_table_has(shop: Shop) -> None:
    """Keys whose equality no search path finds, constraints that may wait, rules, inherited columns, odd names."""
    shop.sql(
        "CREATE SCHEMA ext; CREATE EXTENSION ltree SCHEMA ext; "
        "CREATE TABLE tree (path ext.ltree PRIMARY KEY, n int UNIQUE DEFERRABLE INITIALLY DEFERRED); "
        "INSERT INTO tree SELECT ('a.b' || n)::ext.ltree, n FROM generate_series(1, 9) n; "
        "CREATE RULE also AS ON INSERT TO tree DO ALSO INSERT INTO nothing VALUES (1); "
        "CREATE RULE twice AS ON UPDATE TO tree DO ALSO INSERT INTO nothing VALUES (2); "
        "CREATE TABLE base (id int PRIMARY KEY, a text); CREATE TABLE heir (b text, PRIMARY KEY (id)) INHERITS (base); "
        "INSERT INTO base VALUES (1, 'base'); INSERT INTO heir VALUES (1, 'heir', 'b'); "
        'CREATE TABLE "a.b" (id int PRIMARY KEY, v text); INSERT INTO "a.b" VALUES (1, \'dot\'); '
        'CREATE TABLE "a b" (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (5); '
        'INSERT INTO "a b" VALUES (6); CREATE TABLE "x\ny" (id int PRIMARY KEY); INSERT INTO "x\ny" VALUES (7)'
    )
    key = shop.backed_up()
    shop.sql(
        "DELETE FROM tree WHERE n > 3; ALTER TABLE tree DISABLE RULE also; INSERT INTO tree VALUES ('new', 5); "
        "ALTER TABLE tree ENABLE ALWAYS RULE also; DELETE FROM ONLY base; DELETE FROM heir; INSERT INTO heir VALUES "
        '(1, \'newer\', \'b\'); DELETE FROM "a.b"; DELETE FROM a; DELETE FROM "a b"; DELETE FROM "x\ny"'
    )
    wanted = 'tree,base,heir,"a.b",a,a b,x\ny'
    told = shop.answer("restore", f"s3://{shop.bucket}/{key}", "--tables", wanted, "--beside")
    done = shop.answer("rows-back", told["schema"], *YES)["tables"]

    assert {name: (row["back"], row["collide"]) for name, row in done.items()} == {
        "public.tree": (5, 1), "public.base": (1, 0), "public.heir": (0, 0), 'public."a.b"': (1, 0),
        "public.a": (1, 0), "public.a b": (1, 0), "public.x\ny": (1, 0),
    }  # fmt: skip
    assert shop.rows("SELECT n FROM tree ORDER BY n") == [(n,) for n in range(1, 10)]
    assert shop.rows("SELECT a FROM base ORDER BY 1") == [("base",), ("newer",)]
    assert shop.rows("SELECT count(*) FROM nothing") == [(0,)]
    rules = shop.rows("SELECT rulename::text, ev_enabled::text FROM pg_rewrite WHERE rulename IN ('also', 'twice')")
    assert sorted(rules) == [("also", "A"), ("twice", "O")]


def test_triggers_of_partitions_sleep_and_wake_as_they_were(shop: Shop) -> None:
    """One that slept in a partition alone sleeps after; so it is in a restored database."""
    shop.sql(
        "CREATE TABLE days (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); "
        "CREATE TABLE early PARTITION OF days FOR VALUES FROM (1) TO (5) PARTITION BY LIST (id); "
        "CREATE TABLE one PARTITION OF early FOR VALUES IN (1); CREATE TABLE another PARTITION OF early DEFAULT; "
        "CREATE TRIGGER hours BEFORE INSERT ON days FOR EACH ROW EXECUTE FUNCTION never(); "
        "ALTER TABLE one DISABLE TRIGGER hours; INSERT INTO days VALUES (1, 1); ALTER TABLE one ENABLE TRIGGER hours; "
        "ALTER TABLE one ENABLE ALWAYS TRIGGER hours; ALTER TABLE another DISABLE TRIGGER hours"
    )
    states = "SELECT tgrelid::regclass::text, tgenabled::text FROM pg_trigger WHERE tgname = 'hours' ORDER BY 1"
    before = shop.rows(states)
    assert ("another", "D") in before
    key = shop.backed_up()
    shop.sql("DELETE FROM days")
    told = shop.answer("restore", f"s3://{shop.bucket}/{key}", "--tables", "days", "--beside")
    assert shop.answer("rows-back", told["schema"], *YES)["tables"]["public.days"]["back"] == 1
    assert shop.rows(states) == before
    done = shop.run("restore", f"s3://{shop.bucket}/{key}", *YES)
    assert done.returncode == 0, done.stderr
    assert shop.rows(states) == before


@contextmanager
def outsider(shop: Shop) -> Iterator[Callable[[], bool]]:
    """A role that has no right in the shop; whether the server lets it in now."""
    role = f"{shop.name}_outsider"
    known = shop.environ

    def let_in() -> bool:
        port = int(known["PGPORT"])
        try:
            psycopg.connect(host=known["PGHOST"], port=port, user=role, password=role, dbname=shop.name).close()
        except psycopg.OperationalError as error:
            if "permission denied for database" not in str(error):
                raise
            return False
        return True

    shop.sql(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'")
    try:
        yield let_in
    finally:
        shop.sql(f"DROP ROLE {role}", dbname="postgres")


def test_who_was_not_let_in_is_not_let_in_after_a_restore(shop: Shop) -> None:
    """Nor after it was undone: a new database would let everybody in."""
    with outsider(shop) as let_in:
        assert let_in(), "only the right is missing afterwards"
        shop.sql(f"REVOKE CONNECT ON DATABASE {shop.name} FROM PUBLIC")
        key = shop.backed_up()
        before = let_in()
        shop.answer("restore", f"s3://{shop.bucket}/{key}", *YES)
        restored = let_in()
        shop.answer("undo-restore", *YES)
        assert (before, restored, let_in()) == (False, False, False)


def test_a_restore_is_undone_and_leaves_nothing_read_only(shop: Shop) -> None:
    """Twice, writing works after each; privileges, settings and comment are those of before; then all is discarded."""
    shop.sql(
        f"REVOKE CONNECT ON DATABASE {shop.name} FROM PUBLIC; COMMENT ON DATABASE {shop.name} IS 'ours'; "
        f"ALTER DATABASE {shop.name} SET search_path TO audit, public"
    )
    about = (
        "SELECT datacl::text, shobj_description(oid, 'pg_database'), (SELECT array_agg(s) FROM pg_db_role_setting, "  # noqa: S608
        f"unnest(setconfig) s WHERE setdatabase = oid) FROM pg_database WHERE datname = '{shop.name}'"
    )
    before = shop.rows(about)
    key = shop.backed_up()
    shop.sql("INSERT INTO nothing VALUES (1)")
    first = shop.oid()
    shop.answer("restore", f"s3://{shop.bucket}/{key}", *YES)
    assert shop.rows(about) == before
    assert shop.rows("SELECT count(*) FROM nothing") == [(0,)]
    shop.sql("INSERT INTO nothing VALUES (2)")

    undone = shop.answer("undo-restore", *YES)

    assert (shop.oid(), shop.rows(about)) == (first, before)
    shop.sql("INSERT INTO nothing VALUES (3)")
    assert shop.rows("SELECT id FROM nothing ORDER BY 1") == [(1,), (3,)]
    with shop.connected(undone["keptDatabase"]) as kept, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        kept.execute("INSERT INTO nothing VALUES (4)")

    asked = shop.run("discard-old")
    assert asked.returncode == 3
    assert undone["keptDatabase"] in asked.stderr
    assert "MB)" in asked.stderr
    assert shop.answer("discard-old", "--older-than", "1h", *YES)["discarded"] == []
    assert [undone["keptDatabase"]] == shop.answer("discard-old", *YES)["discarded"]
    assert shop.databases() == [shop.name]


def test_nothing_to_undo(shop: Shop) -> None:
    """Said in a line."""
    done = shop.run("undo-restore", *YES)
    assert (done.returncode, "nothing to undo" in done.stderr) == (3, True)


def test_rows_come_back_in_any_encoding_and_under_any_name(embedded: EmbeddedTarget) -> None:
    """One that Python knows by another name; a table and columns that look like what is around them."""
    schema = """
        CREATE TABLE "a (b" (id int PRIMARY KEY, "c) FROM stdin;" text, "new
        line" int);
        INSERT INTO "a (b" VALUES (1, 'زبون', 5), (2, NULL, 6);
    """
    options = "TEMPLATE template0 ENCODING 'WIN1256' LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'"
    with Shop.opened(embedded, options, schema) as shop:
        key = shop.backed_up()
        before = shop.rows('SELECT * FROM "a (b" ORDER BY id')
        shop.sql('DELETE FROM "a (b"')
        told = shop.answer("restore", f"s3://{shop.bucket}/{key}", "--tables", "public.a (b", "--beside")
        assert told["tables"]["public.a (b"] == {"in_backup": 2, "now": 0, "missing": 2, "changed": 0}
        shop.answer("rows-back", told["schema"], *YES)
        assert shop.rows('SELECT * FROM "a (b" ORDER BY id') == before
