"""What somebody with ordinary rights put into a database does not run as a superuser when a backup of it is restored.

Each way leaves a file on the server when a program was started. With `--with-my-rights` they all do: the ways work.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError
from runbook_steps.operations.backup_make import BackupSettings, make_backup
from runbook_steps.operations.backup_manifest import Manifest
from runbook_steps.operations.backup_restore import restore, restore_into
from runbook_steps.operations.backup_rows import restore_beside
from runbook_steps.operations.backup_verify import refuse_unverifiable, verify
from runbook_steps.operations.database_swap import discard
from runbook_steps.operations.postgres_connection import Database
from runbook_steps.operations.restoring_role import _LOCK, refuse_unloadable
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract import test_database_corpus
from tests.contract.debian_postgres import debian_postgres
from tests.contract.test_database_corpus import Cluster

cluster = test_database_corpus.cluster  # a fixture
LIVE = "planted"
PLANTER = "planter"
RUN = """
CREATE FUNCTION start(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'cat > "{folder}/' || what || '"');
EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
CREATE FUNCTION run(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM public.start(what); RETURN what; END $$;
CREATE FUNCTION run_as_before(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
    BEGIN RESET ROLE; RESET SESSION AUTHORIZATION; EXCEPTION WHEN OTHERS THEN NULL; END;
    RETURN public.run(what); END $$;
"""
BY_THE_PLANTER = {
    "check": "CREATE TABLE a_check (a int CHECK (run('check') IS NOT NULL)); INSERT INTO a_check VALUES (1)",
    "reset": "CREATE TABLE a_reset (a int CHECK (run_as_before('reset') <> '')); INSERT INTO a_reset VALUES (1)",
    "generated": "CREATE TABLE a_generated (a text, b text GENERATED ALWAYS AS (run(a)) STORED); "
    "INSERT INTO a_generated VALUES ('generated')",
    "domain": "CREATE DOMAIN named AS text CHECK (run(VALUE) <> ''); CREATE TABLE a_domain (a named PRIMARY KEY); "
    "INSERT INTO a_domain VALUES ('domain')",
    "partition": "CREATE TABLE a_partition (a text) PARTITION BY LIST (run(a)); "
    "CREATE TABLE a_part PARTITION OF a_partition DEFAULT; INSERT INTO a_partition VALUES ('partition')",
    "index": "CREATE TABLE an_index (a text); INSERT INTO an_index VALUES ('index'); CREATE INDEX ON an_index (run(a))",
    "planned": "CREATE TABLE a_plan (a int); CREATE INDEX ON a_plan ((run('planned')))",
    "view": "CREATE VIEW a_view AS SELECT run('view'); CREATE MATERIALIZED VIEW of_a_view AS SELECT * FROM a_view",
    "view of a superuser": "CREATE MATERIALIZED VIEW of_theirs AS SELECT run('view of a superuser')",
    "value": "CREATE DOMAIN inside AS text CHECK (run(VALUE) <> ''); CREATE TYPE holder AS (a inside); "
    "CREATE TABLE a_value (a int, b holder DEFAULT '(value)')",
    "policy": "CREATE TABLE a_policy (a text); INSERT INTO a_policy VALUES ('policy'); "
    "ALTER TABLE a_policy ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON a_policy USING (run(a) <> ''); "
    "CREATE MATERIALIZED VIEW of_a_policy AS SELECT run(a) FROM a_policy",
    "exclusion": "CREATE TABLE an_exclusion (a text, EXCLUDE USING btree (run(a) WITH =)); "
    "INSERT INTO an_exclusion VALUES ('exclusion')",
}
OF_A_SUPERUSER = {
    "operator": "CREATE OPERATOR CLASS public.own FOR TYPE public.pair USING btree AS OPERATOR 3 public.===, "
    "FUNCTION 1 public.compared(public.pair, public.pair); CREATE TABLE public.sorted (a public.pair); "
    "INSERT INTO public.sorted VALUES ((1, 2)), ((1, 3)); CREATE INDEX ON public.sorted (a public.own)",
    "event": "CREATE EVENT TRIGGER every ON ddl_command_start EXECUTE FUNCTION public.each_time()",
}
PREPARED = """
CREATE TYPE pair AS (a int, b int);
CREATE FUNCTION same(pair, pair) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM public.run('operator'); RETURN $1.a = $2.a AND $1.b = $2.b; END $$;
CREATE FUNCTION compared(pair, pair) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM public.run('operator'); RETURN sign(($1.a - $2.a) * 10 + $1.b - $2.b); END $$;
CREATE OPERATOR === (LEFTARG = pair, RIGHTARG = pair, FUNCTION = same);
CREATE FUNCTION each_time() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.run('event'); END $$;
"""
"""What a superuser uses, and its owner may change."""
BY_NAME = """
SET search_path TO app, public; CREATE SCHEMA app;
CREATE FUNCTION app.found() RETURNS text LANGUAGE sql AS $$ SELECT public.run('by name') $$;
CREATE FUNCTION public.looked() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN found() <> ''; END $$;
CREATE TABLE public.by_name (a int CHECK (public.looked())); INSERT INTO public.by_name VALUES (1);
"""
WORKING = {"check", "domain", "generated", "operator", "planned", "reset", "value", "view of a superuser"}
"""The others run as the owner of a table or view, as PostgreSQL itself has it."""


class Place:
    """A live database in which things were planted, and the folder in which each way that works leaves a file."""

    def __init__(self, server: Cluster, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.settings = BackupSettings(server.database(LIVE), b"k" * 32, compress=True, retention_days=30)

    def sql(self, text: str, dbname: str = LIVE) -> None:
        """Runs statements as a superuser."""
        with self.server.connected(dbname) as connection:
            connection.execute(text.encode())

    def found(self) -> set[str]:
        """The ways by which a program was started since the last look."""
        names = {each.name for each in self.folder.iterdir()}
        for each in self.folder.iterdir():
            each.unlink()
        return names

    def backup(self) -> Manifest:
        """Of the live database; what runs in that one itself is another matter."""
        made = make_backup(self.settings, self.server.store, lambda _: None)
        self.found()
        return made

    def roles(self) -> list[tuple[object, ...]]:
        """Those that a run made, and left."""
        with self.server.connected() as admin:
            return admin.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'beautycort_load%'").fetchall()


@pytest.fixture
def place(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A database of an ordinary owner, in which everything was planted."""
    monkeypatch.setenv("PATH", f"{cluster.tools}:{os.environ['PATH']}")
    folder = Path(tempfile.mkdtemp(prefix="planted-"))
    folder.chmod(0o777)
    found = Place(cluster, folder)
    found.sql(f"CREATE ROLE {PLANTER}", "postgres")
    try:
        found.sql(f"CREATE DATABASE {LIVE} OWNER {PLANTER}", "postgres")
        planted = "; ".join(BY_THE_PLANTER.values())
        found.sql(f"SET SESSION AUTHORIZATION {PLANTER}; {RUN.format(folder=folder)} {PREPARED} {planted}")
        me = sql.Identifier(cluster.parameters["user"]).as_string(None)
        found.sql(f"ALTER MATERIALIZED VIEW of_theirs OWNER TO {me}")
        for text in OF_A_SUPERUSER.values():
            found.sql(text)
        yield found
    finally:
        with cluster.connected() as admin:
            names = admin.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [LIVE]).fetchall()
        for (name,) in names:
            discard(found.settings.database, (str(name),))
        found.sql(f"DROP ROLE {PLANTER}", "postgres")
        shutil.rmtree(folder)


def test_nothing_planted_runs(place: Place) -> None:
    """Not when a backup is verified, restored beside, restored in place, nor when single tables are."""
    made, settings, store = place.backup(), place.settings, place.server.store
    verify(settings, store, made, print)
    assert place.found() == set()
    place.sql(f"CREATE DATABASE {LIVE}_into", "postgres")
    restore_into(settings, store, made, f"{LIVE}_into", print)
    assert place.found() == set()
    place.sql("DROP EVENT TRIGGER every")  # of the live database, where PostgreSQL 15 runs it at every statement
    restore_beside(settings, store, made, ["a_domain"], print)
    assert place.found() == set()
    restore(settings, store, made, print)
    assert place.found() == set()
    assert place.roles() == []
    with place.server.connected(LIVE) as live:
        kept = live.execute("SELECT evtname, evtowner::regrole::text FROM pg_event_trigger").fetchall()
        owned = live.execute("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'of_theirs'").fetchone()
    assert (kept, owned) == ([("every", place.server.parameters["user"])], (place.server.parameters["user"],))


def test_all_of_it_runs_where_the_backup_is_trusted(place: Place) -> None:
    """So that the other test proves something: each of these ways works."""
    made, store = place.backup(), place.server.store
    trusting = replace(place.settings, with_my_rights=True)
    verify(trusting, store, made, print)
    assert place.found() == WORKING
    place.sql("DROP EVENT TRIGGER every")
    restore_beside(trusting, store, made, ["a_domain"], print)
    assert place.found() == {"domain"}


def test_a_function_that_is_found_by_the_search_path_of_the_application(place: Place) -> None:
    """The restore is done once more with that path, by the same role."""
    place.sql(BY_NAME)
    made, store = place.backup(), place.server.store
    verify(place.settings, store, made, print)
    assert place.found() == set()
    verify(replace(place.settings, with_my_rights=True), store, made, print)
    assert "by name" in place.found()


def test_a_role_that_may_start_programs_is_refused(place: Place) -> None:
    """It is no superuser, so that it can put nobody in between; before a backup is made, and before one is restored."""
    made, password = place.backup(), secrets.token_hex(8)
    place.sql(f"ALTER ROLE {PLANTER} LOGIN CREATEDB PASSWORD '{password}'", "postgres")
    place.sql(f"GRANT pg_execute_server_program TO {PLANTER}", "postgres")
    known = place.settings.database
    address = {**known.address.parameters, "user": PLANTER, "password": password}
    theirs = replace(place.settings, database=replace(known, address=replace(known.address, parameters=address)))
    with pytest.raises(RefusedError, match="may start programs"):
        refuse_unverifiable(theirs)
    for tried in (lambda: verify(theirs, place.server.store, made, print),
                  lambda: restore(theirs, place.server.store, made, print),
                  lambda: restore_beside(theirs, place.server.store, made, ["a_domain"], print)):  # fmt: skip
        with pytest.raises(RefusedError, match="may start programs"):
            tried()
    assert place.found() == set()


def test_its_verifier_is_in_no_statistics(place: Place, embedded: EmbeddedTarget) -> None:
    """Neither of the one that makes it, nor of the one that takes back what it may have set."""
    known = embedded.environment()
    if str(place.server.parameters["port"]) != known["PGPORT"]:
        pytest.skip("this server counts no statements")
    with place.server.connected(known["PGDATABASE"]) as admin:
        admin.execute("SELECT pg_stat_statements_reset()")
        verify(place.settings, place.server.store, place.backup(), print)
        held = "SELECT count(*) FILTER (WHERE query LIKE '%SCRAM-SHA-256%'), count(*) > 0 FROM pg_stat_statements"
        assert admin.execute(held).fetchone() == (0, True)


def test_what_a_killed_run_left_is_cleared(place: Place) -> None:
    """The role, with what it owns; one that a living run uses stays."""
    place.sql("CREATE ROLE beautycort_load_0000aaaa LOGIN; CREATE ROLE beautycort_load_0000bbbb", "postgres")
    place.sql("CREATE SCHEMA left_there AUTHORIZATION beautycort_load_0000aaaa")
    with place.server.connected() as living:
        living.execute("SELECT pg_advisory_lock(%s, hashtext('beautycort_load_0000bbbb'))", [_LOCK])
        refuse_unloadable(place.settings.database, trusted=False)
        assert place.roles() == [("beautycort_load_0000bbbb",)]
    refuse_unloadable(place.settings.database, trusted=False)
    assert place.roles() == []


def test_a_server_that_lets_no_fresh_role_in() -> None:
    """Is told in a line, with what to do; nothing is left."""
    with debian_postgres() as debian:
        rules = debian.folder / "data" / "pg_hba.conf"
        rules.write_text("host all admin 127.0.0.1/32 scram-sha-256\n")
        with debian.connected() as admin:
            admin.execute("SELECT pg_reload_conf()")
            database = Database.from_url(debian.url())
            with pytest.raises(RefusedError, match=r"does not let that sign in .*pg_hba\.conf.*--with-my-rights"):
                refuse_unloadable(database, trusted=False)
            left = admin.execute("SELECT FROM pg_roles WHERE rolname LIKE 'beautycort_load%'").fetchall()
        refuse_unloadable(database, trusted=True)
    assert left == []


def test_what_takes_more_rights_is_named(place: Place) -> None:
    """A view over what superusers alone may read: in a line, and restored where the backup is trusted."""
    place.sql("CREATE MATERIALIZED VIEW secrets AS SELECT rolname, rolpassword FROM pg_authid WHERE false")
    made, store = place.backup(), place.server.store
    with pytest.raises(OperationError, match=r"permission denied for .*pg_authid; .*--with-my-rights"):
        verify(place.settings, store, made, print)
    assert place.roles() == []
    verify(replace(place.settings, with_my_rights=True), store, made, print)


def test_a_validator_of_options_that_is_no_c_function_is_refused(place: Place) -> None:
    """It is called when its wrapper is made, which only a superuser may do."""
    place.sql(f"""
        CREATE FUNCTION valid(text[], oid) RETURNS void LANGUAGE plpgsql AS
            $$ BEGIN PERFORM public.run('validator'); END $$; ALTER FUNCTION valid OWNER TO {PLANTER};
        CREATE FOREIGN DATA WRAPPER theirs VALIDATOR valid""")
    made, store = place.backup(), place.server.store
    with pytest.raises(RefusedError, match=r"public\.valid\(text\[\],oid\)"):
        verify(place.settings, store, made, print)
    assert place.found() == set()
    verify(replace(place.settings, with_my_rights=True), store, made, print)
    assert "validator" in place.found()
