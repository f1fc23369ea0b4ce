"""Makes the database: `python -m runbook_steps.stand_in.reference_api.database --seed`, in DATABASE_URL."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from importlib import resources

import psycopg
from psycopg import sql

from runbook_steps.stand_in.reference_api.seed import Seed, make_seed

__all__ = ["create_schema", "fill", "main"]


def create_schema(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Creates extensions, tables and indexes in an empty database."""
    schema = resources.files("runbook_steps.stand_in.reference_api").joinpath("schema.sql").read_text("utf-8")
    connection.execute(schema.encode())


def fill(connection: psycopg.Connection[tuple[object, ...]], seed: Seed) -> None:
    """Copies every row of the seed in, and tells the planner about them."""
    for table, (columns, rows) in seed.tables.items():
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    connection.execute("ANALYZE")


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", action="store_true", help="fill it with plausible data")
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL")
    if not url:
        sys.stderr.write("error: DATABASE_URL is not set\n")
        return 2
    with psycopg.connect(url) as connection:
        create_schema(connection)
        if options.seed:
            fill(connection, make_seed(date.today()))  # noqa: DTZ011 - a calendar day, as bookings have it
    return 0


if __name__ == "__main__":
    sys.exit(main())
