"""What an administrator prepares where only a superuser creates an extension: an empty database of the owner's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from psycopg import sql

from runbook_steps.engine.run.situation import Observation

__all__ = ["PREPARED", "DatabasePrepared"]

PREPARED = "beautycort_prepared"
_OF_A_SUPERUSER = """
SELECT extname FROM pg_extension e
JOIN pg_available_extension_versions v ON v.name = extname AND v.version = extversion
WHERE v.superuser AND NOT v.trusted ORDER BY extname
"""

Connect = Callable[..., AbstractContextManager[Any]]


class DatabasePrepared:
    """The database that PREPARED_DATABASE names: a restore fills it, and gives it the place of the live one."""

    def __init__(self, connect: Connect, administer: Connect, live: str) -> None:
        """`connect(dbname=…)` opens a connection of the owner, `administer(dbname=…)` one of the administrator."""
        self._connect = connect
        self._administer = administer
        self._live = live

    @property
    def name(self) -> str:
        """What is there."""
        return f"an empty database is prepared for a restore of {self._live}"

    def arrange(self) -> None:
        """Creates it as its owner; creates in it, as administrator, the extensions that the owner may not."""
        self.clear()
        with self._connect(dbname="postgres") as owner:
            owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(PREPARED)))
        with self._connect() as live:
            extensions = [str(name) for (name,) in live.execute(_OF_A_SUPERUSER).fetchall()]
        with self._administer(dbname=PREPARED) as admin:
            for extension in extensions:
                admin.execute(sql.SQL("CREATE EXTENSION {} CASCADE").format(sql.Identifier(extension)))

    def observe(self) -> Observation:
        """Looks for it."""
        with self._connect(dbname="postgres") as owner:
            there = owner.execute("SELECT 1 FROM pg_database WHERE datname = %s", [PREPARED]).fetchone() is not None
        return Observation(there, f"{PREPARED} is {'there' if there else 'not there'}")

    def clear(self) -> None:
        """Drops it, where no restore took it."""
        with self._connect(dbname="postgres") as owner:
            owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(PREPARED)))
