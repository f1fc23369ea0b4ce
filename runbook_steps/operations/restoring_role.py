"""A role for one restore, which owns what it makes and may do nothing else.

Whoever may define functions in a database decides what runs while a dump of it is restored: in a check, a computed
column, an index, a materialized view. Where the role of DATABASE_URL may start programs on the server, that is run by
this one instead, which signs in by itself: a role that is only put on can be taken off again by the same code.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import OperationError, RefusedError, RunbookError
from runbook_steps.operations.database_session import Connection, query, query_nothing, session
from runbook_steps.operations.postgres_connection import Database, maintenance
from runbook_steps.operations.settings import Unreachable

__all__ = [
    "Loader",
    "admit",
    "admit_to_parts",
    "dismiss",
    "explained",
    "lent",
    "loading_role",
    "might",
    "mighty_roles",
    "refuse_unloadable",
]

_SUPERUSER = " is a superuser"
WITH_MY_RIGHTS = "--with-my-rights"
_PREFIX = "beautycort_load_"
_LOCK = 0x42434C44  # "BCLD", with a number of the role's name: it is in use by a living run
_GOOD_FOR = "1 day"
_MIGHTY = """
SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE EXISTS (
    SELECT FROM pg_catalog.pg_roles p WHERE (p.rolsuper
        OR p.rolname IN ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'))
    AND pg_catalog.pg_has_role(r.oid, p.oid, 'MEMBER'))
"""
_PARTS = """
SELECT pg_catalog.format('GRANT USAGE ON SCHEMA %I TO {role}', nspname) FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' AND NOT pg_catalog.pg_has_role('{role}', nspowner, 'USAGE')
UNION ALL SELECT pg_catalog.format('GRANT ALL ON %s %s TO {role}', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE'
    END, c.oid::pg_catalog.regclass) FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_class c ON c.oid = ANY (e.extconfig)
"""


@dataclass(frozen=True)
class Loader:
    """The role, how a session of it is opened, and its password as the server keeps it."""

    role: str
    database: Database
    secret: str = field(repr=False)


def might(connection: Connection) -> str:
    """Why what runs as the role that is connected may start programs or read files on the server; empty: it may not."""
    who, superuser = query(
        connection, "SELECT rolname::text, rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user"
    )[0]
    if superuser:
        return f"{who}{_SUPERUSER}"
    if not query(connection, f"{_MIGHTY} AND r.rolname = session_user"):
        return ""
    return f"{who} may start programs on the server, or read or write its files"


def mighty_roles(connection: Connection) -> frozenset[str]:
    """All those of whom the same is true."""
    return frozenset(str(name) for (name,) in query(connection, _MIGHTY))


@contextmanager
def loading_role(database: Database, *, trusted: bool = False, spaces: Sequence[str] = ()) -> Iterator[Loader | None]:
    """A role for a while; None where none is needed, or where what a backup contains is `trusted`.

    `spaces` are tablespaces that it must create in. Raises RefusedError where there can be none.
    """
    with session(database, maintenance(database)) as admin:
        why = "" if trusted else might(admin)
        if not why:
            yield None
            return
        if not why.endswith(_SUPERUSER):
            raise RefusedError(
                f"{why}: functions of the backup would run with that, and only a superuser can put a role without it "
                f"in between. Take it away, or connect as another role; or trust the backup ({WITH_MY_RIGHTS})"
            )
        clear_leftover_roles(database, admin)
        role, password = f"{_PREFIX}{secrets.token_hex(4)}", secrets.token_urlsafe(32)
        admin.execute("SELECT pg_catalog.pg_advisory_lock(%s, pg_catalog.hashtext(%s))", [_LOCK, role])
        # the server gets what it would keep anyhow: its log may hold every statement
        secret = admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        _create(admin, role, secret)
        try:
            loader = Loader(role, _as(database, role, password), secret)
            _refuse_locked_out(loader, maintenance(database), why)
            for space in spaces:
                admin.execute(
                    sql.SQL("GRANT CREATE ON TABLESPACE {} TO {}").format(*map(sql.Identifier, (space, role)))
                )
            yield loader
        finally:
            with suppress(psycopg.Error, RunbookError):  # the next run clears it
                _drop(database, admin, role)


def refuse_unloadable(database: Database, *, trusted: bool) -> None:
    """Raises RefusedError where what a backup contains would run with rights that it must not have."""
    with loading_role(database, trusted=trusted):
        pass


@contextmanager
def explained(loader: Loader | None) -> Iterator[None]:
    """Where PostgreSQL denies the role something, it is said that there was one, and what can be done."""
    try:
        yield
    except (OperationError, psycopg.errors.InsufficientPrivilege) as error:
        said = str(error) if isinstance(error, OperationError) else error.diag.message_primary or ""
        if loader is None or "permission denied" not in said:
            raise
        raise OperationError(
            f"{said}; what is defined in the backup was run by a role that can do nothing else: look at what asks for "
            f"more, then trust the backup ({WITH_MY_RIGHTS})"
        ) from error


def _create(admin: Connection, role: str, secret: str) -> None:
    until = query(admin, f"SELECT (pg_catalog.now() + '{_GOOD_FOR}'::pg_catalog.interval)::text")[0][0]
    # row security is meant for the application: here it would leave rows out
    _uncounted(
        admin,
        sql.SQL(
            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION BYPASSRLS "
            "PASSWORD {} VALID UNTIL {}"
        ).format(sql.Identifier(role), sql.Literal(secret), sql.Literal(until)),
    )


def _uncounted(mighty: Connection, statement: sql.Composed) -> None:
    """What holds the verifier: statistics keep the text. Where nobody counts statements the setting means nothing."""
    mighty.execute("SET pg_stat_statements.track_utility = off")
    mighty.execute(statement)


def _as(database: Database, role: str, password: str) -> Database:
    known = database.address.parameters
    return replace(
        database, address=replace(database.address, parameters={**known, "user": role, "password": password})
    )


def _refuse_locked_out(loader: Loader, place: str, why: str) -> None:
    try:
        with session(loader.database, place) as tried:
            seen = query(tried, "SELECT session_user::text")[0][0]
    except Unreachable as error:
        seen, said = "", str(error).rpartition(": ")[2]
    else:
        said = f"it is {seen} there"
    if seen != loader.role:
        raise RefusedError(
            f"{why}, so a backup is restored by a role of its own, and the server does not let that sign in ({said}). "
            f"Let pg_hba.conf accept roles by password (scram-sha-256) from here, name the server itself and no "
            f"pooler, or use a role in DATABASE_URL that is no superuser; or trust the backup ({WITH_MY_RIGHTS})"
        )


def admit(database: Database, name: str, loader: Loader) -> None:
    """Into the empty database `name`, to make things there: it does not own it, and can change nothing about it."""
    role = sql.Identifier(loader.role)
    with session(database, name) as target:
        words = sql.SQL("GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(name), role)
        query_nothing(target, words.as_string(target))
        if query(target, "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'public'"):
            target.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {}").format(role))


def admit_to_parts(target: Connection, loader: Loader) -> None:
    """To what extensions made, as far as a dump holds rows of it."""
    for (grant,) in query(target, _PARTS.format(role=loader.role)):
        target.execute(grant.encode("utf-8", "surrogateescape"))


def dismiss(target: Connection, loader: Loader) -> None:
    """Nothing belongs to it any more in that database; from now on it may read there."""
    _taken_back(target, loader.role)
    _may_read(target, loader)


@contextmanager
def lent(live: Connection, loader: Loader, schema: str) -> Iterator[None]:
    """A schema of the live database, where it may read all and make something in that schema alone."""
    live.execute(sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(*map(sql.Identifier, (schema, loader.role))))
    try:
        _may_read(live, loader)
        yield
    finally:
        _taken_back(live, loader.role)


def _may_read(target: Connection, loader: Loader) -> None:
    """Nothing that it began before goes on, by a session or with a password of its own making."""
    role = loader.role
    words = (sql.Identifier(role), sql.Literal(loader.secret))
    _uncounted(target, sql.SQL("ALTER ROLE {} PASSWORD {}").format(*words))
    _end_sessions(target, role)
    name, let_in = query(
        target,
        "SELECT pg_catalog.current_database()::text, pg_catalog.has_database_privilege("
        f"'{role}', pg_catalog.current_database(), 'CONNECT')",
    )[0]
    if not let_in:
        names = (sql.Identifier(name), sql.Identifier(role))
        query_nothing(target, sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(*names).as_string(target))
    target.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(role)))


def _taken_back(target: Connection, role: str) -> None:
    target.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(sql.Identifier(role)))
    target.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))


def _end_sessions(admin: Connection, role: str) -> None:
    admin.execute(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE usename = %s", [role]
    )


def clear_leftover_roles(database: Database, admin: Connection) -> None:
    """Those of killed runs, and none that a living run uses."""
    found = admin.execute(
        "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname ~ %s", [f"^{_PREFIX}[0-9a-f]{{8}}$"]
    ).fetchall()
    for (role,) in found:
        row = admin.execute(
            "SELECT pg_catalog.pg_try_advisory_lock(%s, pg_catalog.hashtext(%s))", [_LOCK, role]
        ).fetchone()
        if row and row[0]:
            with suppress(psycopg.Error, RunbookError):
                _drop(database, admin, role)
            admin.execute("SELECT pg_catalog.pg_advisory_unlock(%s, pg_catalog.hashtext(%s))", [_LOCK, role])


def _drop(database: Database, admin: Connection, role: str) -> None:
    """What it left in databases is the connected role's."""
    who = sql.Identifier(role)
    admin.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(who))
    _end_sessions(admin, role)
    places = admin.execute(
        "SELECT DISTINCT d.datname::text, s.dbid <> 0 FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d "
        "ON d.oid = CASE WHEN s.dbid <> 0 THEN s.dbid WHEN s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass "
        "THEN s.objid END WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass "
        "AND s.refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %s)",
        [role],
    ).fetchall()
    for name, inside in places:
        if inside:
            with session(database, name) as target:
                _taken_back(target, role)
        else:  # by no statement in it, where a trigger may wait for one
            admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(sql.Identifier(name), who))
    for (space,) in query(admin, "SELECT spcname::text FROM pg_catalog.pg_tablespace WHERE spcacl IS NOT NULL"):
        admin.execute(sql.SQL("REVOKE ALL ON TABLESPACE {} FROM {}").format(sql.Identifier(space), who))
    admin.execute(sql.SQL("DROP ROLE {}").format(who))
