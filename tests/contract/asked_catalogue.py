"""What the guard asks a database of itself, on both servers that are at hand; whoever asks is a superuser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from runbook_steps.engine.guards.services.sql_catalogue_query import CATALOGUE_SQL
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.debian_postgres import debian_postgres

__all__ = ["SERVERS", "asked", "server_of"]

SERVERS = ("15", "18")
"""Debian's, and the one of the embedded target."""


@contextmanager
def server_of(version: str) -> Iterator[str]:
    """The address of a superuser on a server of its own: what fails then is the guard's."""
    if version == "15":
        with debian_postgres() as server:
            yield server.url()
    else:
        with EmbeddedTarget.create(superuser_owner=True) as target:
            target.start({"postgres"})
            yield target.environment()["DATABASE_URL"]


def asked(url: str) -> str:
    """What the guard is told; fails where it had to wait."""
    with psycopg.connect(url, options="-c lock_timeout=2s -c search_path=pg_catalog") as session:
        (found,) = session.execute(CATALOGUE_SQL.encode()).fetchone()  # type: ignore[misc]
    return str(found)
