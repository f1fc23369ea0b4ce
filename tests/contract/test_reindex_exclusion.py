"""What the page on REINDEX says of an exclusion constraint, asked of a PostgreSQL 15 that nobody here made."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.contract.debian_postgres import debian_postgres

PAGE = Path(__file__).parents[2] / "docs/maintenance/vacuum-and-reindex.md"
INDEX = "bookings_no_overlap"


def test_a_concurrent_rebuild_leaves_an_exclusion_constraint_out() -> None:
    """With a warning and success; by its own name it is rebuilt, and never concurrently."""
    with debian_postgres() as server, server.connected() as connection:
        told: list[str] = []
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        connection.execute(
            "CREATE TABLE bookings (id int PRIMARY KEY, during tsrange, "
            f"CONSTRAINT {INDEX} EXCLUDE USING gist (during WITH &&))"
        )

        def file_of(index: str) -> object:
            return connection.execute("SELECT pg_relation_filenode(%s::regclass)", [index]).fetchone()

        before = file_of(INDEX), file_of("bookings_pkey")
        connection.execute("REINDEX TABLE CONCURRENTLY bookings")
        assert file_of(INDEX) == before[0]
        assert file_of("bookings_pkey") != before[1]
        assert [text for text in told if INDEX in text and "skipping" in text]

        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute(f"REINDEX INDEX CONCURRENTLY {INDEX}")
        connection.execute(f"REINDEX INDEX {INDEX}")
        assert file_of(INDEX) != before[0]
    assert f"`REINDEX INDEX {INDEX}`" in PAGE.read_text("utf-8")
