"""Settings and options are read where they hold no password, and refused where the database says that they do."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from runbook_steps.engine.guards.services.sql_catalogue import Catalogue, read_catalogue
from runbook_steps.engine.guards.services.sql_policy import refused_sql
from runbook_steps.engine.model import Risk
from runbook_steps.operations.health_checks import FROZEN
from tests.contract.asked_catalogue import SERVERS, asked, server_of

SETTINGS = (
    "SHOW ALL",
    "SELECT name, setting FROM pg_settings",
    "SELECT * FROM pg_settings WHERE name = 'work_mem'",
    "SELECT reset_val FROM pg_catalog.pg_settings",
    "SELECT setting FROM pg_show_all_settings()",
    "SELECT name, current_setting(name) FROM (VALUES ('work_mem')) AS v(name)",
    "SELECT current_setting('work' || '_mem')",
    "SELECT setconfig FROM pg_db_role_setting",
    "TABLE pg_db_role_setting",
    "SELECT 1 FROM pg_db_role_setting WHERE 'app' < ANY (setconfig)",
    "SELECT 1 FROM pg_db_role_setting AS s WHERE 'on' = ANY (s.setconfig) AND s.setconfig[1] LIKE 'a%'",
    "SELECT 1 FROM pg_db_role_setting, pg_class WHERE relname = ANY (setconfig)",
)
OPTIONS = (
    "SELECT srvoptions FROM pg_foreign_server",
    "SELECT s.* FROM pg_foreign_server s",
    "SELECT (pg_options_to_table(srvoptions)).option_value FROM pg_foreign_server",
    "SELECT option_value FROM information_schema.foreign_server_options",
    "SELECT row_to_json(s) FROM pg_foreign_server AS s",
)
SUBSCRIPTIONS = (
    "SELECT subconninfo FROM pg_subscription",
    "TABLE pg_catalog.pg_subscription",
    "SELECT s FROM pg_subscription s",
    "SELECT s.oid, s.subconninfo, s.subslotname FROM pg_subscription s",
    "SELECT to_jsonb(s) FROM pg_subscription AS s",
)
OPEN = ("SHOW max_connections", "SELECT current_setting('work_mem')", "SELECT name FROM pg_settings",
        "SELECT srvname FROM pg_foreign_server", FROZEN)  # fmt: skip


@pytest.fixture(params=SERVERS, scope="module")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server of its own, and a superuser of it, who may read everything."""
    with server_of(request.param) as address:
        yield address


def known(url: str) -> Catalogue:
    """What the guard is told when a client signs in."""
    return read_catalogue(asked(url))


def refused(catalogue: Catalogue, texts: tuple[str, ...]) -> list[str]:
    """Those that are."""
    return [text for text in texts if refused_sql(text, Risk.READONLY, catalogue)]


def test_what_holds_no_password_is_read(url: str) -> None:
    """As on any ordinary server; an address of the primary without a password too."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("ALTER SYSTEM SET primary_conninfo = 'host=primary user=replicator passfile=/etc/pass'")
        session.execute("SELECT pg_reload_conf()")
    until_known(url, "primary_conninfo", held=False)
    assert refused(known(url), (*SETTINGS, *OPTIONS, *SUBSCRIPTIONS, *OPEN, "SHOW primary_conninfo")) == []


@pytest.mark.parametrize(
    "written",
    ["host=primary password=hunter2", "host=primary PASSWORD = 'hunter2'", "postgresql://replicator:hunter2@primary/",
     "postgres://primary/?user=r&password=hunter2", "host=primary sslpassword=hunter2"],
)  # fmt: skip
def test_the_password_of_the_primary_is_not_read(url: str, written: str) -> None:
    """In none of libpq's spellings; settings by their names are."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(b"ALTER SYSTEM SET primary_conninfo = '%s'" % written.replace("'", "''").encode())
        session.execute("SELECT pg_reload_conf()")
    until_known(url, "primary_conninfo", held=True)
    catalogue = known(url)
    hidden = (
        *SETTINGS,
        "SHOW primary_conninfo",
        'SHOW "Primary_Conninfo"',
        "SELECT current_setting('primary_CONNINFO')",
    )
    assert refused(catalogue, (*hidden, *OPEN, *OPTIONS)) == [*hidden]


