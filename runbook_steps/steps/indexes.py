"""Indexes: missing, unused, twice there; and those that a constraint needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from pytest_bdd import given, parsers, then

from runbook_steps.engine.model import Result
from runbook_steps.engine.run.situation import Situation
from runbook_steps.faults.index_clutter import DUPLICATE, UNUSED, IndexClutter, LocationIndexMissing
from runbook_steps.steps.sessions import eventually

Database = psycopg.Connection[Any]
CONSTRAINED = ("users_phone_key", "bookings_pkey", "bookings_no_overlap")
NEAREST = "SELECT id FROM providers ORDER BY location <-> point(35.9106, 31.9539) LIMIT 5"


@given("there are unused and duplicate indexes")
def some_indexes_clutter(situation: Situation, connect: Callable[..., Any], note: Callable[[str], None]) -> None:
    note(situation.arrange(IndexClutter(connect)).detail)


@given("the index of the providers' places is missing")
def location_index_missing(situation: Situation, connect: Callable[..., Any], note: Callable[[str], None]) -> None:
    note(situation.arrange(LocationIndexMissing(connect)).detail)


@then("the table that is scanned is at the top of the list")
def scanned_table_is_on_top(last_result: Result, database: Database) -> None:
    eventually(lambda: _seq_scans(database, "notifications") > 0, "the scans are counted")
    first = last_result.stdout.splitlines()[2]
    assert "notifications" in first


@then("the unused index is listed, and none that a constraint needs")
def unused_is_listed(last_result: Result, database: Database) -> None:
    row = database.execute("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s", [UNUSED]).fetchone()
    assert row == (0,)
    assert UNUSED in last_result.stdout
    assert [name for name in CONSTRAINED if name in last_result.stdout] == []


@then("both indexes of the pair are listed")
def pair_is_listed(last_result: Result, database: Database) -> None:
    rows = database.execute(
        "SELECT indkey::text FROM pg_index WHERE indexrelid IN (%s::regclass, 'idx_bookings_user'::regclass)",
        [DUPLICATE],
    ).fetchall()
    assert len(rows) == len(("one", "the same"))
    assert len(set(rows)) == 1
    named = last_result.stdout.replace("|", " ").replace(",", " ").split()
    assert {DUPLICATE, "idx_bookings_user"} <= set(named)


@then("the definitions of both are shown")
def definitions_are_shown(last_result: Result, database: Database) -> None:
    for name in (DUPLICATE, UNUSED):
        row = database.execute("SELECT pg_get_indexdef(%s::regclass)", [name]).fetchone()
        assert row is not None
        assert f"{row[0]};" in last_result.stdout


@then(parsers.parse("the index {name} is gone"))
def index_is_gone(database: Database, name: str) -> None:
    assert database.execute("SELECT to_regclass(%s)", [name]).fetchone() == (None,)


@then("bookings are still found by customer through an index")
def found_by_customer(database: Database) -> None:
    row = database.execute(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'bookings'::regclass AND indisvalid AND indkey[0] = "
        "(SELECT attnum FROM pg_attribute WHERE attrelid = 'bookings'::regclass AND attname = 'user_id')"
    ).fetchone()
    assert row == (1,)


@then("the nearest providers are found through that index")
def nearest_through_index(database: Database) -> None:
    with database.transaction():
        database.execute("SET LOCAL enable_seqscan = off")  # eighty providers fit on two pages: a scan would be right
        row = database.execute(f"EXPLAIN (FORMAT JSON) {NEAREST}".encode()).fetchone()
    assert row is not None
    assert "idx_providers_location" in str(row[0])
    valid = database.execute(
        "SELECT indisvalid, amname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
        "JOIN pg_am ON pg_am.oid = relam WHERE indexrelid = 'idx_providers_location'::regclass"
    ).fetchone()
    assert valid == (True, "gist")


@then("the unique phone of customers is still enforced")
def phone_is_unique(database: Database) -> None:
    row = database.execute(
        "SELECT indisunique AND indisvalid FROM pg_index WHERE indexrelid = 'users_phone_key'::regclass"
    )
    assert row.fetchone() == (True,)


def _seq_scans(database: Database, table: str) -> int:
    row = database.execute("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = %s", [table]).fetchone()
    return int(row[0]) if row else 0
