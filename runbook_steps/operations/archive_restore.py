"""An archive into an empty database, in the order that pg_restore itself keeps, with what it cannot do by itself.

1. Definitions. 2. Rows, while checks that may judge an old row otherwise than on its first day are put aside
(`CHECK (booking_date >= CURRENT_DATE)`), and given back after: valid when all rows pass, else *not valid*, as
PostgreSQL has it for old rows. 3. Indexes, constraints; then triggers, those of partitions last. 4. Foreign keys,
*not valid* where a row has lost its partner. 5. Privileges; materialized views, empty where the query fails today; at
last event triggers, which may refuse everything else.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import psycopg

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.archive_by_role import FILLED, AsConnected, ByRole, Hands
from runbook_steps.operations.archive_views import computed
from runbook_steps.operations.database_properties import own_setting
from runbook_steps.operations.database_session import Connection, query, query_nothing, session
from runbook_steps.operations.postgres_connection import Database, maintenance
from runbook_steps.operations.postgres_programs import Programs, archived_sql, kind_of, run_restore, table_of_contents
from runbook_steps.operations.restoring_role import Loader

__all__ = ["Archive", "chosen_entries", "list_of", "restore_archive"]

MOST_JOBS = 8
_NEVER = ("SUBSCRIPTION ", "DATABASE ", "DATABASE PROPERTIES ")
_AT_THE_END = ("COMMENT ", "SECURITY LABEL ", "ACL ", "DEFAULT ACL ", FILLED)
_LAST = ("EVENT TRIGGER ", "COMMENT - EVENT TRIGGER ", "SECURITY LABEL - EVENT TRIGGER ")
_SCHEMA, _ALLOWED = "SCHEMA ", "ACL - SCHEMA "
_LARGE_OBJECT = re.compile(r"BLOB|(?:ACL|COMMENT|SECURITY LABEL) - LARGE OBJECT")
_FOREIGN_KEY = "FK CONSTRAINT "
_TRIGGER = "TRIGGER "
# every function in a check, by the numbers in its stored tree; one that is not immutable may judge otherwise tomorrow
_CHECKS = """
SELECT CASE WHEN c.conrelid <> 0 THEN 'TABLE ' || c.conrelid::pg_catalog.regclass::text
            ELSE 'DOMAIN ' || c.contypid::pg_catalog.regtype::text END,
       pg_catalog.quote_ident(c.conname), pg_catalog.pg_get_constraintdef(c.oid)
FROM pg_catalog.pg_constraint c
WHERE c.contype = 'c' AND c.convalidated AND c.oid >= 16384 AND c.conparentid = 0
  AND NOT EXISTS (  -- what an extension made is its own, and may belong to somebody else
    SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e' AND (
      (d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.conrelid)
      OR (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = c.contypid)))
  AND (c.conrelid = 0 OR c.conislocal)
  AND (c.conbin::text ~ '\\{SQLVALUEFUNCTION|\\{COERCEVIAIO' OR EXISTS (
    SELECT FROM pg_catalog.regexp_matches(c.conbin::text, ':(?:funcid|opfuncid) (\\d+)', 'g') AS found(oid)
    JOIN pg_catalog.pg_proc p ON p.oid = found.oid[1]::pg_catalog.oid
    WHERE p.provolatile <> 'i' OR (p.oid >= 16384 AND p.prolang NOT IN (12, 13))))
ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Archive:
    """A dump in custom format, in a file, and the programs that read it."""

    file: Path
    programs: Programs
    left_out: tuple[str, ...] = ()
    """Beginnings of entries that are not restored: `EXTENSION - postgis `."""
    roles: tuple[str, ...] = ()
    """Those whose privileges alone can be given, as for who is no superuser; empty: all."""
    path: str = ""
    """The search path that it is restored with, as SQL has it; empty: none."""
    loader: Loader | None = None
    """The role that runs what the archive contains; None: the one that is connected."""

    def text(self, database: Database, entries: Sequence[str]) -> str:
        """What pg_restore would run for entries."""
        with list_of(entries) as file:
            return archived_sql(database, self.file, self.programs, ("--use-list", file))

    def runner(self, database: Database) -> Database:
        """How a session is opened in which what somebody else defined may run."""
        return self.loader.database if self.loader else database


@dataclass(frozen=True)
class _Check:
    where: str
    name: str
    text: str


def restore_archive(
    database: Database, name: str, archive: Archive, tell: Callable[[str], None], *, rows: bool = True,
    invalid: Sequence[str] = (),
) -> list[str]:  # fmt: skip
    """Fills the empty database `name`; gives what is not valid now and was valid before, `constraint of table`.

    And `materialized view name: why` of one that is empty now. Without `rows`, what is known to be `invalid` is left
    so. Raises OperationError with PostgreSQL's own words.
    """
    path = own_setting(database, name, "search_path", archive.path) if archive.path else nullcontext()
    with path:
        return _restored(database, name, archive, tell, rows=rows, invalid=invalid)