def test_a_secret_of_the_application_is_not_read(url: str) -> None:
    """One that is kept in a setting of the database or of a role, and one in the options of a server."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("ALTER SYSTEM RESET primary_conninfo")
        session.execute("SELECT pg_reload_conf()")
        session.execute(f"ALTER DATABASE \"{name}\" SET app.settings.jwt_secret = 'hunter2'".encode())
    assert known(url).settings >= {"app.settings.jwt_secret"}
    hidden = (*SETTINGS, "SHOW app.settings.jwt_secret", "SELECT current_setting('app.settings.jwt_secret', true)")
    assert refused(known(url), (*hidden, *OPEN, *OPTIONS)) == [*hidden]
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(f'ALTER DATABASE "{name}" RESET app.settings.jwt_secret'.encode())
        session.execute("CREATE FOREIGN DATA WRAPPER plain; CREATE SERVER other FOREIGN DATA WRAPPER plain "
                        "OPTIONS (host 'elsewhere', db_password 'hunter2')")  # fmt: skip
    try:
        assert refused(known(url), (*OPTIONS, *OPEN, *SETTINGS)) == [*OPTIONS]
    finally:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("DROP FOREIGN DATA WRAPPER plain CASCADE")


@pytest.mark.parametrize(
    ("name", "value", "held"),
    [("app.dsn", "host=x pass=hunter2", True), ("app.stripe_sk", "sk_live_hunter2", True), ("my.pin", "123456", True),
     ("app.hmac", "aHVudGVyMg==", True), ("app.environment", "staging", True), ("app.level", "12", False),
     ("app.debug", "on", False), ("search_path", "a, b", False), ("work_mem", "8MB", False),
     ("app.longest", "5 min", False)],
)  # fmt: skip
def test_a_setting_of_the_application_is_read_only_where_it_cannot_be_a_password(
    url: str, name: str, value: str, held: bool
) -> None:
    """Whatever it is called: a word, a small number and PostgreSQL's own settings are none."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(f"ALTER ROLE CURRENT_USER SET {name} = '{value}'".encode())
    try:
        assert (name in known(url).settings) is held
        assert refused(known(url), ("SELECT setconfig FROM pg_db_role_setting", f"SHOW {name}")) == (
            ["SELECT setconfig FROM pg_db_role_setting", f"SHOW {name}"] if held else []
        )
    finally:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(f"ALTER ROLE CURRENT_USER RESET {name}".encode())


@pytest.mark.parametrize(
    ("command", "held"),
    [("cp /mnt/archive/%f %p", False), ("test ! -f /mnt/a/%f && cp /mnt/a/%f \"%p\"", False),
     ("pgbackrest --stanza=main archive-get %f \"%p\"", False), ("envdir /etc/env wal-g wal-fetch %f %p", False),
     ("AWS_SECRET=hunter2 wal-g wal-fetch %f %p", True), ("curl -u bob:hunter2 https://example.com/%f -o %p", True),
     ("sshpass -p hunter2 scp h:%f %p", True)],
)  # fmt: skip
def test_a_command_of_the_server_is_read_where_nothing_in_it_is_a_password(url: str, command: str, held: bool) -> None:
    """By a list of words: whoever looks why WAL is not archived has to read it."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(b"ALTER SYSTEM SET restore_command = '%s'" % command.encode())
        session.execute("SELECT pg_reload_conf()")
        end = time.monotonic() + 30
        while session.execute("SHOW restore_command").fetchone() != (command,):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert ("restore_command" in known(url).settings) is held
        session.execute("ALTER SYSTEM RESET restore_command")
        session.execute("SELECT pg_reload_conf()")
        while session.execute("SHOW restore_command").fetchone() != ("",):
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.mark.parametrize("option", ["pin '1234'", "bearer 'abc'", "url 'https://x'", "host 'a://b:hunter2@c'"])
def test_an_option_that_is_not_known_is_not_read(url: str, option: str) -> None:
    """Whatever it is called; host, port and the like are."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(f"CREATE FOREIGN DATA WRAPPER odd; CREATE SERVER s FOREIGN DATA WRAPPER odd OPTIONS ({option})"
                        .encode())  # fmt: skip
    try:
        assert refused(known(url), (*OPTIONS, *OPEN)) == [*OPTIONS]
    finally:
        with psycopg.connect(url, autocommit=True) as session:
            session.execute("DROP FOREIGN DATA WRAPPER odd CASCADE")


def until_known(url: str, name: str, *, held: bool) -> None:
    """The server has read its settings again."""
    end = time.monotonic() + 30
    while (name in known(url).settings) is not held:
        assert time.monotonic() < end, f"{name} is as it was"
        time.sleep(0.05)


def test_what_a_subscription_is_told_is_not_read(url: str) -> None:
    """As soon as there is one, in whichever database of the server; its name is."""
    made = "CREATE SUBSCRIPTION by_hand CONNECTION 'host=primary password=hunter2' PUBLICATION p WITH (connect = false)"
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(made.encode())
        try:
            assert refused(known(url), (*SUBSCRIPTIONS, "SELECT subname FROM pg_subscription")) == list(SUBSCRIPTIONS)
        finally:
            session.execute("ALTER SUBSCRIPTION by_hand SET (slot_name = NONE)")
            session.execute("DROP SUBSCRIPTION by_hand")
    assert refused(known(url), SUBSCRIPTIONS) == []
