"""As an owner who is no superuser, with and without CREATEDB: it works, or one line says why not."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_restore import refuse_impossible
from runbook_steps.operations.backup_verify import refuse_unverifiable
from runbook_steps.operations.database_swap import _SessionsEnded
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop

YES = ("--yes", "embedded")
TABLES = """
CREATE TABLE bookings (id int PRIMARY KEY, day date CHECK (day IN ('2020-01-01', '2099-01-01')), state varchar(9)
    CHECK (state IN ('open', 'done')));
INSERT INTO bookings SELECT n, '2020-01-01', 'open' FROM generate_series(1, 30) n;
CREATE TABLE nothing (id int);
"""

OF_EVERY_KIND = """
CREATE COLLATION co FROM "C"; CREATE TYPE v AS (x int); CREATE CAST (v AS text) WITH INOUT;
CREATE FUNCTION f(v, v) RETURNS v LANGUAGE sql AS 'SELECT $1'; CREATE PUBLICATION pu FOR TABLE bookings;
CREATE TABLE parted (d date, PRIMARY KEY (d)) PARTITION BY RANGE (d); CREATE TABLE part PARTITION OF parted DEFAULT;
CREATE TYPE span AS RANGE (subtype = float8); CREATE TABLE spans (s span, m span_multirange);
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE OPERATOR === (LEFTARG = v, RIGHTARG = v, FUNCTION = f); CREATE TEXT SEARCH CONFIGURATION cf (COPY = simple);
CREATE TEXT SEARCH DICTIONARY di (TEMPLATE = simple); SELECT lo_from_bytea(777, 'x');
CREATE CONVERSION cv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO PUBLIC;
"""


@pytest.fixture(params=["CREATEDB", "NOCREATEDB"])
def shop(request: pytest.FixtureRequest, embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A shop whose role owns its database, and is no superuser."""
    with Shop.opened(embedded, schema="SELECT 1") as opened:
        role, password = f"owner_{secrets.token_hex(3)}", secrets.token_hex(8)
        opened.sql(f"CREATE ROLE {role} LOGIN {request.param} PASSWORD '{password}'", dbname="postgres")
        opened.sql(f"ALTER DATABASE {opened.name} OWNER TO {role}", dbname="postgres")
        opened.sql(f"SET ROLE {role}; {TABLES}")
        known = opened.environ
        opened.environ["DATABASE_URL"] = (
            f"postgres://{role}:{password}@{known['PGHOST']}:{known['PGPORT']}/{opened.name}"
        )
        opened.environ["ROLE"], opened.environ["RIGHT"] = role, str(request.param)
        yield opened
        for name in opened.databases():
            opened.sql(f'DROP DATABASE "{name}" WITH (FORCE)', dbname="postgres")
        opened.sql(f"DROP ROLE {role}", dbname="postgres")


def prepared(shop: Shop, ending: str) -> str:
    """An empty database that the role owns, with an extension that only a superuser creates."""
    name = f"{shop.name}{ending}"
    shop.sql(f"CREATE DATABASE {name} OWNER {shop.environ['ROLE']}", dbname="postgres")
    shop.sql("CREATE EXTENSION pageinspect", dbname=name)
    return name


