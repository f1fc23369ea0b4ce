"""`beautycort migrate` as a person starts it, on a database of its own in Debian's PostgreSQL 15."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.database_backup_support import MAIN
from tests.contract.debian_postgres import DebianPostgres

__all__ = ["Migrated"]


@dataclass
class Migrated:
    """A database of its own and a folder of files."""

    postgres: DebianPostgres
    name: str
    folder: Path

    def write(self, **files: str) -> None:
        """`_0001_a="…"` is the file `0001_a.sql`."""
        for name, text in files.items():
            (self.folder / f"{name.lstrip('_')}.sql").write_text(text)

    def start(self, *words: str, url: str = "") -> subprocess.Popen[str]:
        """`beautycort migrate …`, started."""
        environ = {"PATH": os.environ["PATH"], "DATABASE_URL": url or self.postgres.url(self.name),
                   "MIGRATIONS_DIR": str(self.folder)}  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, "migrate", *words], env=environ, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *words: str, url: str = "") -> subprocess.CompletedProcess[str]:
        """The same, to its end."""
        process = self.start(*words, url=url)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def good(self, *words: str) -> str:
        """What it prints, when it ends with 0."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Runs a statement from outside."""
        with self.postgres.connected(self.name) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def tables(self) -> list[str]:
        """What is there, without the record."""
        return [row[0] for row in self.sql(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' "
            "AND relname !~ '^schema_migrations' ORDER BY 1"
        )]  # fmt: skip

    def states(self) -> dict[str, str]:
        """Version → state, as `status` tells."""
        found = json.loads(self.run("status", "--format", "json").stdout)
        return {each["version"]: each["state"] for each in found["migrations"]}
