"""The ways to PostgreSQL 15 that people have, each through the guard: TLS in all its modes, SCRAM, PgBouncer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.model import Risk
from runbook_steps.faults.outside import whether_down
from runbook_steps.stand_in.embedded.account import give_to, server_account
from tests.contract.debian_postgres import DebianPostgres, debian_postgres, pgbouncer

ROLE = "reader"


@pytest.fixture(scope="module")
def served() -> Iterator[DebianPostgres]:
    """With a certificate of a private authority, SCRAM with channel binding, and a role that only reads."""
    with debian_postgres() as server:
        certificate(server.folder / "data")
        with server.connected() as direct:
            for setting in ("ssl = on", "ssl_cert_file = 'tls.crt'", "ssl_key_file = 'tls.key'"):
                direct.execute(f"ALTER SYSTEM SET {setting}".encode())
            direct.execute("CREATE TABLE notes (id int PRIMARY KEY); INSERT INTO notes VALUES (1)")
            direct.execute(
                "CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS "
                "$$ BEGIN INSERT INTO notes VALUES (2); RETURN 1; END $$"
            )
            direct.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{server.password}'".encode())
            direct.execute(f"GRANT pg_read_all_data TO {ROLE}".encode())
            direct.execute(f"ALTER ROLE {ROLE} SET default_transaction_read_only = on".encode())
            direct.execute("SELECT pg_reload_conf()")
        yield server


def certificate(folder: Path) -> None:
    """Made by openssl for 127.0.0.1; PostgreSQL wants the key for itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", folder / "tls.key", "-out", folder / "tls.crt", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (folder / "tls.key").chmod(0o600)
    give_to(folder, server_account())


@pytest.fixture
def guard(tmp_path: Path) -> Iterator[Guard]:
    """Only reading."""
    found = Guard(Risk.READONLY, tmp_path)
    yield found
    found.close()


def through(guard: Guard, url: str) -> str:
    """What a command gets."""
    return guard.environment({"DATABASE_URL": url})["DATABASE_URL"]


def held(guard: Guard, url: str) -> None:
    """The way reads, and neither a function that writes nor a statement gets through."""
    with psycopg.connect(through(guard, url), autocommit=True) as client:
        assert client.execute("SELECT count(*) FROM notes").fetchone() == (1,)
        assert client.execute("SHOW transaction_read_only").fetchone() == ("on",)
    assert guard.take_refusals() == ()
    for text, parameters in (("SELECT note()", None), ("SELECT note() + %s::int", [1]), ("DELETE FROM notes", None)):
        with (
            pytest.raises(psycopg.Error, match="refused by the guard"),
            psycopg.connect(through(guard, url), autocommit=True) as client,
        ):
            client.execute(text, parameters)
        assert len(guard.take_refusals()) == 1


@pytest.mark.parametrize(
    "query",
    ["", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer", "?sslmode=require", "?sslmode=verify-ca&sslrootcert=",
     "?sslmode=verify-full&sslrootcert=", "?channel_binding=prefer", "?sslmode=require&channel_binding=disable"],
)  # fmt: skip
def test_every_mode_of_tls_reads_and_only_reads(served: DebianPostgres, guard: Guard, query: str) -> None:
    """SCRAM with channel binding is offered by the server, and left out of the offer."""
    file = str(served.folder / "data/tls.crt") if query.endswith("=") and "rootcert" in query else ""
    held(guard, served.url(query=query + file))


def test_a_refusal_has_its_code_behind_its_words(served: DebianPostgres, guard: Guard) -> None:
    """Before and after signing in: the words are in the server's language, and libpq tells no code of its own."""
    wrong = served.url().replace(served.password, "wrong")
    for url, code in ((wrong, "28P01"), (served.url("nothing"), "3D000")):
        with pytest.raises(psycopg.OperationalError, match=rf"FATAL: .* \(SQLSTATE {code}\)"):
            psycopg.connect(through(guard, url))


