"""An address in any spelling leads to the guard, or is not handed to commands."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from runbook_steps.engine.guards.services.guarded_environment import Origin, origins, rewritten, unreadable
from runbook_steps.engine.guards.services.guarded_environment import with_readonly_role as with_role

REAL = ("real.example", 5433)


@pytest.mark.parametrize(
    "text",
    [
        "postgres://u:p@real.example:5433/db",
        "postgresql://u:p@real.example:5433/db?sslmode=verify-full&sslrootcert=/ca.pem",
        "POSTGRES://u:p@real.example:5433/db",
        "postgresql+psycopg://u:p@real.example:5433/db",
        "host=real.example port=5433 user=u password=p dbname=db",
        "dbname=db user=u password='p' host = real.example port = '5433'",
        "postgresql:///db?host=real.example&port=5433&user=u&password=p",
        "postgresql://u@/db?host=real.example&port=5433&password=p",
        "postgresql://u:p@%72eal.example:5433/db",
        "postgresql://u:p@ignored:1/db?host=real.example&port=5433",
        "postgresql://u:p@name:1/db?hostaddr=real.example&port=5433",
        "user=u password=p dbname=db hostaddr=real.example port=5433",
        "  postgres://u:p@real.example:5433/db  ",
        "postgres://u:p@real.example:5433/db?connect_timeout=3&application_name=x",
    ],
)
def test_any_spelling_of_a_database_leads_to_the_guard(text: str) -> None:
    """Nothing of the real address is left, and user, password and name are as they were."""
    environment = {"REPORTS_DATABASE_URL": text}
    assert [(each.kind, each.host, each.port) for each in origins(environment)] == [("postgres", *REAL)]
    said = rewritten(environment, lambda _: 7)["REPORTS_DATABASE_URL"]
    found = conninfo_to_dict(said.replace("POSTGRES:", "postgres:").replace("+psycopg", ""))
    assert (found["host"], found["port"], found["sslmode"]) == ("127.0.0.1", "7", "disable")
    assert (found["user"], found["password"], found["dbname"]) == ("u", "p", "db")
    assert "real" not in said


@pytest.mark.parametrize(
    "text",
    [
        "postgres://u@one,two/db",
        "postgres://u@one:1,two:2/db?target_session_attrs=any",
        "host=one,two dbname=db",
        "postgresql:///db?host=one,two",
        "hostaddr=10.0.0.1,10.0.0.2 dbname=db",
        "service=reports",
        "postgresql:///?service=reports",
        "postgres://u:p@w@host/db",
        "postgres://u@host:port/db",
        "postgres://u@host:99999/db",
        "postgres://u@host/db?sslmode=maybe",
        "postgres://u@host/db?channel_binding=require",
        "postgres://u@host/db?unknown=1",
        "postgres:///db",
        "dbname=db",
        "mysql://u:p@host/db",
        "mongodb+srv://host/db",
        "jdbc:postgresql://host/db?x",
        "redis+sentinel://host/0",
        "valkey://host",
        "redis://a@b@host/0",
        "redis://host:x/0",
        "redis://:pa,ss@host/0",
        "redis:///?host=real&port=1",
        "http://good@evil@host/",
        "http://host:port/",
        "http://host:99999/",
        "http://good\\@evil/",
        "ftp://host/file",
        "http://ok.example/ mysql://host/db",
    ],
)
def test_what_cannot_be_read_is_not_handed_on(text: str) -> None:
    """The variable is gone, and why is said without its value."""
    environment = {"REPORTS_URL": text, "OTHER": "kept"}
    assert rewritten(environment, lambda _: 7) == {"OTHER": "kept"}
    assert list(unreadable(environment)) == ["REPORTS_URL"]
    assert text not in unreadable(environment)["REPORTS_URL"]


@pytest.mark.parametrize(
    ("text", "origin", "written"),
    [
        ("redis://h/3", Origin("redis", "h", 6379, "", "Redis"), "redis://127.0.0.1:7/3"),
        ("REDISS://u:p%40w@h:1/2", Origin("redis", "h", 1, "yes", "Redis"), "redis://u:p%40w@127.0.0.1:7/2"),
        (
            "rediss://h?ssl_cert_reqs=none&db=4",
            Origin("redis", "h", 6379, "unverified", "Redis"),
            "redis://127.0.0.1:7?db=4",
        ),
        ("rediss://h?ssl_ca_certs=/c", Origin("redis", "h", 6379, "yes", "Redis", "/c"), "redis://127.0.0.1:7"),
        (
            "rediss://h?ssl_certfile=/a&ssl_keyfile=/b&ssl_check_hostname=False",
            Origin("redis", "h", 6379, "unnamed", "Redis", "", ("/a", "/b")),
            "redis://127.0.0.1:7",
        ),
        ("HTTPS://h/x", Origin("http", "h", 443, "yes", "HTTP h"), "https://localhost:7/x"),
        ("http://[::1]:8/", Origin("http", "::1", 8, "", "HTTP [::1]:8"), "http://localhost:7/"),
    ],
)
def test_other_services_keep_what_is_theirs(text: str, origin: Origin, written: str) -> None:
    """Database number, ACL user, path; TLS is the guard's business."""
    assert origins({"A": text}) == (origin,)
    assert rewritten({"A": text}, lambda _: 7) == {"A": written}