def test_backup_rows_and_restore(shop: Shop) -> None:
    """All of it with CREATEDB; without, refused in a line until a scratch database is prepared."""
    may_create = shop.environ["RIGHT"] == "CREATEDB"
    if not may_create:
        done = shop.run("backup")
        assert (done.returncode, "BACKUP_SCRATCH_DATABASE" in done.stderr, shop.objects()) == (3, True, [])
        assert len(done.stderr.splitlines()) == 1
        shop.environ["BACKUP_SCRATCH_DATABASE"] = prepared(shop, "_scratch")
    where = f"s3://{shop.bucket}/{shop.backed_up()}"
    assert shop.answer("verify", where)["success"] is True

    shop.sql("DELETE FROM bookings WHERE id > 10; INSERT INTO bookings VALUES (99, '2099-01-01', 'done')")
    told = shop.answer("restore", where, "--tables", "bookings", "--beside")
    assert shop.answer("rows-back", told["schema"], *YES)["tables"]["public.bookings"]["back"] == 20
    assert shop.rows("SELECT count(*), max(id) FROM bookings") == [(31, 99)]

    before = shop.oid()
    done = shop.run("restore", where, *YES)
    if may_create:
        assert done.returncode == 0, done.stderr
        assert shop.rows("SELECT count(*) FROM bookings") == [(30,)]
        return
    assert (done.returncode, shop.oid(), "--into NAME" in done.stderr) == (3, before, True), done.stderr
    into = prepared(shop, "_into")
    assert shop.answer("restore", where, "--into", into)["database"] == into
    assert shop.rows("SELECT count(*) FROM bookings", dbname=into) == [(30,)]


def test_a_prepared_database_is_emptied_of_every_kind(shop: Shop) -> None:
    """What one verification made there is in the way of none later, whatever has changed since."""
    name = shop.environ["BACKUP_SCRATCH_DATABASE"] = prepared(shop, "_scratch")
    shop.sql(f"SET ROLE {shop.environ['ROLE']}; {OF_EVERY_KIND}")
    where = f"s3://{shop.bucket}/{shop.backed_up()}"
    assert shop.answer("verify", where)["success"] is True
    left = (
        "SELECT (SELECT count(*) FROM pg_default_acl) + (SELECT count(*) FROM pg_largeobject_metadata) + "
        "(SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_cast WHERE oid >= 16384) + "
        "(SELECT count(*) FROM pg_collation WHERE oid >= 16384) + (SELECT count(*) FROM pg_ts_dict WHERE oid >= 16384)"
    )
    assert shop.rows(left, dbname=name) == [(0,)]
    changed = "REVOKE SELECT ON TABLES FROM PUBLIC; SELECT lo_unlink(777); DROP PUBLICATION pu"
    shop.sql(
        f"GRANT USAGE ON SCHEMA public TO PUBLIC; SET ROLE {shop.environ['ROLE']}; ALTER DEFAULT PRIVILEGES {changed}"
    )
    assert shop.backed_up()


def test_an_extension_of_superusers_is_left_to_the_prepared_database(shop: Shop) -> None:
    """Refused by its name without one; with one, verified."""
    shop.sql("CREATE EXTENSION pageinspect")
    if shop.environ["RIGHT"] == "CREATEDB":
        done = shop.run("backup")
        assert (done.returncode, "pageinspect" in done.stderr) == (3, True), done.stderr
    shop.environ["BACKUP_SCRATCH_DATABASE"] = prepared(shop, "_scratch")
    assert shop.backed_up()


def test_an_extension_of_superusers_decides_whether_a_restore_in_place_is_asked_for(shop: Shop) -> None:
    """Without a database that holds it: told by the doctor, and refused before the question. With one: restored."""
    if shop.environ["RIGHT"] != "CREATEDB":
        pytest.skip("it may not restore in place at all")
    shop.sql("CREATE EXTENSION pageinspect")
    shop.environ["BACKUP_SCRATCH_DATABASE"] = prepared(shop, "_scratch")
    where = f"s3://{shop.bucket}/{shop.backed_up()}"
    shop.sql("DELETE FROM bookings WHERE id > 10")
    into, before = prepared(shop, "_prepared"), shop.oid()

    found = {row["what"]: row for row in shop.answer("doctor")["findings"]}
    assert (found["restore"]["good"], "PREPARED_DATABASE" in found["restore"]["found"]) == (False, True)
    refused = shop.run("restore", where)
    assert (refused.returncode, "pageinspect" in refused.stderr, shop.oid()) == (3, True, before), refused.stderr
    assert "this replaces the live database" not in refused.stderr

    found = {row["what"]: row for row in shop.answer("doctor", PREPARED_DATABASE=into)["findings"]}
    assert (found["restore"]["good"], into in found["restore"]["found"]) == (True, True)
    done = shop.run("restore", where, "--prepared", into, *YES)
    assert done.returncode == 0, done.stderr
    assert shop.rows("SELECT count(*) FROM bookings") == [(30,)]


