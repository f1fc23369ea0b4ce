"""Tables of PostgreSQL with a password in one column: the others are read by name, that one in no spelling."""

from __future__ import annotations

import pytest

from runbook_steps.engine.guards.services.sql_catalogue import Catalogue
from runbook_steps.engine.guards.services.sql_policy import refused_sql
from runbook_steps.engine.model import Risk

BUILTIN = ("count", "row_to_json", "pg_get_userbyid", "current_database", "current_setting", "md5", "left", "to_jsonb")
OWN = Catalogue(builtin=dict.fromkeys(BUILTIN, "s"))
READ = {
    r"\deu of psql": 'SELECT um.srvname AS "Server", um.usename AS "User name" FROM pg_catalog.pg_user_mappings um '
    "ORDER BY 1, 2",
    "how many": "SELECT count(*) FROM pg_user_mappings",
    "with its server": "SELECT usename, s.srvtype FROM pg_user_mappings m JOIN pg_foreign_server s ON s.oid = m.srvid",
    "of information_schema": "SELECT option_name FROM information_schema.user_mapping_options",
    r"\dRs of psql": 'SELECT subname AS "Name", pg_get_userbyid(subowner) AS "Owner", subenabled, subpublications '
    "FROM pg_catalog.pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "how many subscriptions": "SELECT count(*) FROM pg_subscription",
    "which settings of the file are wrong": "SELECT name, sourceline, error FROM pg_file_settings WHERE NOT applied",
    "statistics": "SELECT attname, n_distinct, null_frac, correlation FROM pg_stats WHERE tablename = 'bookings'",
    "settings by name": "SELECT current_setting('max_connections'), current_setting('app.user_id', true)",
    "a setting": "SHOW server_version",
    "the rules of access": "SELECT line_number, type, auth_method, error FROM pg_hba_file_rules",
}


@pytest.mark.parametrize("case", READ)
def test_columns_without_a_password_are_read(case: str) -> None:
    """By their names."""
    assert refused_sql(READ[case], Risk.READONLY, OWN) is None


SPELLED = [
    "SELECT umoptions FROM pg_user_mappings",
    "SELECT um.umoptions FROM pg_catalog.pg_user_mappings AS um",
    'SELECT "umoptions" FROM pg_user_mappings',
    "SELECT * FROM pg_user_mappings",
    "SELECT um.* FROM pg_user_mappings um",
    "SELECT um FROM pg_user_mappings um",
    "SELECT pg_user_mappings FROM pg_user_mappings",
    "SELECT pg_catalog.pg_user_mappings FROM pg_catalog.pg_user_mappings",
    "SELECT row_to_json(um) FROM pg_user_mappings um",
    "SELECT (um).umoptions FROM pg_user_mappings um",
    "SELECT (SELECT x) FROM pg_user_mappings x",
    "SELECT f FROM pg_user_mappings AS um(a, b, c, d, e, f)",
    "SELECT 1 FROM pg_user_mappings JOIN (VALUES (array['password=a'])) AS v(umoptions) USING (umoptions)",
    "SELECT 1 FROM pg_user_mappings NATURAL JOIN (SELECT array['password=a'] AS umoptions) AS v",
    "SELECT 1 FROM pg_user_mappings WHERE umoptions = array['password=a']",
    "SELECT srvname FROM pg_user_mappings ORDER BY umoptions",
    "SELECT srvname FROM pg_user_mappings UNION SELECT umoptions::text FROM pg_user_mappings",
    "TABLE pg_user_mappings",
    "WITH a(x) AS (TABLE pg_user_mappings) SELECT x FROM a",
    "WITH a AS (SELECT * FROM pg_user_mappings) SELECT srvname FROM a",
    "SELECT a.x FROM (SELECT um AS x FROM pg_user_mappings um) AS a",
    "SELECT count(*) FROM (SELECT DISTINCT * FROM pg_user_mappings) AS a",
    "COPY pg_user_mappings TO STDOUT",
    "COPY (TABLE pg_user_mappings) TO STDOUT",
    "COPY pg_user_mappings (srvname, umoptions) TO STDOUT",
    "EXPLAIN ANALYZE SELECT srvname FROM pg_user_mappings",
    "SELECT srvname FROM pg_user_mappings; TABLE pg_user_mappings",
    "SELECT option_value FROM information_schema.user_mapping_options",
    "SELECT * FROM information_schema.user_mapping_options",
    "SELECT umoptions FROM information_schema._pg_user_mappings",
    "SELECT srvname FROM pg_user_mapping",
    "SELECT options FROM pg_hba_file_rules",
    "SELECT * FROM pg_hba_file_rules",
    "SELECT subconninfo FROM pg_subscription",
    "SELECT * FROM pg_subscription",
    "TABLE pg_catalog.pg_subscription",
    "SELECT md5(s.subconninfo) FROM pg_subscription s",
    "SELECT to_jsonb(s) FROM pg_subscription AS s",
    "SELECT count(*) FROM pg_subscription WHERE left(subconninfo, 3) = 'abc'",
    "COPY pg_subscription (subconninfo) TO STDOUT",
    "WITH a AS (SELECT * FROM pg_subscription) SELECT subname FROM a",
    "SELECT setting FROM pg_file_settings WHERE name = 'primary_conninfo'",
    "TABLE pg_file_settings",
    "SELECT f FROM pg_file_settings f",
    "COPY pg_file_settings TO STDOUT",
    "SELECT to_jsonb(f) FROM pg_file_settings AS f",
    "SELECT most_common_vals FROM pg_stats WHERE tablename = 'pg_authid'",
    "SELECT histogram_bounds FROM pg_stats WHERE attname = 'subconninfo'",
    "SELECT * FROM pg_stats",
    "SELECT most_common_elems FROM pg_catalog.pg_stats WHERE attname = 'umoptions'",
    "SELECT stavalues1 FROM pg_statistic",
    "SELECT s FROM pg_statistic s",
    "SELECT rolpassword FROM pg_authid",
    "TABLE pg_shadow",
    "SELECT to_jsonb(a) FROM pg_catalog.pg_authid a",
    "SELECT passwd FROM pg_catalog.pg_shadow",
    "SELECT count(*) FROM pg_authid WHERE rolpassword = 'md5abc'",
]


