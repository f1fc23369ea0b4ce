"""`beautycort validate data` against a real database in which each rule is really broken."""

# ruff: noqa: S608 - the statements are written here
from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from runbook_steps.operations.data_validation import RULES
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.reference_api.database import create_schema, fill
from runbook_steps.stand_in.reference_api.seed import make_seed
from tests.contract.conftest import Shell

SCRATCH = "beautycort_validate_scratch"
ONE = "SELECT id FROM bookings ORDER BY id LIMIT 1"
NOWHERE = "'00000000-0000-0000-0000-000000000000'"
BREAK = {  # rule → what breaks it, once its constraint is out of the way
    **{
        f"no-orphans-{table}-{parent}".replace("_", "-"): (
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_{parent}_id_fkey; "
            f"UPDATE {table} SET {parent}_id = {NOWHERE} WHERE id = (SELECT id FROM {table} ORDER BY id LIMIT 1)"
        )
        for table, parent in (
            ("services", "provider"), ("services", "category"), ("provider_availability", "provider"),
            ("bookings", "user"), ("bookings", "provider"), ("bookings", "service"), ("payments", "booking"),
        )
    },
    "end-after-start": (
        "ALTER TABLE bookings DROP CONSTRAINT bookings_end_after_start, DROP CONSTRAINT bookings_no_overlap; "
        f"UPDATE bookings SET end_time = start_time WHERE id = ({ONE})"
    ),
    "price-adds-up": (
        "ALTER TABLE bookings DROP CONSTRAINT bookings_price_adds_up; "
        f"UPDATE bookings SET platform_fee = platform_fee + 0.001 WHERE id = ({ONE})"
    ),
    "no-overlap": (
        "ALTER TABLE bookings DROP CONSTRAINT bookings_no_overlap; "
        "CREATE TEMP TABLE copy AS SELECT * FROM bookings WHERE status = 'confirmed' ORDER BY id LIMIT 1; "
        "UPDATE copy SET id = gen_random_uuid(); INSERT INTO bookings SELECT * FROM copy"
    ),
    "rating-in-range": (
        "ALTER TABLE providers DROP CONSTRAINT providers_rating_check; "
        "UPDATE providers SET rating = 5.1 WHERE id = (SELECT id FROM providers ORDER BY id LIMIT 1)"
    ),
    **{
        f"one-currency-{table}": (
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_currency_check; "
            f"UPDATE {table} SET currency = 'USD' WHERE id = (SELECT id FROM {table} ORDER BY id LIMIT 1)"
        )
        for table in ("services", "bookings", "payments")
    },
}  # fmt: skip
ROWS = {"no-overlap": 2}  # both bookings are told


@pytest.fixture
def scratch(embedded: EmbeddedTarget) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A database like the live one, with one payment in it, and its address."""
    embedded.start({"postgres"})
    live = embedded.environment()["DATABASE_URL"]
    admin_url, address = live.rpartition("/")[0] + "/postgres", live.rpartition("/")[0] + f"/{SCRATCH}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {SCRATCH}")  # not a copy of the live one: that has sessions
        with psycopg.connect(address) as empty:
            create_schema(empty)
            fill(empty, make_seed(date(2026, 3, 1)))
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                f"INSERT INTO payments (booking_id, charge_id, amount, currency, status) "
                f"SELECT id, 'chg_1', 1, 'JOD', 'CAPTURED' FROM ({ONE}) AS b"
            )
            yield connection, address
        admin.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")


def test_every_rule_is_tried_below() -> None:
    """A rule without a planted violation proves nothing."""
    assert sorted(BREAK) == sorted(rule.name for rule in RULES)


def test_each_broken_rule_is_told_with_its_count_and_ids(
    scratch: tuple[psycopg.Connection[Any], str], shell: Shell
) -> None:
    """The data is valid; then each rule is broken alone, told alone, and put back."""
    connection, address = scratch
    assert (shell("beautycort validate data", DATABASE_URL=address).returncode) == 0
    told = {}
    for name, statements in BREAK.items():
        connection.execute("BEGIN")
        connection.execute(statements.encode())
        told[name] = _broken(connection)
        connection.execute("ROLLBACK")
    assert told == {name: {name: (ROWS.get(name, 1), ROWS.get(name, 1))} for name in BREAK}


def _broken(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
    """Rule → rows and ids, of the broken ones, as the rules' own queries tell inside this transaction."""
    found = {}
    for rule in RULES:
        ids = connection.execute(rule.broken.encode()).fetchall()
        if ids:
            found[rule.name] = (len(ids), len(set(ids)))
    return found


def test_the_report_names_count_and_samples(scratch: tuple[psycopg.Connection[Any], str], shell: Shell) -> None:
    """The JSON form, with exit code 1; at most five ids are shown."""
    connection, address = scratch
    connection.execute("ALTER TABLE providers DROP CONSTRAINT providers_rating_check")
    connection.execute("UPDATE providers SET rating = 9 WHERE id IN (SELECT id FROM providers ORDER BY id LIMIT 7)")
    ids = connection.execute("SELECT id::text FROM providers ORDER BY id::text LIMIT 7").fetchall()
    answer = shell("beautycort validate data --format json", DATABASE_URL=address)
    report = json.loads(answer.stdout)
    (broken,) = [rule for rule in report["rules"] if rule["status"] == "broken"]
    assert (answer.returncode, report["status"], broken["name"], broken["count"]) == (
        1,
        "broken",
        "rating-in-range",
        7,
    )
    assert broken["samples"] == [i for (i,) in ids][:5]
    assert report["summary"] == {"total": len(RULES), "valid": len(RULES) - 1, "broken": 1}


def test_a_missing_table_is_told_and_the_other_rules_are_asked(
    scratch: tuple[psycopg.Connection[Any], str], shell: Shell
) -> None:
    """A table that is gone breaks the rules about it, and hides no other."""
    connection, address = scratch
    connection.execute("DROP TABLE payments")
    report = json.loads(shell("beautycort validate data --format json", DATABASE_URL=address).stdout)
    errors = {rule["name"]: rule["error"] for rule in report["rules"] if "error" in rule}
    assert errors == {
        "no-orphans-payments-booking": 'relation "payments" does not exist',
        "one-currency-payments": 'relation "payments" does not exist',
    }
    assert report["summary"]["total"] == len(RULES)


def test_a_database_that_does_not_answer_ends_with_4(embedded: EmbeddedTarget, shell: Shell) -> None:
    """And the message holds no address and no password."""
    embedded.start({"postgres"})
    answer = shell("beautycort validate data", DATABASE_URL="postgres://someone:hidden@127.0.0.1:1/none")
    assert (answer.returncode, "hidden" in answer.stderr, answer.stdout) == (4, False, "")