def test_the_socket_of_redis_gets_a_port() -> None:
    """For every client, also for those that know no sockets; who signs in, and the database, stay."""
    said = {
        "REDIS_URL": "unix://ops:p%40w@/run/re%20dis.sock?db=2",
        "REDIS_HOST": "/run/re dis.sock",
        "REDIS_PORT": "0",
    }
    assert origins(said) == (Origin("redis", "/run/re dis.sock", 0, "", "Redis"),)
    assert rewritten(said, lambda _: 7) == {
        "REDIS_URL": "redis://ops:p%40w@127.0.0.1:7/2", "REDIS_HOST": "127.0.0.1", "REDIS_PORT": "7",
    }  # fmt: skip


def test_many_addresses_in_one_value() -> None:
    """As a list, in JSON, with commas or blanks between."""
    for text in ("http://a:1 http://b:2", "http://a:1,http://b:2", '{"one": "http://a:1", "two": "http://b:2"}'):
        assert [each.host for each in origins({"SLOTS": text})] == ["a", "b"]
        assert rewritten({"SLOTS": text}, lambda o: o.port + 10)["SLOTS"] == text.replace(
            "a:1", "localhost:11"
        ).replace("b:2", "localhost:12")


@pytest.mark.parametrize("more", [{"PGHOSTADDR": "10.0.0.1"}, {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/c"}])
def test_libpq_finds_the_guard_by_its_variables(more: dict[str, str]) -> None:
    """What would lead past it is gone."""
    given = {"PGHOST": "real", "PGPORT": "5433", "PGUSER": "u", "PGTARGETSESSIONATTRS": "read-write", **more}
    said = rewritten(given, lambda _: 7)
    assert said == {"PGHOST": "127.0.0.1", "PGPORT": "7", "PGSSLMODE": "disable", "PGUSER": "u"}


@pytest.mark.parametrize("given", [{"PGSERVICE": "x"}, {"PGHOST": "a,b"}, {"PGHOST": "a", "PGPORT": "1,2"}])
def test_variables_that_name_several_or_a_service_are_not_handed_on(given: dict[str, str]) -> None:
    """The guard cannot stand before all of them."""
    assert not {"PGHOST", "PGSERVICE"} & rewritten(given, lambda _: 7).keys()


def test_the_read_only_role_is_percent_decoded() -> None:
    """For psql, which gets user and password in variables."""
    said = with_role({"RUNBOOKS_READONLY_DATABASE_URL": "postgres://ro%40team:p%2Fw@h:1/d", "PGUSER": "owner"})
    assert (said["PGUSER"], said["PGPASSWORD"], said["PGHOST"], said["PGPORT"]) == ("ro@team", "p/w", "h", "1")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CACHE_ADDR", "10.0.0.1:6379"),
        ("REDIS_NODES", "one:6379, two:6379"),
        ("BROKER_ENDPOINTS", "[::1]:9092"),
        ("SENTINEL_HOSTS", "one:26379;two:26379"),
        ("REDIS_URL", "redis://one:6379,two:6379/0"),
        ("REPORTS_JDBC", "jdbc:postgresql://one:1,two:2/db"),
        ("REDIS_URL", "unix://host/run/redis.sock"),
        ("REDIS_URL", "unix:///"),
        ("CACHE", "unix:///run/redis.sock?db=0"),
        ("REDIS_URL", "redis+unix:///run/redis.sock"),
        ("QUEUE_URL", "amqp://real.example"),
        ("BOLT_URL", "bolt+s://real.example"),
        ("REDIS_URL", "one:6379"),
        ("API_BASE_URL", "http:/one/a"),
        ("API_BASE_URL", "https:\\\\one/a"),
        ("API_SLOTS", "http://one:1 HTTP:/two:2"),
        ("API_BASE_URL", "//one/a"),
        ("CACHE_ENDPOINT", "//one:6379"),
        ("DATABASE_URL", "postgres:/one/name"),
        ("REDIS_URL", "rediss:\\one"),
        ("CACHE_SERVERS", "a=one:6379"),
        ("CACHE_SERVERS", "one:11211:3 two:11211:1"),
        ("PEER_ADDRESSES", "a=one:2380,b=two:2380"),
        ("CACHE_URL", "one:6379,password=x,ssl=True"),
        ("CACHE_URI", "[::1]:6379"),
        ("DATABASE_DSN", "user:word@tcp(one:3306)/name"),
        ("DATABASE_DSN", "one:5432/name"),
        ("REPORTS_DSN", "pgsql:host=one;port=5432;dbname=name"),
        ("REPORTS_CONNECTION_STRING", "Server=one;Database=name;User Id=me"),
        ("REPORTS_CONNECTION", "Data Source=one,1433;Initial Catalog=name"),
    ],
)
def test_an_address_that_does_not_say_what_it_is_of_is_not_handed_on(name: str, text: str) -> None:
    """The guard could not stand before it."""
    assert list(unreadable({name: text})) == [name]
    assert name not in rewritten({name: text}, lambda _: 7)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DOCKER_HOST", "unix:///var/run/docker.sock"),
        ("START_AT", "12:30"),
        ("IMAGE", "registry/api:443"),
        ("API_HOST", "api.example"),
        ("API_SLOTS", "http://one:1,http://two:2"),
        ("NOTE", "see http://one/a, and more"),
        ("NOTE", "https: is meant, and nothing like xhttp:/a"),
        ("BACKUP_PATH", "//share/backups"),
    ],
)
def test_what_is_no_address_is_handed_on(name: str, text: str) -> None:
    """Names of hosts, times, images, lists of whole addresses."""
    assert unreadable({name: text}) == {}
