"""What a database remembers of its migrations: in a table of ours, or in the one of another tool."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import RefusedError
from runbook_steps.operations.migrations import Applied, Migration

__all__ = [
    "Record",
    "adopt",
    "create_record",
    "find_record",
    "other_tools",
    "read_applied",
    "refuse_unknown_history",
    "remember",
]

Connection = psycopg.Connection[Any]

TABLE = "schema_migrations"
SECOND_TABLE = "schema_migrations_applied"  # where another tool has taken the first name
_COLUMNS = {"version", "name", "checksum", "state", "applied_at", "duration_ms"}

# tool, table, columns that tell it from others of that name, its versions as text (none: not to be read as files)
_TOOLS: tuple[tuple[str, str, frozenset[str], LiteralString], ...] = (
    ("the Supabase CLI", "schema_migrations", frozenset({"version", "statements"}), "version::text"),
    ("golang-migrate", "schema_migrations", frozenset({"version", "dirty"}), ""),
    ("Ecto", "schema_migrations", frozenset({"version", "inserted_at"}), "version::text"),
    ("Rails, dbmate or another tool", "schema_migrations", frozenset({"version"}), "version::text"),
    ("a tool that is not known", "schema_migrations", frozenset(), ""),
    ("Prisma", "_prisma_migrations", frozenset({"migration_name"}),
     "CASE WHEN finished_at IS NOT NULL AND rolled_back_at IS NULL THEN split_part(migration_name, '_', 1) END"),
    ("Flyway", "flyway_schema_history", frozenset({"installed_rank"}),
     "CASE WHEN success AND version ~ '^[0-9]+$' THEN version END"),
    ("Liquibase", "databasechangelog", frozenset(), ""),
    ("Django", "django_migrations", frozenset({"app", "applied"}), ""),
    ("Alembic", "alembic_version", frozenset({"version_num"}), ""),
    ("Knex", "knex_migrations", frozenset(), ""),
    ("node-pg-migrate", "pgmigrations", frozenset({"run_on"}), ""),
    ("Sequelize", "SequelizeMeta", frozenset({"name"}), ""),
    ("Drizzle", "__drizzle_migrations", frozenset(), ""),
    ("goose", "goose_db_version", frozenset({"version_id"}), ""),
    ("sqlx", "_sqlx_migrations", frozenset({"version"}), "CASE WHEN success THEN version::text END"),
    ("Diesel", "__diesel_schema_migrations", frozenset({"version"}), "version::text"),
    ("Entity Framework", "__EFMigrationsHistory", frozenset(), ""),
    ("yoyo", "_yoyo_migration", frozenset(), ""),
    ("Atlas", "atlas_schema_revisions", frozenset(), ""),
    ("Refinery", "refinery_schema_history", frozenset({"version"}), "version::text"),
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """Our table, by schema and name: found once, so that a `search_path` which a file sets changes nothing."""

    schema: str
    table: str

    @property
    def sql(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.schema, self.table)


@dataclass(frozen=True)
class OtherTool:
    """Another tool's table: whose, where, the versions that it says are applied (None: not to be read as files)."""

    tool: str
    schema: str
    table: str
    versions: tuple[str, ...] | None

    def __str__(self) -> str:
        """As messages name it."""
        known = "" if self.versions is None else f", {len(self.versions)} applied"
        last = f", the last is {self.versions[-1]}" if self.versions else ""
        return f"{self.tool} ({self.schema}.{self.table}{known}{last})"


def _columns(connection: Connection, table: str) -> dict[str, set[str]]:
    """The columns of every table of that name, by schema."""
    rows = connection.execute(
        "SELECT n.nspname::text, a.attname::text FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relname = %s AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped",
        [table],
    ).fetchall()
    found: dict[str, set[str]] = {}
    for schema, column in rows:
        found.setdefault(schema, set()).add(column)
    return found


def find_record(connection: Connection) -> Record | None:
    """Our table, in a schema of the search path first. Only reads."""
    row = connection.execute("SELECT pg_catalog.current_schemas(false)::text[]").fetchone()
    path = list(row[0]) if row else []
    for table in (TABLE, SECOND_TABLE):
        ours = [schema for schema, columns in _columns(connection, table).items() if columns >= _COLUMNS]
        for schema in sorted(ours, key=lambda s: (path.index(s) if s in path else len(path), s)):
            return Record(schema, table)
    return None


def other_tools(connection: Connection) -> tuple[OtherTool, ...]:
    """The tables of other tools. Only reads."""
    found: list[OtherTool] = []
    for tool, table, telling, versions in _TOOLS:
        for schema, columns in _columns(connection, table).items():
            known = any((each.schema, each.table) == (schema, table) for each in found)
            if known or columns >= _COLUMNS or not columns >= telling:
                continue
            found.append(OtherTool(tool, schema, table, _versions(connection, schema, table, tool, versions)))
    return tuple(found)