def test_a_schema_of_extensions_is_in_the_way_of_no_verification(shop: Shop) -> None:
    """As hosters have it: an extension that an administrator prepared in it, and one that the owner makes each time."""
    role, name = shop.environ["ROLE"], f"{shop.name}_scratch"
    shop.sql(f"CREATE DATABASE {name} OWNER {role}", dbname="postgres")
    prepared_by_hand = f"CREATE SCHEMA ext AUTHORIZATION {role}; CREATE EXTENSION pageinspect SCHEMA ext;"
    shop.sql(prepared_by_hand, dbname=name)
    shop.sql(f"{prepared_by_hand} SET ROLE {role}; CREATE SCHEMA own; CREATE EXTENSION hstore SCHEMA own")
    shop.environ["BACKUP_SCRATCH_DATABASE"] = name

    where = f"s3://{shop.bucket}/{shop.backed_up()}"

    assert shop.answer("verify", where)["success"] is True
    left = shop.rows("SELECT extname FROM pg_extension ORDER BY 1", dbname=name)
    assert left == [("pageinspect",), ("plpgsql",)]


def test_a_tablespace_where_it_may_create_nothing_is_named_before(shop: Shop) -> None:
    """A table, an index, the database itself may lie where their owner may make none again: then no backup begins."""
    space, role = f"space_{secrets.token_hex(3)}", shop.environ["ROLE"]
    with shop.connected("postgres") as admin:
        admin.execute("SET allow_in_place_tablespaces = on")
        admin.execute(f"CREATE TABLESPACE {space} LOCATION ''".encode())
    shop.environ["BACKUP_SCRATCH_DATABASE"] = prepared(shop, "_scratch")
    try:
        shop.sql(f"GRANT CREATE ON TABLESPACE {space} TO {role}; ALTER TABLE bookings SET TABLESPACE {space}")
        assert shop.backed_up()
        shop.sql(f"REVOKE CREATE ON TABLESPACE {space} FROM {role}")
        objects = shop.objects()

        done = shop.run("backup")

        assert (done.returncode, len(done.stderr.splitlines()), shop.objects()) == (3, 1, objects), done.stderr
        assert f"table public.bookings, in the tablespace {space}, where it may create nothing" in done.stderr
    finally:
        for name in shop.databases():
            shop.sql(f'DROP DATABASE "{name}" WITH (FORCE)', dbname="postgres")
        shop.sql(f"DROP TABLESPACE {space}", dbname="postgres")


def test_a_prepared_database_may_hold_more_extensions_than_the_backup_needs(shop: Shop) -> None:
    """What they brought is not taken for a difference: views with their rules, domains with their constraints."""
    name = prepared(shop, "_scratch")
    shop.sql("CREATE EXTENSION earthdistance CASCADE; CREATE EXTENSION pg_stat_statements", dbname=name)
    shop.environ["BACKUP_SCRATCH_DATABASE"] = name
    where = f"s3://{shop.bucket}/{shop.backed_up()}"

    # definitions are printed once more in the scratch database: what is only there is not missing elsewhere
    beside = f"{shop.name}_beside"
    shop.sql(f"CREATE DATABASE {beside} OWNER {shop.environ['ROLE']}", dbname="postgres")
    done = shop.run("restore", where, "--into", beside)
    assert done.returncode == 0, done.stderr


def test_a_superuser_backs_up_extensions_that_another_role_owns(shop: Shop) -> None:
    """No dump holds the owner of an extension: that it is another one afterwards is no difference."""
    shop.sql(f"GRANT CREATE ON DATABASE {shop.name} TO {shop.environ['ROLE']}")
    shop.sql(f"SET ROLE {shop.environ['ROLE']}; CREATE EXTENSION pg_trgm; CREATE EXTENSION cube")
    known = shop.environ
    url = f"postgres://{known['PGUSER']}:{known['PGPASSWORD']}@{known['PGHOST']}:{known['PGPORT']}/{shop.name}"
    assert shop.backed_up(DATABASE_URL=url, BACKUP_SCRATCH_DATABASE="")


