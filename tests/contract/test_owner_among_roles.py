"""An owner without superuser, where other roles have a part: restored whole, or refused in a line before."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
TABLES = """
SET ROLE {own}; CREATE TABLE bookings (id int PRIMARY KEY, state varchar(9) CHECK (state IN ('open', 'done')));
INSERT INTO bookings SELECT n, 'open' FROM generate_series(1, 30) n; RESET ROLE;
"""
THEIRS = """
GRANT ALL ON SCHEMA public TO {second}; CREATE TABLE theirs (a int PRIMARY KEY); INSERT INTO theirs VALUES (1);
ALTER TABLE theirs OWNER TO {second};
"""
MEMBER = "GRANT {second} TO {own};"
WHOLE = {
    "a table of a role it is member of": MEMBER + THEIRS,
    "a database of its group": MEMBER
    + "ALTER DATABASE {name} OWNER TO {second}; ALTER TABLE bookings OWNER TO {second}",
    "privileges that superusers gave": "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO {own}",
    "settings of its own": "ALTER DATABASE {name} SET work_mem = '7MB'",
}
REFUSED = {
    "a schema public of somebody": (
        "ALTER SCHEMA public OWNER TO {second}",
        "schema public, which belongs to {second}",
    ),
    "a table of a role whose rights it does not inherit": (
        "GRANT {second} TO {own} WITH INHERIT FALSE;" + THEIRS,
        "table public.theirs, which belongs to {second}",
    ),
    "an owner that may not create": (
        MEMBER + THEIRS + "REVOKE ALL ON SCHEMA public FROM {second}",
        "table public.theirs, whose owner {second} may not create in its schema",
    ),
    "rows that it does not see": (
        MEMBER + THEIRS + "ALTER TABLE theirs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "{own} cannot read whole: public.theirs",
    ),
    "rows of its own that it hides from itself": (
        "ALTER TABLE bookings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "{own} cannot read whole: public.bookings",
    ),
}


@dataclass(frozen=True)
class Owned:
    """A shop whose role owns its database, with CREATEDB; and another role."""

    shop: Shop
    own: str
    second: str

    def sql(self, text: str) -> None:
        """As superuser."""
        self.shop.sql(text.format(own=self.own, second=self.second, name=self.shop.name))


@pytest.fixture
def owned(embedded: EmbeddedTarget) -> Iterator[Owned]:
    """Gone afterwards, with the roles."""
    with Shop.opened(embedded, schema="SELECT 1") as shop:
        own, second, password = f"own_{secrets.token_hex(3)}", f"second_{secrets.token_hex(3)}", secrets.token_hex(8)
        shop.sql(f"CREATE ROLE {own} LOGIN CREATEDB PASSWORD '{password}'; CREATE ROLE {second}", dbname="postgres")
        shop.sql(f"ALTER DATABASE {shop.name} OWNER TO {own}", dbname="postgres")
        known = shop.environ
        known["DATABASE_URL"] = f"postgres://{own}:{password}@{known['PGHOST']}:{known['PGPORT']}/{shop.name}"
        made = Owned(shop, own, second)
        made.sql(TABLES)
        yield made
        for name in shop.databases():
            shop.sql(f'DROP DATABASE "{name}" WITH (FORCE)', dbname="postgres")
        shop.sql(f"DROP ROLE {own}, {second}", dbname="postgres")


@pytest.mark.parametrize("kind", WHOLE)
def test_it_is_restored_whole(owned: Owned, kind: str) -> None:
    """Backed up, verified, and put in the place of the live one, whose rows were lost."""
    shop = owned.shop
    owned.sql(WHOLE[kind])
    where = f"s3://{shop.bucket}/{shop.backed_up()}"
    owned.sql("DELETE FROM bookings WHERE id > 10")

    done = shop.run("restore", where, *YES)

    assert done.returncode == 0, done.stderr
    assert shop.rows("SELECT count(*) FROM bookings") == [(30,)]
    if "superusers" in kind:
        assert "privileges on function pg_catalog.pg_ls_dir(pg_catalog.text) are a superuser's to give" in done.stderr


def test_privileges_of_a_role_whose_name_has_two_lines_come_back(owned: Owned) -> None:
    """An archive's list writes such a name in one line."""
    shop, role = owned.shop, f'"{owned.second}\nline"'
    shop.sql(f"CREATE ROLE {role}; GRANT {role} TO {owned.own}; {THEIRS.format(second=role)}")
    shop.sql(f"GRANT SELECT ON theirs TO {owned.second}")
    privileges = "SELECT relacl::text[] FROM pg_class WHERE relname = 'theirs'"
    before = shop.rows(privileges)
    try:
        done = shop.run("restore", f"s3://{shop.bucket}/{shop.backed_up()}", *YES)

        assert (done.returncode, shop.rows(privileges)) == (0, before), done.stderr
    finally:
        for name in shop.databases():
            shop.sql(f'DROP DATABASE "{name}" WITH (FORCE)', dbname="postgres")
        shop.sql(f"DROP ROLE {role}", dbname="postgres")


@pytest.mark.parametrize("kind", REFUSED)
def test_it_is_refused_before_anything_is_stored(owned: Owned, kind: str) -> None:
    """In one line that names what is in the way; the doctor says it too, and nothing ends with a traceback."""
    shop = owned.shop
    fill, said = REFUSED[kind]
    owned.sql(fill)

    done = shop.run("backup")

    assert (done.returncode, shop.objects(), len(done.stderr.splitlines())) == (3, [], 1), done.stderr
    assert said.format(own=owned.own, second=owned.second) in done.stderr
    assert any(row["good"] is False for row in shop.answer("doctor")["findings"])