def _versions(
    connection: Connection, schema: str, table: str, tool: str, versions: LiteralString
) -> tuple[str, ...] | None:
    if tool == "golang-migrate":  # one row: the last that is applied, and whether it failed half-way
        rows = connection.execute(sql.SQL("SELECT version::text, dirty FROM {}").format(sql.Identifier(schema, table)))
        return tuple(version for version, dirty in rows.fetchall() if not dirty)
    if not versions:
        return None
    rows = connection.execute(
        sql.SQL("SELECT DISTINCT v FROM (SELECT {} AS v FROM {}) t WHERE v ~ '^[0-9]+$'").format(
            sql.SQL(versions), sql.Identifier(schema, table)
        )
    )
    return tuple(sorted((str(version) for (version,) in rows.fetchall()), key=int))


def refuse_unknown_history(connection: Connection, record: Record | None) -> None:
    """Raises RefusedError when the database was made by something that is not recorded here. Only reads."""
    if record is not None:
        return
    if others := other_tools(connection):
        raise RefusedError(
            f"this database is migrated by {', '.join(map(str, others))}: which of the files it has is not known here. "
            "Use that tool; or, to go over to this one, `beautycort migrate adopt --from-other-tool` or "
            "`--up-to VERSION` (what is recorded there is only read); nothing was run"
        )
    row = connection.execute(
        "SELECT count(*), min(c.relname::text) FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
        "AND n.nspname !~ '^pg_' AND (n.nspname = 'public' OR pg_catalog.pg_has_role(n.nspowner, 'USAGE')) "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass "
        "AND d.objid = c.oid AND d.deptype = 'e')"
    ).fetchone()
    if row and row[0]:
        raise RefusedError(
            f"this database has {row[0]} tables and views (like {row[1]}) and no record of migrations: which of the "
            "files made them is not known. `beautycort migrate adopt --up-to VERSION` records the files up to that one "
            "as applied without running them, `--up-to 0` none of them; nothing was run"
        )


def create_record(connection: Connection) -> Record:
    """Our table, made where a new table would go. Raises RefusedError when no schema can take it."""
    row = connection.execute("SELECT current_schema()::text").fetchone()
    schema = str(row[0]) if row and row[0] else ""
    if not schema:
        raise RefusedError("no schema of the search_path is there to keep the record of migrations in: create it first")
    taken = _columns(connection, TABLE).get(schema)
    record = Record(schema, SECOND_TABLE if taken and not taken >= _COLUMNS else TABLE)
    connection.execute(
        sql.SQL(
            "CREATE TABLE IF NOT EXISTS {} (version text PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
            "state text NOT NULL CHECK (state IN ('applied', 'failed')), "
            "applied_at timestamptz NOT NULL DEFAULT now(), duration_ms integer NOT NULL)"
        ).format(record.sql)
    )
    return record


def read_applied(connection: Connection, record: Record | None) -> tuple[Applied, ...]:
    """What the database remembers; nothing when it was never migrated. Only reads."""
    if record is None:
        return ()
    rows = connection.execute(
        sql.SQL("SELECT version, name, checksum, state, applied_at::text FROM {} ORDER BY version::numeric").format(
            record.sql
        )
    ).fetchall()
    return tuple(Applied(*row) for row in rows)


def remember(connection: Connection, record: Record, file: Migration, state: str, duration_ms: int) -> None:
    """Writes how a file went."""
    connection.execute(
        sql.SQL(
            "INSERT INTO {} AS r (version, name, checksum, state, duration_ms) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (version) DO UPDATE SET checksum = EXCLUDED.checksum, state = EXCLUDED.state, "
            "applied_at = pg_catalog.now(), duration_ms = EXCLUDED.duration_ms"
        ).format(record.sql),
        [file.version, file.name, file.checksum, state, duration_ms],
    )


def adopt(
    connection: Connection, files: Sequence[Migration], versions: Iterable[int] | None, up_to: int
) -> list[Migration]:
    """Records files as applied without running one: those of `versions`, or all up to a number. Gives them.

    One transaction. Raises RefusedError when there is a record already, or a version has no file.
    """
    if find_record(connection) is not None:
        raise RefusedError("this database has a record of migrations already: `beautycort migrate status` shows it")
    wanted = set(versions) if versions is not None else {int(f.version) for f in files if int(f.version) <= up_to}
    lost = wanted - {int(file.version) for file in files}
    if versions is None and up_to and up_to not in wanted:
        lost = {up_to}
    if lost:
        raise RefusedError(
            f"no file for version {', '.join(map(str, sorted(lost)))}: is MIGRATIONS_DIR the folder that made this "
            "database? Nothing was recorded"
        )
    chosen = [file for file in files if int(file.version) in wanted]
    with connection.transaction():
        record = create_record(connection)
        for file in chosen:
            remember(connection, record, file, "applied", 0)
    return chosen
