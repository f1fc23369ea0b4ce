"""`beautycort migrate` on Debian's PostgreSQL 15: sessions, transactions, locks, and databases that others migrated."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from tests.contract.debian_postgres import DebianPostgres, debian_postgres, pgbouncer
from tests.contract.migrated import Migrated


@pytest.fixture(scope="module")
def postgres() -> Iterator[DebianPostgres]:
    """A cluster of Debian's."""
    with debian_postgres() as found:
        yield found


@pytest.fixture
def project(postgres: DebianPostgres, tmp_path: Path) -> Iterator[Migrated]:
    """An empty database and an empty folder."""
    name = f"shop_{secrets.token_hex(4)}"
    with postgres.connected() as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield Migrated(postgres, name, tmp_path)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_settings_of_one_file_are_not_those_of_the_next(project: Migrated) -> None:
    """A search_path, a role, a time limit: gone with the session of the file; the record stays where it is."""
    project.sql("CREATE ROLE other_" + project.name)
    project.write(
        _0001_a="CREATE SCHEMA app; SET search_path = app, public; SET statement_timeout = '400ms'; CREATE TABLE a ();",
        _0002_b=f"CREATE TABLE b (); SET ROLE other_{project.name}; SET default_transaction_read_only = on;",
        _0003_c="CREATE TABLE c (); SELECT pg_sleep(0.6);",
    )
    project.good("up")
    assert project.tables() == ["app.a", "b", "c"]
    assert set(project.states().values()) == {"applied"}


def test_a_baseline_of_pg_dump_is_applied(project: Migrated) -> None:
    """Its empty search_path and its words for psql change nothing of the record; what comes after it works."""
    project.write(
        _0001_baseline="\\restrict abc\nSET statement_timeout = 0;\nSET lock_timeout = 0;\n"
        "SELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.base (id integer);\n"
        "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n"
        "\\unrestrict abc\n",
        _0002_next="ALTER TABLE base ADD COLUMN more text;",
    )
    project.good("up")
    assert project.tables() == ["base"]
    assert project.states() == {"0001": "applied", "0002": "applied"}


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        ("BEGIN;\nCREATE TABLE a ();\nCOMMIT;\nSELECT 1/0;", 1, "BEGIN"),
        ("CREATE TABLE a ();\nCOMMIT;\nSELECT 1/0;", 2, "COMMIT"),
        ("CREATE TABLE a ();\n/* x */ end work; SELECT 1/0;", 2, "end work"),
        ("CREATE TABLE a ();\n\nROLLBACK AND CHAIN;", 3, "ROLLBACK AND CHAIN"),
        ("CREATE TABLE a ();\nPREPARE TRANSACTION 'x';", 2, "PREPARE TRANSACTION 'x'"),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE; CREATE TABLE a (); COMMIT", 1, "START TRANSACTION"),
    ],
)
def test_a_file_that_ends_its_transaction_is_refused_before_anything_runs(
    project: Migrated, text: str, line: int, shown: str
) -> None:
    """With file and line; not even the file before it was run."""
    project.write(_0001_first="CREATE TABLE first ();", _0002_bad=text)
    done = project.run("up")
    assert (done.returncode, f"0002_bad.sql:{line}: `{shown}" in done.stderr) == (3, True), done.stderr
    assert "rolled back" not in done.stderr
    assert project.tables() == []


def test_a_frame_of_begin_and_commit_is_the_runs_own(project: Migrated) -> None:
    """As many people write them: one transaction, and a failure leaves nothing."""
    project.write(_0001_a="BEGIN;\nCREATE TABLE a ();\nSAVEPOINT s; ROLLBACK TO SAVEPOINT s;\nCOMMIT;\n")
    project.good("up")
    project.write(_0002_b="begin transaction;\nCREATE TABLE b ();\nSELECT 1/0;\ncommit;")
    done = project.run("up")
    assert "0002_b.sql:3: division by zero" in done.stderr
    assert "nothing of it is in the database" in done.stderr
    assert project.tables() == ["a"]


def test_a_transaction_ended_by_code_is_refused_by_the_server(project: Migrated) -> None:
    """COMMIT inside of DO: PostgreSQL says no, and nothing stays."""
    project.write(_0001_a="CREATE TABLE a ();\nDO $$ BEGIN COMMIT; END $$;")
    done = project.run("up")
    assert "0001_a.sql:2: invalid transaction termination" in done.stderr
    assert project.tables() == []


