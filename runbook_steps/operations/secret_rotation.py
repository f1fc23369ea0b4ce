"""New secrets that nobody sees: into the API's env file, or into a database role, atomically."""

from __future__ import annotations

import os
import re
import secrets
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from runbook_steps.engine.errors import ConfigurationError, OperationError, TargetError

__all__ = ["ROTATABLE", "refuse_others", "rotate_in_env_file", "rotate_role", "use_role"]

ROTATABLE = ("JWT_SECRET", "SESSION_SECRET", "CSRF_SECRET")
"""What the platform issues to itself. A vendor's key is made by the vendor: an invented one ends its service."""
_URL = "DATABASE_URL"
_BYTES = 48  # 96 characters; production wants at least 64
_ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_OURS = re.compile(r"pg_.*|postgres|supabase_.*")


def new_secret() -> str:
    """96 hexadecimal characters: the application refuses a secret that holds a word like `key` or `jwt`."""
    return secrets.token_hex(_BYTES)


def rotate_in_env_file(file: Path, name: str) -> None:
    """Replaces `NAME=…` in the file, or adds it; everything else stays. Mode 0600, written beside and renamed.

    Raises ConfigurationError for a name that is not rotated so, OperationError when the file cannot be written;
    then it is as it was.
    """
    refuse_others(name)
    _rewrite(file, name, new_secret())


def use_role(file: Path, role: str, password_file: Path) -> None:
    """Puts that role and its password into `DATABASE_URL` of the file; host, database and options stay.

    Raises ConfigurationError without such a line, or for a role that is no plain name; OperationError when a file
    cannot be read or written; then nothing was changed.
    """
    if not _ROLE.fullmatch(role) or _OURS.fullmatch(role):
        raise ConfigurationError(f"{role!r} is no role of an application: a plain name, and none of the system")
    try:
        password = password_file.read_text("utf-8").strip()
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise OperationError(f"{error.filename} cannot be read: {error.strerror}; nothing was changed") from error
    found = [line.removeprefix(f"{_URL}=") for line in lines if line.startswith(f"{_URL}=")]
    if not found or not password:
        raise ConfigurationError(
            f"{password_file} is empty" if found else f"{file} has no {_URL}: write the address into it first"
        )
    parts = urlsplit(found[-1])
    where = parts.netloc.rpartition("@")[2]
    _rewrite(file, _URL, urlunsplit(parts._replace(netloc=f"{quote(role)}:{quote(password, safe='')}@{where}")))


def refuse_others(name: str) -> None:
    """Raises ConfigurationError for what only its vendor can issue."""
    if name not in ROTATABLE:
        raise ConfigurationError(
            f"{name!r} is not rotated here, only {', '.join(ROTATABLE)}: a vendor's key is made in its console"
        )


def _rewrite(file: Path, name: str, value: str) -> None:
    try:
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        kept = [line for line in lines if not line.startswith(f"{name}=")]
        descriptor, fresh = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write("\n".join([*kept, f"{name}={value}"]) + "\n")
                out.flush()
                os.fsync(out.fileno())
            if file.exists():
                owner = file.stat()
                if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    os.chown(fresh, owner.st_uid, owner.st_gid)
            Path(fresh).chmod(stat.S_IRUSR | stat.S_IWUSR)
            Path(fresh).replace(file)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OperationError(f"{file} cannot be written: {error.strerror}; nothing was changed") from error


def rotate_role(database_url: str, role: str, out: Path) -> None:
    """Gives the role a new password and writes it to a new file, mode 0600.

    The server is sent a SCRAM verifier, never the password: it stands in no log, whatever `log_statement` says.
    Raises ConfigurationError for a role that is no plain name or of the system, OperationError when the file
    exists or the server refuses, TargetError when it cannot be reached.
    """
    if not _ROLE.fullmatch(role) or _OURS.fullmatch(role):
        raise ConfigurationError(f"{role!r} is not a role to rotate: a plain name, and none of the system")
    password = new_secret()
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        raise OperationError(f"{out} cannot be made: {error.strerror}; the password was not changed") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(password + "\n")
        with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))
    except psycopg.OperationalError as error:
        out.unlink(missing_ok=True)
        raise TargetError("the database cannot be reached; the password was not changed") from error
    except psycopg.Error as error:
        out.unlink(missing_ok=True)
        reason = error.diag.message_primary or type(error).__name__
        raise OperationError(f"the server refused: {reason}; the password was not changed") from error
