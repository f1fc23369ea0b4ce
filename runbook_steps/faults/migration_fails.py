"""A migration that fails half-way: real files, applied by the real command to the live database."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import FaultError, NotRunnableHere
from runbook_steps.engine.run.situation import Observation

__all__ = ["COMMITS", "CONCURRENT", "HALF_WAY", "ORDINARY", "MigratedByAnother", "MigrationFailed"]

FIRST = (
    "0001_add_booking_source.sql",
    "ALTER TABLE bookings ADD COLUMN source text NOT NULL DEFAULT 'app';\n",
)
HALF_WAY = (
    "0002_add_tip_and_note.sql",
    (
        "ALTER TABLE bookings ADD COLUMN tip numeric(8, 3) NOT NULL DEFAULT 0;\n"
        "ALTER TABLE bookings ADD COLUMN note text NOT NULL;\n"
    ),
)
CONCURRENT = (
    "0002_one_name_per_customer.sql",
    "-- migrate: no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY users_name_key ON users (name);\n",
)
COMMITS = (
    "0002_add_tip_and_note.sql",
    (
        "ALTER TABLE bookings ADD COLUMN tip numeric(8, 3) NOT NULL DEFAULT 0;\nCOMMIT;\n"
        "ALTER TABLE bookings ADD COLUMN note text NOT NULL;\n"
    ),
)
SECOND = ("0002_add_tip.sql", "ALTER TABLE bookings ADD COLUMN tip numeric(8, 3) NOT NULL DEFAULT 0;\n")
ORDINARY = (  # it needs a first line that says it runs outside a transaction
    "0002_index_names.sql",
    "CREATE INDEX CONCURRENTLY users_name ON users (name);\n",
)
SECONDS = 60

Connect = Callable[..., AbstractContextManager[Any]]


class MigrationFailed:
    """Two migrations: the first goes through, the second breaks after its first statement."""

    def __init__(self, connect: Connect, environment: Mapping[str, str], second: tuple[str, str] = HALF_WAY) -> None:
        """`environment` is what the command gets; `second` is name and text of the file that fails, or of none."""
        self._connect = connect
        self._environment = environment
        self._second = second
        said = environment.get("MIGRATIONS_DIR", "")  # of a live target; a drill writes its own files
        self.folder: Path | None = Path(said) if said else None
        self._own: Path | None = None
        self.said = ""

    @property
    def name(self) -> str:
        """What is broken."""
        return "a migration was not applied"

    def arrange(self) -> None:
        """Writes the files and runs `beautycort migrate up`. Raises FaultError when migrations are recorded already."""
        with self._connect() as live:
            if live.execute("SELECT to_regclass('schema_migrations')").fetchone()[0] is not None:
                raise FaultError("this database has recorded migrations: they are not this drill's to break")
        self.folder = self._own = Path(tempfile.mkdtemp(prefix="migrations-", dir=self._environment.get("TMPDIR")))
        for name, text in (FIRST, self._second):
            (self.folder / name).write_text(text, "utf-8")
        adopted = self._migrate("adopt", "--up-to", "0")  # the platform's schema is older than these files
        if adopted.returncode != 0:
            raise FaultError(f"the database could not be adopted: {adopted.stderr.strip()[:200]}")
        self.said = self._migrate("up").stderr

    def _migrate(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["beautycort", "migrate", *words],
            env={**self._environment, "MIGRATIONS_DIR": str(self.folder)},
            executable=shutil.which("beautycort", path=self._environment.get("PATH", os.defpath)),
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def observe(self) -> Observation:
        """Looks for a file that is not applied, or an applied one that is recorded as failed."""
        left = self.not_applied()
        return Observation(bool(left), f"not applied: {', '.join(left) or 'none'}; {self.said.strip()[:200]}")

    def not_applied(self) -> list[str]:
        """The names of the files that the database does not record as applied, in their order.

        Raises NotRunnableHere where no folder is named, or none with a file in it: nothing is then up to date.
        """
        if self.folder is None:
            raise NotRunnableHere("MIGRATIONS_DIR is not set: which files there should be is not known")
        files = sorted(self.folder.glob("*.sql"))
        if not files and self.folder != self._own:
            raise NotRunnableHere(f"{self.folder} holds no migration: does MIGRATIONS_DIR name the right folder?")
        with self._connect() as live:
            known = live.execute("SELECT to_regclass('schema_migrations')").fetchone()[0] is not None
            rows = live.execute("SELECT version, state FROM schema_migrations").fetchall() if known else []
        applied = {version for version, state in rows if state == "applied"}
        return [file.name for file in files if file.name.split("_")[0] not in applied]

    def clear(self) -> None:
        """Removes the files, what they made, and the record of them."""
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)
        with self._connect() as live:
            for column in ("source", "tip", "note"):
                live.execute(f"ALTER TABLE bookings DROP COLUMN IF EXISTS {column}".encode())
            live.execute("DROP INDEX IF EXISTS users_name_key")
            live.execute("DROP INDEX IF EXISTS users_name")
            live.execute("DROP TABLE IF EXISTS schema_migrations")


class MigratedByAnother:
    """Two files, and a record of the Supabase CLI that says the first one is applied."""

    name = "the database is migrated by the Supabase CLI"

    def __init__(self, connect: Connect, temporary: str | None) -> None:
        self._connect = connect
        self._temporary = temporary
        self.folder: Path | None = None

    def arrange(self) -> None:
        """Writes the files and the record. Raises FaultError when a record is there already: it is not the drill's."""
        with self._connect() as live:
            if live.execute("SELECT to_regclass('supabase_migrations.schema_migrations')").fetchone()[0] is not None:
                raise FaultError("this database has recorded migrations: they are not this drill's to break")
            live.execute(
                "CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations "
                "(version text PRIMARY KEY, statements text[], name text); "
                "INSERT INTO supabase_migrations.schema_migrations VALUES ('0001', NULL, 'add_booking_source')"
            )
        self.folder = Path(tempfile.mkdtemp(prefix="migrations-", dir=self._temporary))
        for name, text in (FIRST, SECOND):
            (self.folder / name).write_text(text, "utf-8")

    def observe(self) -> Observation:
        """Looks for that tool's record."""
        with self._connect() as live:
            found = live.execute("SELECT to_regclass('supabase_migrations.schema_migrations')").fetchone()[0]
        return Observation(
            found is not None, "supabase_migrations.schema_migrations is there" if found else "no record"
        )

    def clear(self) -> None:
        """Removes the files, what they made, and both records."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        with self._connect() as live:
            live.execute("DROP SCHEMA IF EXISTS supabase_migrations CASCADE")
            live.execute("ALTER TABLE bookings DROP COLUMN IF EXISTS tip")
            live.execute("DROP TABLE IF EXISTS schema_migrations")