def test_statements_outside_a_transaction_run_one_by_one(project: Migrated) -> None:
    """Two indexes built concurrently in one file; the second fails: what stays is told, by name."""
    project.write(_0001_a="CREATE TABLE t (a integer, b integer);\nINSERT INTO t VALUES (1, 1), (2, 1);")
    project.good("up")
    text = "-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY t_a ON t (a);\n"
    text += "CREATE UNIQUE INDEX CONCURRENTLY t_b ON t (b);"
    project.write(_0002_indexes=text)
    done = project.run("up")
    assert done.returncode == 1
    assert "0002_indexes.sql:3:" in done.stderr
    assert "INVALID index (t_b)" in done.stderr
    assert "The 1 statements before it stay" in done.stderr
    assert project.states()["0002"] == "failed"
    project.sql("DROP INDEX t_a, t_b")
    (project.folder / "0002_indexes.sql").write_text(text.replace("UNIQUE ", ""))
    project.good("up", "--retry-failed")
    assert project.states()["0002"] == "applied"


def test_a_kill_outside_a_transaction_is_not_forgotten(project: Migrated, eventually: Callable[..., None]) -> None:
    """The file stands as failed: something may be half there."""
    project.write(_0001_a="-- migrate: no-transaction\nCREATE TABLE a ();\nSELECT pg_sleep(60);")
    process = project.start("up")
    eventually(lambda: project.tables() == ["a"], 30)
    process.kill()
    process.communicate()
    assert project.states() == {"0001": "failed"}
    assert "failed outside a transaction" in project.run("up").stderr


def test_a_migration_gives_way_to_a_long_query(project: Migrated) -> None:
    """Customers read on behind it, who is in the way is named, and it is applied when that one ends."""
    project.write(_0001_a="CREATE TABLE t (id integer);")
    project.good("up")
    project.write(_0002_b="ALTER TABLE t ADD COLUMN b integer;")
    answered, stop = threading.Semaphore(0), threading.Event()

    def customers() -> None:
        with psycopg.connect(project.postgres.url(project.name), autocommit=True) as connection:
            while not stop.is_set():
                connection.execute("SELECT count(*) FROM t")
                answered.release()
                stop.wait(0.01)

    with psycopg.connect(project.postgres.url(project.name), application_name="a long report") as reader:
        reader.execute("SELECT count(*) FROM t")
        thread = threading.Thread(target=customers)
        thread.start()
        assert answered.acquire(timeout=60), "customers read nothing"
        process = project.start("up", "--lock-timeout", "0.5", "--tries", "200")
        assert process.stderr is not None
        said = process.stderr.readline()
        assert "gave way" in said
        assert "a long report, idle in transaction" in said
        while answered.acquire(blocking=False):
            pass
        assert answered.acquire(timeout=60), "customers wait for as long as the migration does"
        reader.rollback()
        out, err = process.communicate(timeout=120)
        stop.set()
        thread.join()
    assert process.returncode == 0, err
    assert "applied  0002_b" in out


def test_a_migration_that_never_gets_its_lock_says_for_whom_it_waited(project: Migrated) -> None:
    """After its tries: exit 1, nothing changed."""
    project.write(_0001_a="CREATE TABLE t (id integer);")
    project.good("up")
    project.write(_0002_b="ALTER TABLE t ADD COLUMN b integer;")
    with psycopg.connect(project.postgres.url(project.name), application_name="billing") as reader:
        reader.execute("SELECT count(*) FROM t")
        done = project.run("up", "--lock-timeout", "0.6", "--tries", "2")
    assert done.returncode == 1
    assert "canceling statement due to lock timeout (waited for process " not in done.stdout
    assert "billing, idle in transaction" in done.stderr.splitlines()[-1]
    assert "it was rolled back" in done.stderr


