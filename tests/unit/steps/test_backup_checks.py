"""What a backup holds is compared with a database that goes on, in whatever schema its tables are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.faults.data_loss import catalogue_of
from runbook_steps.steps.backup_checks import refuse_uncounted, rows_of_the_backup_are_back

HELD = {"salon.bookings": {"rows": 1000}, "salon.categories": {"rows": 6}}


@pytest.mark.parametrize(
    "now",
    [
        {"salon.bookings": 1000, "salon.categories": 6},
        {"salon.bookings": 1040, "salon.categories": 5},
        {"salon.bookings": 980, "salon.categories": 9},
    ],
)
def test_customers_go_on_meanwhile(now: Mapping[str, int]) -> None:
    """A few rows more or less are theirs."""
    refuse_uncounted(HELD, now)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"salon.bookings": 1000, "salon.categories": 6, "crm.leads": 0}, "crm.leads is not in it"),
        ({"salon.bookings": 2000, "salon.categories": 6}, "salon.bookings has 1000 rows in it, and 2000 now"),
        ({"salon.categories": 6}, "salon.bookings has 1000 rows in it, and 0 now"),
    ],
)
def test_what_no_customer_makes_is_missing(now: Mapping[str, int], said: str) -> None:
    """A table that was left out, and one of which half was."""
    with pytest.raises(CheckFailed, match=said):
        refuse_uncounted(HELD, now)


def test_a_table_that_is_empty_in_it_is_not_full_by_now() -> None:
    """However few rows those are: a dump without data looks so."""
    with pytest.raises(CheckFailed, match="categories has 0 rows in it, and 6 now"):
        refuse_uncounted({"salon.categories": {"rows": 0}}, {"salon.categories": 6})


class Live:
    """A live target, its backups, and its database: as much of them as the check asks for."""

    facts = type("Facts", (), {"disposable": False})

    def manifests(self) -> list[dict[str, Any]]:
        """The only one."""
        return [{"key": "k", "created": "2026-11-30T02:00:00+00:00", "tables": HELD}]

    def location(self, _: object) -> str:
        """Where it is."""
        return "s3://bucket/k"


def test_a_backup_without_those_tables_is_named() -> None:
    """It is no backup of this database, or an old one: not a name that a step does not find."""
    found: Any = Live()
    with pytest.raises(CheckFailed, match=r"the backup holds salon\.bookings of bookings and payments"):
        rows_of_the_backup_are_back(found, None, {}, found, {"BACKUP_LOCATION": "s3://bucket/k"}, print)  # type: ignore[arg-type]


@pytest.mark.parametrize("lets_in", ["salon", "postgres"])
def test_the_databases_of_the_server_are_listed_from_one_that_lets_in(lets_in: str) -> None:
    """Poolers and rules know the application's own alone; while that one is replaced, there is the server's."""
    left = []

    class Connection:
        def __init__(self, dbname: str) -> None:
            self.dbname = dbname

        def __enter__(self) -> Connection:
            if self.dbname != lets_in:
                raise psycopg.OperationalError(f"no such database: {self.dbname}")
            return self

        def __exit__(self, *_: object) -> None:
            left.append(self.dbname)

    with catalogue_of(lambda dbname="salon": Connection(dbname)) as found:
        assert found.dbname == lets_in
    assert left == [lets_in]