def _restored(
    database: Database, name: str, archive: Archive, tell: Callable[[str], None], *, rows: bool, invalid: Sequence[str]
) -> list[str]:
    entries = _entries(database, archive, rows=rows)
    last = [entry for entry in entries if kind_of(entry).startswith(_LAST)]
    entries = [entry for entry in entries if not kind_of(entry).startswith(_LAST)]
    early = [entry for entry in entries if not kind_of(entry).startswith((*_AT_THE_END, _FOREIGN_KEY, _TRIGGER))]
    triggers = [entry for entry in entries if kind_of(entry).startswith(_TRIGGER)]
    keys = [entry for entry in entries if kind_of(entry).startswith(_FOREIGN_KEY)]
    late = [entry for entry in entries if kind_of(entry).startswith(_AT_THE_END)]
    several = ("--jobs", str(min(os.cpu_count() or 1, MOST_JOBS)))
    runner = archive.runner(database)

    def run(chosen: Sequence[str], *more: str) -> None:
        if chosen:
            owners = ("--no-owner", "--no-privileges") if archive.loader else ()
            with list_of(chosen) as file:
                run_restore(runner, name, archive.file, archive.programs, ("--use-list", file, *owners, *more))

    if archive.roles:  # what is given to another owner must find that one allowed to create in its schema
        run([entry for entry in early if kind_of(entry).startswith(_SCHEMA)])
        run([entry for entry in late if kind_of(entry).startswith(_ALLOWED)])
        early = [entry for entry in early if not kind_of(entry).startswith(_SCHEMA)]
        late = [entry for entry in late if not kind_of(entry).startswith(_ALLOWED)]
    hands = _hands(database, name, archive, {"all": entries, "late": late, "last": last}, run)
    hands.definitions(early)
    with session(runner, name) as connection:
        aside = _put_aside(connection)
    if rows:
        tell("restoring the rows")
        run(early, "--section=data", *several)
    with session(runner, name) as connection:
        if archive.path:
            connection.execute("RESET search_path")
        found = _give_back(connection, aside, known=invalid)
    if rows:
        tell("building the indexes")
    hands.behind_the_rows(early, several)
    run(_made_before_changed(database, archive, triggers))
    if keys:
        found += _foreign_keys(runner, name, archive, keys, several, run=run, known=invalid)
    found += hands.ending(rows=rows)
    return found


def _entries(database: Database, archive: Archive, *, rows: bool) -> list[str]:
    """Those that are restored. Large objects come with the rows, since PostgreSQL 17 their owners too."""
    return [
        entry
        for entry in table_of_contents(database, archive.file, archive.programs)
        if not kind_of(entry).startswith((*_NEVER, *archive.left_out))
        and _grantable(archive, entry)
        and (rows or not _LARGE_OBJECT.match(kind_of(entry)))
    ]


def _hands(
    database: Database, name: str, archive: Archive, parts: Mapping[str, Sequence[str]], run: Callable[..., None]
) -> Hands:
    """Raises RefusedError for what no dump should hold, where it is looked at."""
    late, last = parts["late"], parts["last"]
    if archive.loader is None:
        return AsConnected(run, late, last, lambda views: _views(database, name, archive, views, run=run))
    from runbook_steps.operations.archive_judged import Parts, judge  # noqa: PLC0415 - its parser is costly

    with session(archive.loader.database, maintenance(database)) as connection:
        everybodys = frozenset(
            str(each).lower() for (each,) in query(connection, "SELECT name FROM pg_settings WHERE context = 'user'")
        )
    words, views = ([each for each in late if kind_of(each).startswith(FILLED) is filled] for filled in (False, True))
    judged = judge(Parts(parts["all"], words, views, last), everybodys, lambda chosen: archive.text(database, chosen))
    return ByRole(database, name, archive.loader, judged, run, archive.path)


def _grantable(archive: Archive, entry: str) -> bool:
    """Whether an entry gives no privileges, or those of somebody whom the role may be: its last word is the owner."""
    owners = tuple(" " + re.sub(r"[\r\n]", " ", role) for role in archive.roles)  # as a list writes names
    return not owners or not kind_of(entry).startswith("ACL ") or entry.endswith(owners)


def chosen_entries(database: Database, archive: Archive, beginnings: Sequence[str]) -> list[str]:
    """The entries that begin so, in that order."""
    entries = table_of_contents(database, archive.file, archive.programs)
    return [entry for start in beginnings for entry in entries if kind_of(entry).startswith(start)]


