"""The integrity rules of the data, each asked by one query: how many rows break it, and which.

The rules are those of production-interfaces.md, "Data model". The database's own constraints hold them as well;
a restore, a migration or an import may have gone around them. Only reads, in one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

__all__ = ["RULES", "Finding", "validate"]

CURRENCY = "JOD"  # production-interfaces.md: prices are in JOD
SAMPLES = 5  # ids that are shown of each broken rule
_REFERENCES = (  # child, column, parent
    ("services", "provider_id", "providers"),
    ("services", "category_id", "service_categories"),
    ("provider_availability", "provider_id", "providers"),
    ("bookings", "user_id", "users"),
    ("bookings", "provider_id", "providers"),
    ("bookings", "service_id", "services"),
    ("payments", "booking_id", "bookings"),
)


@dataclass(frozen=True)
class Rule:
    """What must hold. `broken` is a query that gives the id, as text, of each row that breaks it."""

    name: str
    table: str
    says: str
    broken: str


@dataclass(frozen=True)
class Finding:
    """How a rule stands: `count` rows break it, `samples` are ids of some. `error` when it could not be asked.

    `rows` says whether its table has any: a rule of an empty one holds, and says nothing.
    """

    rule: Rule
    count: int
    samples: tuple[str, ...] = ()
    error: str = ""
    rows: bool = True

    @property
    def holds(self) -> bool:
        """Whether it was asked, and nothing breaks it."""
        return self.count == 0 and not self.error


def _no_orphans(child: str, column: str, parent: str) -> Rule:
    return Rule(
        f"no-orphans-{child}-{column.removesuffix('_id')}".replace("_", "-"),
        child,
        f"every {child}.{column} is a row of {parent}",
        f"SELECT c.id::text AS id FROM {child} c WHERE NOT EXISTS (SELECT FROM {parent} p WHERE p.id = c.{column})",  # noqa: S608 - names above
    )


def _each(name: str, table: str, says: str, holds: str) -> Rule:
    """A rule about a row by itself. A row for which the condition is unknown breaks it too."""
    return Rule(name, table, says, f"SELECT id::text AS id FROM {table} WHERE ({holds}) IS NOT TRUE")  # noqa: S608


RULES: tuple[Rule, ...] = (
    *(_no_orphans(*reference) for reference in _REFERENCES),
    _each("end-after-start", "bookings", "end_time > start_time", "end_time > start_time"),
    _each(
        "price-adds-up",
        "bookings",
        "total_price = platform_fee + provider_earnings",
        "total_price = platform_fee + provider_earnings",
    ),
    Rule(
        "no-overlap",
        "bookings",
        "no two live bookings of a provider overlap",
        "SELECT b.id::text AS id FROM bookings b WHERE b.status IN ('pending', 'confirmed') AND EXISTS ("
        "SELECT FROM bookings o WHERE o.provider_id = b.provider_id AND o.date = b.date AND o.id <> b.id "
        "AND o.status IN ('pending', 'confirmed') AND o.start_time < b.end_time AND b.start_time < o.end_time)",
    ),
    *(
        _each(f"one-currency-{table}", table, f"every amount is in {CURRENCY}", f"currency = '{CURRENCY}'")
        for table in ("services", "bookings", "payments")
    ),
    _each("rating-in-range", "providers", "rating lies in 0..5", "rating BETWEEN 0 AND 5"),
)


def validate(connection: psycopg.Connection[Any], rules: tuple[Rule, ...] = RULES) -> Iterator[Finding]:
    """Asks every rule, in one read-only snapshot. `connection` is in autocommit, nothing was asked on it.

    A rule whose table or column is missing, or whose rows a policy hides, is a finding with an error; the others are
    asked all the same.
    Raises psycopg.OperationalError when the connection is lost.
    """
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        connection.execute("SET LOCAL row_security = off")  # an error where rows would be left out, not fewer rows
        for rule in rules:
            yield _ask(connection, rule)


def _ask(connection: psycopg.Connection[Any], rule: Rule) -> Finding:
    query = (
        f"WITH broken AS ({rule.broken}) SELECT (SELECT count(*) FROM broken), "  # noqa: S608 - the rules above
        f"ARRAY(SELECT id FROM broken ORDER BY id LIMIT {SAMPLES}), EXISTS (SELECT FROM {rule.table})"
    )
    try:
        with connection.transaction():
            row = connection.execute(query.encode()).fetchone()
    except psycopg.ProgrammingError as error:  # a table or a column is missing, or must not be read
        return Finding(rule, 0, error=error.diag.message_primary or type(error).__name__)
    count, samples, rows = row or (0, [], False)
    return Finding(rule, int(count), tuple(samples), rows=bool(rows))