OTHERS: Mapping[str, tuple[str, list[str]]] = {
    "the Supabase CLI": (
        ("CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations "
        "(version text PRIMARY KEY, statements text[], name text); "
        "INSERT INTO supabase_migrations.schema_migrations VALUES ('0001', '{}', 'a'), ('0002', '{}', 'b')"),
        ["0001_a", "0002_b"],
    ),
    "golang-migrate": (
        (
            "CREATE TABLE schema_migrations (version bigint, dirty boolean); "
            "INSERT INTO schema_migrations VALUES (2, false)"
        ),
        ["0001_a", "0002_b"],
    ),
    "Prisma": (
        ('CREATE TABLE _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz); '
        "INSERT INTO _prisma_migrations VALUES ('0001_a', now(), NULL), ('0002_b', NULL, NULL)"),
        ["0001_a"],
    ),
    "Flyway": (
        ("CREATE TABLE flyway_schema_history (installed_rank int, version text, success boolean); "
        "INSERT INTO flyway_schema_history VALUES (1, '1', true), (2, NULL, true)"),
        ["0001_a"],
    ),
    "Rails": (
        "CREATE TABLE schema_migrations (version varchar); INSERT INTO schema_migrations VALUES ('2')",
        ["0002_b"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", OTHERS)
def test_a_database_that_another_tool_migrated_is_not_pending(project: Migrated, tool: str) -> None:
    """Refused by name, nothing run; adopted by what that tool recorded, and its table is left alone."""
    made, adopted = OTHERS[tool]
    project.sql(made)
    project.write(_0001_a="CREATE TABLE a ();", _0002_b="CREATE TABLE b ();", _0003_c="CREATE TABLE c ();")
    for word in ("up", "status", "plan"):
        done = project.run(word)
        assert (done.returncode, f"is migrated by {tool}" in done.stderr) == (3, True), done.stderr
    out = project.good("adopt", "--from-other-tool")
    assert [line.split()[1] for line in out.splitlines() if line.startswith("adopted")] == adopted
    if "0001_a" in adopted:
        project.good("up")
        assert "c" in project.tables()
        assert "a" not in project.tables()
    assert tool in project.run("status").stderr


def test_a_database_with_tables_and_no_record_is_not_pending(project: Migrated) -> None:
    """Not even by a file less; adopted up to a version, or from nothing."""
    project.sql("CREATE TABLE bookings (id integer)")
    project.write(_0001_a="CREATE TABLE bookings (id integer);", _0002_b="ALTER TABLE bookings ADD COLUMN b integer;")
    done = project.run("up")
    assert (done.returncode, "no record of migrations" in done.stderr) == (3, True)
    assert "no file for version 7" in project.run("adopt", "--up-to", "7").stderr
    assert project.run("adopt").returncode == 2
    project.good("adopt", "--up-to", "1")
    project.good("up")
    assert project.states() == {"0001": "applied", "0002": "applied"}
    assert project.run("adopt", "--up-to", "1").returncode == 3


def test_a_record_of_nothing_is_a_record(project: Migrated) -> None:
    """A schema that is older than all files."""
    project.sql("CREATE TABLE bookings (id integer)")
    project.write(_0001_b="ALTER TABLE bookings ADD COLUMN b integer;")
    project.good("adopt", "--up-to", "0")
    project.good("up")


def test_a_transaction_pooler_is_refused(project: Migrated) -> None:
    """A migration needs one session, and the lock too."""
    project.write(_0001_a="CREATE TABLE a ();")
    with pgbouncer(project.postgres) as port:
        done = project.run("up", url=project.postgres.url(project.name, port))
    assert (done.returncode, "a pooler that gives each transaction another session" in done.stderr) == (3, True)
    assert project.tables() == []


def test_what_only_reads_leaves_a_pooled_session_as_it_was(project: Migrated) -> None:
    """The application's next transaction gets the session of the server that the look had, and may write."""
    project.write(_0001_a="CREATE TABLE a ();")
    with pgbouncer(project.postgres, default_pool_size="1") as port:
        url = project.postgres.url(project.name, port)
        looks = [project.run(name, url=url) for name in ("status", "plan")]
        with psycopg.connect(url, autocommit=True) as application:
            application.execute("CREATE TABLE written ()")
    assert [(done.returncode, done.stderr) for done in looks] == [(1, "not up to date\n"), (0, "")]
    assert project.tables() == ["written"]


@pytest.mark.parametrize(
    "text", ["\\connect other", "CREATE TABLE a ();\nCOPY a FROM stdin;\nit's\n\\.\n", "COPY a (b) FROM STDIN;"]
)
def test_what_only_psql_understands_is_named(project: Migrated, text: str) -> None:
    """With file and line, before anything runs."""
    project.write(_0001_a=text)
    done = project.run("up")
    assert (done.returncode, "is understood by psql alone" in done.stderr) == (2, True), done.stderr
    assert project.tables() == []


def test_prismas_schema_is_where_tables_go(project: Migrated) -> None:
    """`?schema=app` is the search path."""
    project.sql("CREATE SCHEMA app")
    project.write(_0001_a="CREATE TABLE a ();")
    done = project.run("up", url=project.postgres.url(project.name, query="?schema=app&connection_limit=1"))
    assert done.returncode == 0, done.stderr
    assert project.tables() == ["app.a"]
