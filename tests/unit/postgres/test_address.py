"""A database's address as people write it: understood, or the parameter named; a value never told."""

from __future__ import annotations

import pytest

from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.postgres.address import read_address

BASE = "postgres://ro%40team:p%40ss@db.example:5433/shop"


def test_every_parameter_of_libpq_reaches_the_tools() -> None:
    """As a PG* variable, or in the argument where libpq has no variable."""
    address = read_address(
        f"{BASE}?application_name=night%20job&hostaddr=10.0.0.7&passfile=/p&options=-c%20geqo%3Doff&sslmode=verify-full"
        "&sslrootcert=/ca.pem&keepalives_idle=7&tcp_user_timeout=9000&channel_binding=require&target_session_attrs=any"
    )
    assert address.variables() == {
        "PGUSER": "ro@team", "PGPASSWORD": "p@ss", "PGHOST": "db.example", "PGPORT": "5433", "PGDATABASE": "shop",
        "PGAPPNAME": "night job", "PGHOSTADDR": "10.0.0.7", "PGPASSFILE": "/p", "PGOPTIONS": "-c geqo=off",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/ca.pem", "PGCHANNELBINDING": "require",
        "PGTARGETSESSIONATTRS": "any",
    }  # fmt: skip
    argument = address.argument("odd = name")
    assert "keepalives_idle=7" in argument
    assert "tcp_user_timeout=9000" in argument
    assert "dbname='odd = name'" in argument
    assert "p@ss" not in argument


def test_several_hosts() -> None:
    """As libpq takes them."""
    address = read_address("postgresql://u@a:1,b:2/shop?target_session_attrs=read-write")
    assert (address.parameters["host"], address.parameters["port"]) == ("a,b", "1,2")


def test_words_instead_of_a_url() -> None:
    """`key=value`, as psql takes them too."""
    assert read_address("host=h port=7 dbname=shop user='a b'").parameters["user"] == "a b"


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("schema=app&connection_limit=3&pool_timeout=0", "-c search_path=app"),
        ("search_path=app,public", "-c search_path=app,public"),
        ("schema=two%20words", "-c search_path=two\\ words"),
        ("options=-c%20geqo%3Doff&schema=app", "-c geqo=off -c search_path=app"),
        ("TimeZone=UTC", "-c TimeZone=UTC"),
    ],
)
def test_what_other_clients_say_to_the_server_is_translated(query: str, options: str) -> None:
    """Prisma's schema, pgx's settings of the session."""
    assert read_address(f"{BASE}?{query}").parameters["options"] == options


def test_what_tunes_another_client_is_left_out_by_name() -> None:
    """Prisma's pool, Supabase's word, node-postgres's mode without a look at the certificate."""
    address = read_address(f"{BASE}?connection_limit=1&supa=base-pooler.x&statement_cache_size=0&sslmode=no-verify")
    assert address.left_out == ("connection_limit", "supa", "statement_cache_size")
    assert address.parameters["sslmode"] == "require"
    assert read_address(f"{BASE}?ssl=true").parameters["sslmode"] == "require"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2", "postgis"])
def test_schemes_of_drivers(scheme: str) -> None:
    """SQLAlchemy's and Django's."""
    assert read_address(f"{scheme}://u@h/shop").parameters["host"] == "h"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"{BASE}?applcation_name=geheim", "`applcation_name`"),
        (f"{BASE}?sslaccept=strict", "sslmode=verify-full"),
        (f"{BASE}?schema", "`schema` has no value"),
        (f"{BASE}?%0a%1b=geheim", "`…`"),
        ("postgres://u:geheim@word@h/db", "`%40`"),
        ("postgres://u:w?geheim&x=1@h/db", "? as %3F"),
        ("postgres://u:w/geheim@h/db", "/ as %2F"),
        ("postgres://u:5432/geheim@h/db", "/ as %2F"),
        ("postgres://u:geheim%w@h/db", "% as %25"),
        ("postgres://u:geheim w@h/db", "a blank as %20"),
        ("mysql://u:geheim@h/db", "is not a PostgreSQL URL"),
        ("prisma+postgres://u:geheim@h/db", "is not a PostgreSQL URL"),
        ("postgres://u:geheim@h:99999/db", "is not a PostgreSQL URL"),
        ("postgres://u:geheim@h:word/db", "is not a PostgreSQL URL"),
        ("postgres://u:geheim@h/d b", "is not a PostgreSQL URL"),
        ("host=h pass_word=geheim", "`pass_word`"),
        ("geheim", "is not a PostgreSQL URL"),
    ],
)
def test_what_cannot_be_read_is_named_without_a_value(url: str, said: str) -> None:
    """The parameter, never what it was set to."""
    with pytest.raises(ConfigurationError) as caught:
        read_address(url, "STAGING_DATABASE_URL")
    assert str(caught.value).startswith("STAGING_DATABASE_URL")
    assert said in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_password_may_stand_among_the_parameters() -> None:
    """An `@` behind the question mark is no sign of a password that was not quoted."""
    assert read_address("postgres://h:5432/db?user=u&password=a@b").parameters["password"] == "a@b"
    assert read_address("postgres://[::1]:5432/db?user=a@b").parameters["user"] == "a@b"


def test_a_secret_without_a_variable_is_never_an_argument() -> None:
    """The password of a client's key: PostgreSQL's tools take it as an argument alone."""
    address = read_address(f"{BASE}?sslkey=/k&sslpassword=geheim")
    with pytest.raises(ConfigurationError, match="sslpassword") as caught:
        address.argument("shop")
    assert "geheim" not in str(caught.value) + repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://postgres.ref@aws-0-eu.pooler.supabase.com:6543/postgres",
        "postgres://postgres@db.ref.supabase.co:6543/postgres",
        "postgres://u@h/db?pgbouncer=true",
        "postgres://u@ep-cool-1-pooler.eu-central-1.aws.neon.tech/db",
        "postgres://u@shop.postgres.database.azure.com:6432/db",
        "postgres://u@a:5432,aws-0-eu.pooler.supabase.com:6543/db",
    ],
)
def test_a_transaction_poolers_address_is_refused_with_that_reason(url: str) -> None:
    """With what to write instead."""
    with pytest.raises(RefusedError, match=r"a dump needs one session .* direct address"):
        read_address(url).refuse_pooler("a dump")


@pytest.mark.parametrize(
    "url",
    [
        "postgres://postgres.ref@aws-0-eu.pooler.supabase.com:5432/postgres",
        "postgres://u@127.0.0.1:6543/db",
        "postgres://u@h/db?pgbouncer=false",
    ],
)
def test_other_addresses_are_not(url: str) -> None:
    """Supabase's session pooler, a port that is only a number."""
    read_address(url).refuse_pooler("a dump")