def test_a_certificate_of_nobody_is_refused(served: DebianPostgres, guard: Guard) -> None:
    """As libpq would: nothing is sent to a server that is not the one."""
    for mode in ("verify-ca", "verify-full"):
        with pytest.raises(psycopg.OperationalError, match="could not reach or follow"):
            psycopg.connect(through(guard, served.url(query=f"?sslmode={mode}")))


@pytest.mark.parametrize(("only", "query"), [("hostssl", ""), ("hostnossl", ""), ("hostssl", "?sslmode=allow")])
def test_a_server_that_wants_one_way_gets_it(served: DebianPostgres, guard: Guard, only: str, query: str) -> None:
    """`prefer` and `allow` try the other."""
    file = served.folder / "data/pg_hba.conf"
    kept = file.read_text()
    file.write_text(f"local all all scram-sha-256\n{only} all all 127.0.0.1/32 scram-sha-256\n")
    try:
        with psycopg.connect(served.url(), autocommit=True) as client:
            client.execute("SELECT pg_reload_conf()")
        held(guard, served.url(query=query))
    finally:
        file.write_text(kept)
        with psycopg.connect(served.url(), autocommit=True) as client:
            client.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize("ignored", ["extra_float_digits,options", "extra_float_digits"])
def test_a_pooler_that_drops_the_option_is_refused(served: DebianPostgres, guard: Guard, ignored: str) -> None:
    """Nothing says that the session only reads: it is not opened, and the message says what to do."""
    with pgbouncer(served, ignore_startup_parameters=ignored) as port:
        url = served.url(port=port)
        with pytest.raises(psycopg.OperationalError, match="does not hold to reading") as refused:
            psycopg.connect(through(guard, url))
        with pytest.raises(NotRunnableHere, match="whether postgres is down cannot be seen"):
            whether_down("postgres", {"DATABASE_URL": through(guard, url)})
    assert "ALTER ROLE … SET default_transaction_read_only = on" in str(refused.value)
    assert "PostgreSQL: a session that the server does not hold to reading" in str(guard.take_refusals()[0])


@pytest.mark.parametrize("ignored", ["extra_float_digits,options", "extra_float_digits"])
def test_a_role_that_is_held_reads_through_a_pooler(served: DebianPostgres, guard: Guard, ignored: str) -> None:
    """Its own setting comes with every session, whichever the pooler gives."""
    users = {
        "ignore_startup_parameters": ignored,
        "auth_query": "SELECT usename, passwd FROM pg_shadow WHERE usename=$1",
    }
    with pgbouncer(served, auth_user="admin", **users) as port:
        held(guard, served.url(port=port).replace("admin:", f"{ROLE}:"))


def test_a_setting_that_a_pooler_may_forget_is_not_enough(served: DebianPostgres, guard: Guard) -> None:
    """SET in one session of the pool says nothing of the next."""
    with pgbouncer(served, default_pool_size="1") as port:
        with psycopg.connect(served.url(port=port), autocommit=True) as client:
            client.execute("SET default_transaction_read_only = on")
        with pytest.raises(psycopg.OperationalError, match="a pooler may forget"):
            psycopg.connect(through(guard, served.url(port=port)))


def test_changing_goes_through_a_pooler(served: DebianPostgres, tmp_path: Path) -> None:
    """At `mutating` the session needs no option; what loses data is refused as ever."""
    guard = Guard(Risk.MUTATING, tmp_path)
    with (
        pgbouncer(served, ignore_startup_parameters="extra_float_digits") as port,
        psycopg.connect(through(guard, served.url(port=port)), autocommit=True) as client,
    ):
        client.execute("UPDATE notes SET id = 1 WHERE id = 1")
        with pytest.raises(psycopg.Error, match="TRUNCATE"):
            client.execute("TRUNCATE notes")
    guard.close()
