"""Migrations: how they stand, what a failed one left, and that the data is whole afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.faults.broken_rules import PricesDoNotAddUp
from runbook_steps.faults.migration_fails import (
    COMMITS,
    CONCURRENT,
    HALF_WAY,
    ORDINARY,
    MigratedByAnother,
    MigrationFailed,
)
from runbook_steps.faults.pipeline import git

Database = psycopg.Connection[Any]


Fail = Callable[[tuple[str, str]], None]


@pytest.fixture
def migration_fails(
    situation: Situation,
    connect: Callable[..., Any],
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    note: Callable[[str], None],
) -> Fail:
    """Applies two migrations, the second of which is the one given, and tells the procedure where they are."""

    def arrange(second: tuple[str, str]) -> None:
        fault = MigrationFailed(connect, environment(), second)
        note(situation.arrange(fault).detail)
        variables["MIGRATIONS_DIR"], variables["FAILED_FILE"] = str(fault.folder), fault.not_applied()[0]

    return arrange


@pytest.fixture
def corrected_file(target: Target, workspace: Path, variables: dict[str, str]) -> Callable[[str], None]:
    """Writes the file that is right; on a live target somebody does who knows what it should do."""

    def write(text: str) -> None:
        if target.facts.disposable:
            variables["CORRECTED_FILE"] = str(corrected := workspace / "corrected.sql")
            corrected.write_text(text, "utf-8")

    return write


@given("a migration has failed half-way")
def migration_failed(migration_fails: Fail, corrected_file: Callable[[str], None]) -> None:
    migration_fails(HALF_WAY)
    corrected_file(HALF_WAY[1].replace("text NOT NULL", "text NOT NULL DEFAULT ''"))


@given("a migration that builds an index concurrently has failed")
def concurrent_migration_failed(
    migration_fails: Fail, corrected_file: Callable[[str], None], variables: dict[str, str]
) -> None:
    migration_fails(CONCURRENT)
    variables.setdefault("LEFT_INDEX", "users_name_key")
    corrected_file("-- migrate: no-transaction\nCREATE INDEX CONCURRENTLY users_name ON users (name);\n")


@given("a migration that builds an index concurrently was written as an ordinary one")
def ordinary_migration_failed(migration_fails: Fail) -> None:
    migration_fails(ORDINARY)


@given("a migration that commits in its middle was written")
def committing_migration_written(
    migration_fails: Fail, corrected_file: Callable[[str], None], target: Target, variables: dict[str, str]
) -> None:
    migration_fails(COMMITS)
    if target.facts.disposable:  # it is refused before the first file runs: both are not applied, and it names this one
        variables["FAILED_FILE"] = COMMITS[0]
    corrected_file(HALF_WAY[1].replace("text NOT NULL", "text NOT NULL DEFAULT ''"))


@given("the Supabase CLI has recorded the first of two migrations")
def migrated_by_another(
    situation: Situation,
    connect: Callable[..., Any],
    environment: Callable[[], Mapping[str, str]],
    variables: dict[str, str],
    note: Callable[[str], None],
) -> None:
    fault = MigratedByAnother(connect, environment().get("TMPDIR"))
    note(situation.arrange(fault).detail)
    variables["MIGRATIONS_DIR"] = str(fault.folder)


@given("somebody edited the file of a migration that was applied")
def applied_file_was_edited(target: Target, variables: dict[str, str]) -> None:
    if not target.facts.disposable:
        raise NotRunnableHere("files of real migrations are not edited for a drill")
    folder = Path(variables["MIGRATIONS_DIR"])
    variables["EDITED_FILE"] = next(folder.glob("0001_*.sql")).name
    where = ("-C", str(folder))
    git(*where, "init", "--quiet")
    git(*where, "add", "--all")
    git(*where, "commit", "--quiet", "--message", "Two migrations")
    with (folder / variables["EDITED_FILE"]).open("a", encoding="utf-8") as file:
        file.write("-- a comment is enough\n")


@given("the price of some bookings does not add up")
def prices_do_not_add_up(situation: Situation, connect: Callable[..., Any], note: Callable[[str], None]) -> None:
    note(situation.arrange(PricesDoNotAddUp(connect)).detail)


@then(parsers.parse("migration {version:d} stands as {state}"))
def migration_stands(last_result: Result, version: int, state: str) -> None:
    states = {int(m["version"]): m["state"] for m in answer_of(last_result)["migrations"]}
    assert state == states[version]


@then("the migration that failed stands as pending, and those before it as applied")
def failed_is_pending(last_result: Result, variables: dict[str, str]) -> None:
    failed = int(variables["FAILED_FILE"].split("_")[0])
    states = {int(m["version"]): m["state"] for m in answer_of(last_result)["migrations"]}
    assert states.pop(failed) == "pending"
    assert {version: state for version, state in states.items() if version < failed and state != "applied"} == {}


@then("the reason names the file that failed, and what is wrong with it")
def reason_names_the_file(last_result: Result, variables: dict[str, str], target: Target) -> None:
    assert Path(variables["FAILED_FILE"]).stem in last_result.stderr
    assert "SQLSTATE" in last_result.stderr or re.search(r"\[[0-9A-Z]{5}\]", last_result.stderr)
    if target.facts.disposable:
        assert 'column "note" of relation "bookings" contains null values' in last_result.stderr


@then("every file is recorded as applied, with its checksum")
def every_file_is_applied(database: Database, variables: dict[str, str], note: Callable[[str], None]) -> None:
    files = {path.name.split("_")[0] for path in Path(variables["MIGRATIONS_DIR"]).glob("*.sql")}
    rows = database.execute(
        "SELECT version FROM schema_migrations WHERE state = 'applied' AND length(checksum) = 64"
    ).fetchall()
    note(f"{len(files)} files")
    assert files
    assert files - {version for (version,) in rows} == set()


@then("what the corrected file makes is there")
def corrected_is_there(database: Database, target: Target, cannot_be_seen: Callable[[str], None]) -> None:
    if not target.facts.disposable:
        cannot_be_seen("what it makes is known to who wrote it")
        return
    assert columns(database, "tip", "note") == ["note", "tip"]


@then("nothing of the failed migration is in the database")
def nothing_is_left(database: Database, target: Target, cannot_be_seen: Callable[[str], None]) -> None:
    if not target.facts.disposable:
        cannot_be_seen("what it would have made is known from its file alone; its transaction was rolled back")
        return
    assert columns(database, "tip", "note") == []


@then(parsers.parse("reads and writes of {table} wait while it runs"))
def reads_and_writes_wait(last_result: Result, table: str) -> None:
    found = [lock for row in answer_of(last_result)["statements"] for lock in row["locks"] if lock["table"] == table]
    assert {(lock["mode"], lock["waits"]) for lock in found} == {("ACCESS EXCLUSIVE", "reads and writes wait")}
    assert all(lock["bytes"] > 0 for lock in found)


@then("only the second migration was run")
def only_the_second_was_run(database: Database) -> None:
    assert columns(database, "source", "tip") == ["tip"]


@then("both of its columns are there")
def columns_are_there(database: Database) -> None:
    assert columns(database, "tip", "note") == ["note", "tip"]


@then(parsers.parse("the database records {count:d} applied migrations"))
def remembers(database: Database, count: int) -> None:
    rows = database.execute("SELECT count(*) FROM schema_migrations WHERE state = 'applied'").fetchone()
    assert rows == (count,)


@then("every integrity rule holds")
def every_rule_holds(last_result: Result, database: Database) -> None:
    report = answer_of(last_result)
    assert [rule["name"] for rule in report["rules"] if rule["status"] != "valid"] == []
    assert report["status"] == "valid"
    row = database.execute(
        "SELECT count(*) FROM bookings WHERE total_price <> platform_fee + provider_earnings OR end_time <= start_time"
    ).fetchone()
    assert row == (0,)


@then(parsers.parse("the rule {name} is broken, with the ids of bookings that break it"))
def rule_is_broken(last_result: Result, database: Database, name: str) -> None:
    (broken,) = [rule for rule in answer_of(last_result)["rules"] if rule["status"] != "valid"]
    rows = database.execute(
        "SELECT id::text FROM bookings WHERE total_price <> platform_fee + provider_earnings ORDER BY 1"
    ).fetchall()
    assert broken["name"] == name
    assert broken["count"] == len(rows)
    assert broken["samples"] == [i for (i,) in rows][:5]


@then(parsers.parse("the index {name} was left, invalid"))
def index_was_left(database: Database, name: str) -> None:
    assert index_state(database, name) is False


@then(parsers.parse("the index {name} is there, valid"))
def index_is_there(database: Database, name: str) -> None:
    assert index_state(database, name) is True


@then("the applied migration was not run again")
def not_run_again(database: Database) -> None:
    rows = database.execute("SELECT state FROM schema_migrations WHERE version = '0001'").fetchall()
    assert rows == [("applied",)]


def columns(database: Database, *names: str) -> list[str]:
    """Which of these columns the bookings have, in alphabetical order."""
    rows = database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'bookings'::regclass AND attname = ANY(%s) "
        "AND NOT attisdropped ORDER BY 1",
        [list(names)],
    ).fetchall()
    return [str(name) for (name,) in rows]


def index_state(database: Database, name: str) -> bool | None:
    """Whether the index is valid; None when there is none."""
    row = database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [name]).fetchone()
    return None if row is None else bool(row[0])
