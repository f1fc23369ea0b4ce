"""What each policy of the guard refuses and lets through, where one reading of a request would let it past another."""

from __future__ import annotations

import pytest

from runbook_steps.engine.guards.services.postgres_relay import refused_parameters
from runbook_steps.engine.guards.services.redis_policy import refused_redis
from runbook_steps.engine.guards.services.sql_policy import refused_sql
from runbook_steps.engine.model import Risk


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("set standard_conforming_strings = off", "SET standard_conforming_strings"),
        ("set client_encoding to 'SJIS'", "SET client_encoding"),
        ("set names 'BIG5'", "SET client_encoding"),
        ("select set_config('standard_conforming_strings', 'off', false)", "set_config()"),
        ("select set_config('client_' || 'encoding', 'GBK', false)", "set_config()"),
        ("select ts_rewrite('a', 'select pg_terminate_backend(1)')", "ts_rewrite()"),
        ("select pg_log_standby_snapshot()", "pg_log_standby_snapshot()"),
        ("select pg_current_xact_id()", "pg_current_xact_id()"),
        ("select pg_buffercache_evict_all()", "pg_buffercache_evict_all()"),
        ("explain analyze delete from users", "DELETE"),
        ("prepare p as update users set id = id", "UPDATE"),
        ("copy (delete from users returning id) to stdout", "DELETE"),
        ("listen a", "LISTEN"),
        ("refresh materialized view v", "REFRESH MAT VIEW"),
        ("call p()", "CALL"),
        ("set session characteristics as transaction read write", "SET TRANSACTION READ WRITE"),
        ("reset role", "SET role"),
    ],
)
def test_sql_that_acts_is_refused(text: str, named: str) -> None:
    """By its name, however it is dressed."""
    assert refused_sql(text, Risk.READONLY) == named


@pytest.mark.parametrize(
    "text",
    [
        "set client_encoding to 'UTF8'",
        "set standard_conforming_strings = on",
        "set statement_timeout = '5s'",
        "select set_config('search_path', '', false)",
        "reset statement_timeout",
        "begin; select 1; rollback",
    ],
)
def test_sql_that_reads_passes(text: str) -> None:
    """What clients and pg_dump say at the start of a session included."""
    assert refused_sql(text, Risk.READONLY) is None


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"replication": "database"}, "a replication connection"),
        ({"default_transaction_read_only": "off"}, "SET default_transaction_read_only"),
        ({"options": "-c standard_conforming_strings=off"}, "SET standard_conforming_strings"),
        ({"options": "--standard-conforming-strings=off"}, "SET standard_conforming_strings"),
        ({"options": "-c  session_preload_libraries=x"}, "SET session_preload_libraries"),
        ({"options": "-F"}, "the option -F"),
        ({"options": "-c statement_timeout=1 -f s"}, "the option -f s"),
    ],
)
def test_a_session_cannot_be_opened_for_writing(parameters: dict[str, str], named: str) -> None:
    """Every setting can be given in the first message, as an option or by its own name."""
    assert refused_parameters({"user": "u", "database": "d", **parameters}) == named


def test_a_session_is_opened_with_its_own_time_limit() -> None:
    """As health checks do it."""
    options = r"-c statement_timeout=5s -c default_transaction_read_only=on -c search_path=a\ b"
    parameters = {"user": "u", "application_name": "x", "DateStyle": "ISO", "_pq_.x": "1", "options": options}
    assert refused_parameters(parameters) is None


@pytest.mark.parametrize(
    "words",
    [
        b"EVAL_RO x 0",
        b"evalsha_ro x 0",
        b"FCALL_RO f 0",
        b"getdel a",
        b"SLOWLOG RESET",
        b"MONITOR",
        b"PSYNC ? -1",
        b"PFCOUNT a",
    ],
)
def test_redis_commands_that_act_are_refused(words: bytes) -> None:
    """A script that says it only reads can reset the slow log, and holds up everybody."""
    named = " ".join(words.decode().upper().split()[: 2 if words.startswith(b"SLOWLOG") else 1])
    assert refused_redis(words.split(), Risk.READONLY) == named


@pytest.mark.parametrize(
    "words",
    [b"CONFIG GET requirepass", b"config get *", b"CONFIG GET maxmemory Require*", b"CONFIG GET [r]equirepass",
     b"CONFIG GET masteraut?", b"CONFIG GET \\requirepass", b"CONFIG GET tls-*", b"CONFIG GET primaryauth"],
)  # fmt: skip
def test_a_password_of_redis_is_not_read(words: bytes) -> None:
    """It would stand in the evidence."""
    assert refused_redis(words.split(), Risk.READONLY) == "CONFIG GET of a password"
    assert refused_redis(words.split(), Risk.MUTATING) is None


@pytest.mark.parametrize(
    "words", [b"CONFIG GET maxmemory*", b"config get save appendonly", b"ACL WHOAMI", b"ACL USERS"]
)
def test_settings_and_users_of_redis_are_read(words: bytes) -> None:
    """Those that hold no password."""
    assert refused_redis(words.split(), Risk.READONLY) is None


@pytest.mark.parametrize("words", [b"ACL LIST", b"acl getuser default", b"ACL LOG", b"CLIENT TRACKING on REDIRECT 7"])
def test_hashes_and_other_clients_are_not_for_reading(words: bytes) -> None:
    """An unsalted hash is a password; whom it redirects to is told something."""
    assert refused_redis(words.split(), Risk.READONLY) is not None


@pytest.mark.parametrize("table", ["pg_authid", "pg_catalog.pg_shadow", "pg_user_mappings", '"pg_user_mapping"'])
def test_passwords_of_the_database_are_not_read(table: str) -> None:
    """They would stand in the evidence; the names of roles and their rights are elsewhere."""
    refused = refused_sql(f"select * from {table}", Risk.READONLY)  # noqa: S608 - a name of this test
    assert refused is not None
    assert "which holds passwords" in refused
    assert refused_sql("select rolname from pg_roles", Risk.READONLY) is None
