"""Schema migrations: plain SQL files, in order, and how each stands against what the database remembers.

A file is named `0007_add_rating.sql`; the digits are its version. golang-migrate's `….up.sql` and Prisma's folders
with a `migration.sql` are read too. A file whose first line is `-- migrate: no-transaction` holds statements that
PostgreSQL refuses in a transaction (CREATE INDEX CONCURRENTLY): each runs by itself, and when one fails, what was
left is recorded as `failed` and must be cleaned first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.operations.migration_sql import (
    Statement,
    refuse_transaction_control,
    statements,
    without_frame,
)

__all__ = ["Applied", "Migration", "Standing", "read_migrations", "refuse_inconsistent", "standings"]

NO_TRANSACTION = "-- migrate: no-transaction"
_NAME = re.compile(r"(?P<version>\d{1,18})_(?P<name>[A-Za-z0-9_-]+?)(?P<up>\.up)?\.sql")
_FOLDER = re.compile(r"(?P<version>\d{1,18})_(?P<name>[A-Za-z0-9_-]+)")
_DATE = re.compile(r"(?:19|20)\d{6}(?:\d{4}|\d{6})?")


@dataclass(frozen=True)
class Migration:
    """One file."""

    version: str
    name: str
    path: Path
    sql: str

    @property
    def label(self) -> str:
        """As messages name it."""
        return f"{self.version}_{self.name}"

    @property
    def checksum(self) -> str:
        """SHA-256 (hex) of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        """Whether it runs in one transaction: unless its first line says otherwise."""
        return not self.sql.lstrip("\ufeff \t\r\n").startswith(NO_TRANSACTION)

    def statements(self) -> tuple[Statement, ...]:
        """What it runs. Raises ConfigurationError or RefusedError, with file and line, for what it must not hold."""
        found = statements(self.sql, self.path)
        if self.in_transaction:
            found = without_frame(found)
            refuse_transaction_control(found, self.path)
        return found


@dataclass(frozen=True)
class Applied:
    """What the database remembers of one migration."""

    version: str
    name: str
    checksum: str
    state: str
    applied_at: str


@dataclass(frozen=True)
class Standing:
    """How a migration stands.

    `state` is `applied`, `pending`, `failed`, `changed` or `missing` (its file), or `late`: not applied,
    though a later one is.
    """

    version: str
    name: str
    state: str
    applied_at: str | None = None


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The files of a folder, in order. Raises ConfigurationError for a folder, a name or a text that is no good."""
    if not folder.is_dir():
        raise ConfigurationError(f"no folder {folder}; set MIGRATIONS_DIR to where the .sql files are")
    found: dict[int, Migration] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and (path / "migration.sql").is_file() and (shape := _FOLDER.fullmatch(path.name)):
            file = _migration(shape["version"], shape["name"], path / "migration.sql")
        elif path.suffix != ".sql" or (path.name.endswith(".down.sql") and _has_way_up(path)):
            continue
        elif shape := _NAME.fullmatch(path.name):
            file = _migration(shape["version"], shape["name"], path)
        else:
            raise ConfigurationError(f"{path}: name it like 0007_add_rating.sql")
        number = int(file.version)
        if number in found:
            raise ConfigurationError(f"{path}: version {file.version} is already {found[number].path.name}")
        found[number] = file
    if not found:
        raise ConfigurationError(f"{folder} holds no migration: does MIGRATIONS_DIR name the right folder?")
    order = _order([file.version for file in found.values()])
    return tuple(sorted(found.values(), key=lambda file: order(file.version, f"{file.label}.sql")))


def _migration(version: str, name: str, path: Path) -> Migration:
    try:
        return Migration(version, name, path, path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8") from error


def _has_way_up(path: Path) -> bool:
    return path.with_name(path.name.removesuffix(".down.sql") + ".up.sql").exists()


def _order(versions: Iterable[str]) -> Callable[[str, str], tuple[int, str]]:
    """By number; but dates of several lengths (8 and 14 digits) go by name, as the Supabase CLI takes them."""
    known = list(versions)
    dates = len({len(version) for version in known}) > 1 and any(_DATE.fullmatch(version) for version in known)

    def place(version: str, name: str) -> tuple[int, str]:
        return (0, name) if dates else (int(version), "")

    return place


def standings(files: Iterable[Migration], applied: Iterable[Applied]) -> tuple[Standing, ...]:
    """Files against memory, in the files' order. Pure."""
    remembered: Mapping[int, Applied] = {int(row.version): row for row in applied}
    by_version = {int(file.version): file for file in files}
    order = _order([*(file.version for file in by_version.values()), *(row.version for row in remembered.values())])
    labels = {number: (row.version, row.name) for number, row in remembered.items()}
    labels |= {number: (file.version, file.name) for number, file in by_version.items()}
    places = {number: order(version, f"{version}_{name}.sql") for number, (version, name) in labels.items()}
    newest = max((places[number] for number, row in remembered.items() if row.state == "applied"), default=(-1, ""))
    result = []
    for number in sorted(places, key=lambda each: places[each]):
        row, file = remembered.get(number), by_version.get(number)
        state = _state(file, row, late=places[number] < newest)
        version, name = labels[number]
        result.append(Standing(version, name, state, row.applied_at if row else None))
    return tuple(result)


def _state(file: Migration | None, row: Applied | None, *, late: bool) -> str:
    if row is None:
        return "late" if late else "pending"
    if row.state == "failed":
        return "failed"
    if file is None:
        return "missing"
    return "applied" if file.checksum == row.checksum else "changed"


def refuse_inconsistent(now: Iterable[Standing], *, retry_failed: bool) -> None:
    """Raises RefusedError when what is applied and what the files say cannot be brought together by going on."""
    for standing in now:
        label = f"{standing.version}_{standing.name}"
        if standing.state == "changed":
            raise RefusedError(f"{label} was changed after it was applied; restore the file, and write a new migration")
        if standing.state == "late":
            raise RefusedError(f"{label} is older than what is applied; give it a newer version")
        if standing.state == "failed" and not retry_failed:
            raise RefusedError(
                f"{label} failed outside a transaction and may have left something; clean it, "
                "then run `beautycort migrate up --retry-failed`"
            )