def _made_before_changed(database: Database, archive: Archive, triggers: Sequence[str]) -> list[str]:
    """Triggers that are made, then those of partitions: a parent's brings them, and they only sleep or wake otherwise.

    The archive says of none which one brought it, so that its own order, and several jobs, may come too early.
    """
    if not triggers:
        return []
    text = archive.text(database, triggers)
    bodies = re.split(r"^-- Name: .*; Type: TRIGGER; Schema: .*$", text, flags=re.MULTILINE)[1:]
    if len(bodies) != len(triggers):  # an argument that looks like a heading
        return list(triggers)
    makes = [re.search(r"^CREATE ", body, re.MULTILINE) is not None for body in bodies]
    return [entry for wanted in (True, False) for entry, made in zip(triggers, makes, strict=True) if made is wanted]


@contextmanager
def list_of(entries: Sequence[str]) -> Iterator[str]:
    """A file for pg_restore's --use-list."""
    with tempfile.NamedTemporaryFile(prefix="beautycort-backup-", suffix=".list") as file:
        file.write("\n".join(entries).encode("utf-8", "surrogateescape") + b"\n")
        file.flush()
        yield file.name


def _put_aside(connection: Connection) -> list[_Check]:
    found = [_Check(str(a), str(b), str(c)) for a, b, c in query(connection, _CHECKS)]
    checks = [check for check in found if not _inside_others(connection, check)]
    waiting = list(checks)
    while waiting:  # a partition's goes after its parent's
        again = []
        for check in waiting:
            try:
                query_nothing(connection, f"ALTER {check.where} DROP CONSTRAINT IF EXISTS {check.name}")
            except psycopg.errors.InvalidTableDefinition:
                again.append(check)
        if len(again) == len(waiting):
            raise OperationError(f"constraint {again[0].name} cannot be put aside")
        waiting = again
    return checks


def _inside_others(connection: Connection, check: _Check) -> bool:
    """Of a domain that arrays or composite types of a table are made of: the server could not prove it for old rows."""
    if not check.where.startswith("DOMAIN "):
        return False
    try:
        with connection.transaction(force_rollback=True):
            query_nothing(connection, f"ALTER {check.where} ADD CHECK (true)")  # by a name that the server finds free
    except psycopg.errors.FeatureNotSupported:
        return True
    return False


def _give_back(connection: Connection, checks: Sequence[_Check], known: Sequence[str]) -> list[str]:
    invalid = []
    for check in checks:
        kind, _, on = check.where.partition(" ")
        named = f"{check.name} of {on}"
        query_nothing(connection, f"ALTER {check.where} ADD CONSTRAINT {check.name} {check.text} NOT VALID")
        if named in known:
            continue
        try:
            query_nothing(connection, f"ALTER {kind} {on} VALIDATE CONSTRAINT {check.name}")
        except psycopg.errors.CheckViolation:
            invalid.append(named)
    return invalid


def _foreign_keys(
    database: Database, name: str, archive: Archive, keys: Sequence[str], several: tuple[str, ...],
    *, run: Callable[..., None], known: Sequence[str],
) -> list[str]:  # fmt: skip
    """All at once; one by one when a row of one has no partner any more, or is known to have none."""
    if not known:
        try:
            run(keys, *several)
        except OperationError:
            pass
        else:
            return []
    invalid: list[str] = []
    for key in keys:
        invalid += _one_foreign_key(database, name, archive, key, known)
    return invalid


def _one_foreign_key(database: Database, name: str, archive: Archive, key: str, known: Sequence[str]) -> list[str]:
    """A key that was not built yet: valid, or else not valid."""
    text = archive.text(database, [key])
    found = re.search(r"^ALTER TABLE (?:ONLY )?(?P<table>.+)\n\s+ADD CONSTRAINT (?P<rest>.*?);$", text, re.M | re.S)
    if found is None:
        raise OperationError(f"the archive's foreign key cannot be read: {kind_of(key)}")
    named = f"{_first_name(found['rest'])} of {found['table']}"
    loose = f"{found[0].removesuffix(';').removesuffix(' NOT VALID')} NOT VALID"
    with session(database, name) as connection:
        try:
            query_nothing(connection, loose if named in known else found[0])
        except psycopg.errors.DuplicateObject:
            return []
        except psycopg.errors.ForeignKeyViolation:
            query_nothing(connection, loose)
            return [named]
    return []


def _views(
    database: Database, name: str, archive: Archive, views: Sequence[str], *, run: Callable[..., None]
) -> list[str]:
    """Computes materialized views: all at once; one by one when the query of one fails today, which stays empty."""
    try:
        run(views)
    except OperationError:
        pass
    else:
        return []
    empty: list[str] = []
    for view in views:
        text = archive.text(database, [view])
        found = re.search(r"^REFRESH MATERIALIZED VIEW .+?;$", text, re.M | re.S)
        if found is None:
            raise OperationError(f"the archive's materialized view cannot be read: {kind_of(view)}")
        with session(database, name) as connection:
            if archive.path:
                connection.execute("RESET search_path")
            empty += computed(connection, found[0].encode("utf-8", "surrogateescape"), by_path=bool(archive.path))
    return empty


def _first_name(text: str) -> str:
    found = re.match(r'"(?:[^"]|"")*"|\S+', text)
    return found[0] if found else text
