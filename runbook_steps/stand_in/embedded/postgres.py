"""PostgreSQL: its configuration, how it is started and seen to be ready, how it is stopped."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded.account import server_binaries
from runbook_steps.stand_in.embedded.binaries import postgres_bin
from runbook_steps.stand_in.embedded.layout import (
    DATABASE,
    DATABASE_ADMIN,
    DATABASE_USER,
    SCRATCH_DATABASE,
    Layout,
)
from runbook_steps.stand_in.embedded.service import NotReady, Service, nothing

__all__ = [
    "CONFIG_VERSION",
    "EXTENSIONS",
    "SETTINGS",
    "owner_statements",
    "postgres_service",
    "run_sql",
    "scram_verifier",
    "write_settings",
]

CONFIG_VERSION = 2  # part of the template's key: raise it when initdb's options change

# those of the schema that only a superuser creates, with cube, which one needs; the others are the owner's
EXTENSIONS = "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION earthdistance CASCADE;"
_OWNER_MEMBER_OF = ("pg_monitor", "pg_signal_backend")

# A disposable cluster: nothing is synced to disk, so a commit outlives a killed server but not a power cut.
# mmap'ed dynamic memory stays inside the run's folder, so a killed server leaves nothing in /dev/shm.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "password_encryption": "scram-sha-256",
    "timezone": "Asia/Amman",
    "log_timezone": "Asia/Amman",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "full_page_writes": "off",
    "archive_mode": "on",
    "jit": "off",
    "track_io_timing": "on",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_duration_statement": "1000",
    "log_lock_waits": "on",
    "deadlock_timeout": "1s",
}


def postgres_service(
    layout: Layout, environment: Mapping[str, str], prepared: Path, prepare: Callable[[], None] = nothing
) -> Service:
    """The server on the run's cluster, which `prepare` makes.

    `prepared` holds the password of a new cluster: at its first start the run's own takes its place.
    """
    programs = server_binaries(postgres_bin(), layout.directory / "postgres", layout.account)

    def ready() -> None:
        _says_ready(layout.pgdata)
        if prepared.exists():
            _set_passwords(layout, prepared.read_text("utf-8"))
            prepared.unlink()

    def prepare_again() -> None:
        prepare()
        _forget_ready(layout.pgdata)

    return Service(
        name="postgres",
        argv=(str(programs / "postgres"), "-D", str(layout.pgdata)),
        cwd=layout.pgdata,
        environment=environment,
        ready=ready,
        prepare=prepare_again,
        account=layout.account,
        stop_signal=signal.SIGINT,  # fast shutdown: sessions are ended, everything is written
        quick_signal=signal.SIGQUIT,  # immediate shutdown: everything is dropped
    )


def write_settings(layout: Layout) -> None:
    """Writes what differs from run to run, above all the port, into the cluster."""
    mine = {"port": layout.ports["postgres"], "archive_command": _archive_command(layout.wal_archive / "wal")}
    if layout.images is not None:  # an image has no shell to copy WAL with; what cannot be archived would pile up
        mine["archive_mode"] = "off"
    lines = [f"{name} = '{value}'" for name, value in {**SETTINGS, **mine}.items()]
    file = layout.pgdata / "runbooks.conf"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    if layout.account is not None:
        os.chown(file, *layout.account)


def _archive_command(wal: Path) -> str:
    """Under its own name only when it is whole. Without that folder nobody wants to go back, and nothing is kept."""
    return f'test ! -d "{wal}" || (cp "%p" "{wal}/%f.new" && mv "{wal}/%f.new" "{wal}/%f")'


def _says_ready(pgdata: Path) -> None:
    # what pg_ctl looks at: the eighth line of postmaster.pid
    lines = (pgdata / "postmaster.pid").read_text("utf-8").splitlines()
    if len(lines) < 8 or lines[7].strip() != "ready":  # noqa: PLR2004 - the file's documented form
        raise NotReady("the server is starting")


def _forget_ready(pgdata: Path) -> None:
    """A killed server's file still says ready; the rest of it tells the next server what to clear away."""
    file = pgdata / "postmaster.pid"
    if file.exists():
        file.write_text("".join(file.read_text("utf-8").splitlines(keepends=True)[:7]), "utf-8")


def scram_verifier(password: str, *, iterations: int = 4096) -> str:
    """What PostgreSQL stores for a password (RFC 5803): so the password is in no statement and no log."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


def owner_statements(verifier: str) -> str:
    """Makes the role that the drills have, and its databases: with what production's role has, and no more.

    PostgreSQL at Supabase: `ALTER ROLE postgres NOSUPERUSER CREATEDB CREATEROLE LOGIN REPLICATION BYPASSRLS`, and
    `GRANT pg_monitor, pg_read_all_data, pg_signal_backend TO postgres` (supabase/postgres, migrations of the roles).
    What no procedure needs of it is left out: the drill may be harsher than production, never kinder.
    """
    may = "NOSUPERUSER CREATEDB CREATEROLE LOGIN REPLICATION"
    return "\n".join(
        (
            "SET pg_stat_statements.track_utility = off;",
            f"CREATE ROLE {DATABASE_USER} {may} PASSWORD '{verifier}';",
            f"GRANT {', '.join(_OWNER_MEMBER_OF)} TO {DATABASE_USER};",
            f"CREATE DATABASE {DATABASE} OWNER {DATABASE_USER};",
            f"CREATE DATABASE {SCRATCH_DATABASE} OWNER {DATABASE_USER};",
        )
    )


def _set_passwords(layout: Layout, old: str) -> None:
    """The administrator's own last: with it the passing one is gone."""
    if layout.superuser_owner:  # then everything is the owner's, the extensions too: a superuser restores them as such
        anew = f"DROP EXTENSION pg_stat_statements, earthdistance, cube; {EXTENSIONS}"
        run_sql(layout, old, DATABASE, f"ALTER ROLE {DATABASE_USER} SUPERUSER; SET ROLE {DATABASE_USER}; {anew}")
    statements = (
        "SET pg_stat_statements.track_utility = off;",
        f"ALTER ROLE {DATABASE_USER} PASSWORD '{scram_verifier(layout.secrets.postgres)}';",
        f"ALTER ROLE {DATABASE_ADMIN} PASSWORD '{scram_verifier(layout.secrets.postgres_admin)}';",
    )
    run_sql(layout, old, "postgres", "\n".join(statements))


def run_sql(layout: Layout, password: str, database: str, sql: str) -> str:
    """Runs SQL with psql as administrator, on standard input; gives what it printed. Raises TargetError."""
    done = subprocess.run(
        [str(postgres_bin() / "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"],
        input=sql,
        env={
            "PGHOST": "127.0.0.1",
            "PGPORT": str(layout.ports["postgres"]),
            "PGUSER": DATABASE_ADMIN,
            "PGPASSWORD": password,
            "PGDATABASE": database,
            "PGCONNECT_TIMEOUT": "5",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode != 0:
        raise TargetError(f"postgres refused to be set up: {done.stderr.strip()}")
    return done.stdout