@pytest.mark.parametrize("text", SPELLED)
def test_a_password_is_read_in_no_spelling(text: str) -> None:
    """Nor compared with a guess; at mutating they may be read."""
    assert "which holds passwords" in (refused_sql(text, Risk.READONLY, OWN) or "")


def test_the_refusal_says_what_to_do() -> None:
    """A dump reads every column, and would hold the password."""
    refused = refused_sql("SELECT * FROM pg_user_mappings", Risk.READONLY)
    assert refused is not None
    assert "and not umoptions; pg_dump without what is in no schema" in refused


def test_the_function_behind_a_table_is_not_a_way_round() -> None:
    """It gives every column."""
    known = Catalogue(builtin={"pg_hba_file_rules": "v", "pg_show_all_file_settings": "v"})
    assert refused_sql("SELECT type FROM pg_hba_file_rules()", Risk.READONLY, known) == "pg_hba_file_rules()"
    found = refused_sql("SELECT setting FROM pg_show_all_file_settings()", Risk.READONLY, known)
    assert found == "pg_show_all_file_settings()"


SHOWN = [
    "SHOW ALL",
    "SHOW primary_conninfo",
    'SHOW "PRIMARY_CONNINFO"',
    "SELECT current_setting('primary_conninfo')",
    "SELECT pg_catalog.current_setting('Primary_Conninfo', true)",
    "SELECT current_setting('primary_' || 'conninfo')",
    "SELECT current_setting(a) FROM (VALUES ('primary_conninfo')) AS v(a)",
    "SELECT setting FROM pg_show_all_settings()",
    "SHOW app.jwt_secret",
    "SELECT current_setting('app.settings.jwt_secret')",
    "SHOW my.db_password",
]


@pytest.mark.parametrize("text", SHOWN)
def test_a_setting_that_may_hold_a_password_is_not_shown(text: str) -> None:
    """Until the catalogue says that it holds none; at mutating it is."""
    assert "may hold a password" in (refused_sql(text, Risk.READONLY, OWN) or "")
    known = Catalogue(builtin={**OWN.builtin, "pg_show_all_settings": "s"}, settings=frozenset())
    assert (refused_sql(text, Risk.READONLY, known) is None) is not any(word in text for word in ("secret", "my.db"))
    assert refused_sql(text, Risk.MUTATING, known) is None


def test_where_there_is_no_subscription_a_dump_reads_all_of_it() -> None:
    """`pg_dump` of a superuser asks for every column, and there is no row."""
    known = Catalogue(builtin=OWN.builtin, options=frozenset())
    assert refused_sql("SELECT s.oid, s.subconninfo FROM pg_subscription s", Risk.READONLY, known) is None