def test_sessions_are_ended_beside_a_worker_of_the_server(shop: Shop) -> None:
    """Autovacuum belongs to no role: it may not be ended, gives way by itself, and keeps nobody from ending others."""
    if shop.environ["RIGHT"] != "CREATEDB":
        pytest.skip("it may not restore in place at all")
    shop.sql(
        "CREATE TABLE swept WITH (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0, "
        "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1) AS "
        "SELECT n, repeat('x', 500) AS text FROM generate_series(1, 20000) n; UPDATE swept SET n = -n"
    )
    url = shop.environ["DATABASE_URL"]
    with often_vacuumed(shop):
        until(lambda: bool(workers(shop)))
        ending = _SessionsEnded(Database.from_url(url))
        with ending, psycopg.connect(url, autocommit=True) as pooled:
            until(lambda: is_ended(pooled))
            for _ in range(3):  # a pool comes back
                with psycopg.connect(url, autocommit=True) as again:
                    until(lambda again=again: is_ended(again))  # type: ignore[misc]
            assert workers(shop), "the worker had ended: nothing was proven"
        assert ending.denied == ""


@contextmanager
def often_vacuumed(shop: Shop) -> Iterator[None]:
    """The server looks for dead rows each second."""
    with shop.connected("postgres") as superuser:
        superuser.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        superuser.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            superuser.execute("ALTER SYSTEM RESET autovacuum_naptime")
            superuser.execute("SELECT pg_reload_conf()")


def workers(shop: Shop) -> list[tuple[object, ...]]:
    """Autovacuum's, in the database of the shop."""
    of_the_server = "backend_type = 'autovacuum worker'"
    return shop.rows(f"SELECT pid FROM pg_stat_activity WHERE datname = '{shop.name}' AND {of_the_server}", "postgres")  # noqa: S608


def is_ended(session: psycopg.Connection[object]) -> bool:
    """Whether the server has closed it."""
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def until(done: Callable[[], bool]) -> None:
    """Waits for what the server does by itself."""
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_a_session_that_may_not_be_ended_is_told_before(shop: Shop) -> None:
    """No traceback, and the live database is as it was."""
    if shop.environ["RIGHT"] != "CREATEDB":
        pytest.skip("it may not restore in place at all")
    where = f"s3://{shop.bucket}/{shop.backed_up()}"
    before = shop.oid()
    with shop.connected() as superuser:
        superuser.execute("SELECT 1")
        done = shop.run("restore", where, *YES)
    assert (done.returncode, shop.oid()) == (3, before)
    assert "may not end the sessions" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_tells_what_is_allowed(shop: Shop) -> None:
    """Before anything is tried."""
    found = {row["what"]: row for row in shop.answer("doctor")["findings"]}
    assert found["backup"]["good"] is True
    assert found["verify"]["good"] is (shop.environ["RIGHT"] == "CREATEDB")
    assert found["rows back"]["good"] is True
    assert found["restoring"]["good"] is True
    shop.sql(f"GRANT pg_execute_server_program TO {shop.environ['ROLE']}", dbname="postgres")
    found = {row["what"]: row for row in shop.answer("doctor")["findings"]}
    assert (found["restoring"]["good"], "may start programs" in found["restoring"]["found"]) == (False, True)


LIMITS = {
    "CREATE TABLE theirs (a int); ALTER TABLE theirs OWNER TO {other}": "public.theirs, which belongs to {other}",
    "CREATE SCHEMA auth AUTHORIZATION {other}; CREATE EXTENSION pageinspect": "schema auth, which belongs to {other}",
    "GRANT SELECT ON bookings TO {other} WITH GRANT OPTION; SET ROLE {other}; GRANT SELECT ON bookings TO pg_monitor":
        "public.bookings, with a privilege that {other} granted",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {other} GRANT SELECT ON TABLES TO pg_monitor": "which belongs to {other}",
    "CREATE PUBLICATION everything FOR ALL TABLES; ALTER PUBLICATION everything OWNER TO {role}": "for all tables",
    "CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'; ALTER FUNCTION f OWNER TO {role}":
        "public.f(), written in internal",
    "SELECT lo_create(777); ALTER LARGE OBJECT 777 OWNER TO {other}": "large object 777, which belongs to {other}",
    "CREATE TABLE of_the_first (a int)": "public.of_the_first, which belongs to",
    "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; ALTER FUNCTION f OWNER TO {role}; "
    "CREATE EVENT TRIGGER every ON sql_drop EXECUTE FUNCTION f()": "every, an event trigger",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET log_statement = 'all' AS 'SELECT 1'; "
    "ALTER FUNCTION f OWNER TO {role}": "public.f(), with a setting that only a superuser may change",
    "CREATE CAST (text AS int) WITH INOUT": "a cast of types that belong to others",
    "GRANT SELECT (id) ON bookings TO {other} WITH GRANT OPTION; SET ROLE {other}; GRANT SELECT (id) ON bookings TO "
    "pg_monitor": "public.bookings, with a privilege that {other} granted",
}  # fmt: skip

AS_BEFORE = """
DROP PUBLICATION IF EXISTS everything; DROP EVENT TRIGGER IF EXISTS every; DROP FUNCTION IF EXISTS f();
DROP TABLE IF EXISTS of_the_first; DROP CAST IF EXISTS (text AS int)
"""


def test_what_it_could_not_make_again_is_told_before(shop: Shop) -> None:
    """By name, in one line, before anything is in the bucket; without a superuser's objects nothing is told."""
    if shop.environ["RIGHT"] != "CREATEDB":
        pytest.skip("it is refused before")
    role, other = shop.environ["ROLE"], f"other_{secrets.token_hex(3)}"
    settings = BackupSettings.from_environ(shop.environ)
    refuse_unverifiable(settings)
    shop.sql(f"CREATE ROLE {other}", dbname="postgres")
    try:
        for text, said in LIMITS.items():
            shop.sql("CREATE TABLE IF NOT EXISTS bookings (id int)")
            shop.sql(text.format(role=role, other=other))
            with pytest.raises(RefusedError) as error:
                refuse_unverifiable(settings)
            assert said.format(role=role, other=other) in str(error.value)
            shop.sql(f"DROP OWNED BY {other}; {AS_BEFORE}")
        refuse_unverifiable(settings)
    finally:
        shop.sql(f"DROP OWNED BY {other}; DROP ROLE {other}")


@pytest.mark.parametrize(
    "setting", ["DATABASE {name} SET log_statement = 'ddl'", "ROLE {other} IN DATABASE {name} SET work_mem = '5MB'"]
)
def test_what_it_could_not_give_to_a_new_database_is_told_before(shop: Shop, setting: str) -> None:
    """Before it is restored for hours; and to find that out changes nothing."""
    if shop.environ["RIGHT"] != "CREATEDB":
        pytest.skip("it may not restore in place at all")
    settings = BackupSettings.from_environ(shop.environ)
    known = f"SELECT datacl::text, setconfig, setrole FROM pg_database LEFT JOIN pg_db_role_setting s ON s.setdatabase = pg_database.oid WHERE datname = '{shop.name}'"  # noqa: S608, E501
    refuse_impossible(settings)
    other = f"other_{secrets.token_hex(3)}"
    shop.sql(f"CREATE ROLE {other}", dbname="postgres")
    try:
        shop.sql(f"ALTER {setting.format(name=shop.name, other=other)}")
        before = shop.rows(known)
        with pytest.raises(RefusedError, match="PostgreSQL says: permission denied"):
            refuse_impossible(settings)
        assert shop.rows(known) == before
    finally:
        shop.sql(f"DROP ROLE {other}", dbname="postgres")
