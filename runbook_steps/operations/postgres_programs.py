"""pg_dump and pg_restore: which ones, how they are run, and what PostgreSQL said when they failed.

Passwords travel in the environment alone. A newer program reads an older server, never the other way round.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO

from runbook_steps.engine.errors import ConfigurationError, OperationError
from runbook_steps.operations.database_session import (
    AMOUNTS,
    AS_ITSELF,
    SAME_TEXT,
    TOOL_OPTIONS,
    Connection,
)
from runbook_steps.operations.postgres_connection import Database

__all__ = [
    "Programs",
    "archived_schema",
    "archived_sql",
    "dump",
    "dumping_rows",
    "find_programs",
    "kind_of",
    "reading_rows",
    "reason",
    "run_restore",
    "schema_dump",
    "server_programs",
    "table_of_contents",
]

_READ = 1 << 20
_WELL_KNOWN = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_SAID = 4000  # characters of what a program said that are looked at
_SHOWN = 600


@dataclass(frozen=True)
class Programs:
    """A pg_dump and the pg_restore beside it, of one major version.

    `encoding` is the database's own, in which its dump is written, whatever a session of it gets; `options` are those
    of its sessions.
    """

    dump: str
    restore: str
    major: int
    encoding: str = ""
    options: str = ""

    def written_in(self, connection: Connection) -> Programs:
        """The same for the database of that session."""
        encoding = connection.info.parameter_status("server_encoding") or ""
        return replace(self, encoding=encoding, options=AS_ITSELF if AS_ITSELF in connection.info.options else "")

    def dumping(self, database: Database, name: str | None, *options: str) -> list[str]:
        """The command that dumps the live database, or another one of its server."""
        encoded = [f"--encoding={self.encoding}"] if self.encoding else []
        return [self.dump, *options, *encoded, "--no-password", f"--dbname={database.tool_argument(name)}"]


def find_programs(least: int) -> Programs:
    """The oldest that are not older than version `least`, those on the PATH first. Raises ConfigurationError."""
    found = _installed(os.environ.get("PATH", ""))
    good = [programs for programs in found if programs.major >= least]
    if good:
        return min(good, key=lambda programs: programs.major)
    if not found:
        raise ConfigurationError("`pg_dump` is not on the PATH; install the PostgreSQL client tools")
    newest = max(programs.major for programs in found)
    raise ConfigurationError(
        f"pg_dump {newest} is older than the server ({least}); install the client tools of PostgreSQL {least} or newer"
    )


def server_programs(major: int) -> Path:
    """The folder with `postgres` and `pg_basebackup` of that major version. Raises ConfigurationError."""
    for folder in _folders(os.environ.get("PATH", "")):
        if all(_major(folder / name) == major for name in ("postgres", "pg_basebackup")):
            return folder
    raise ConfigurationError(
        f"PostgreSQL {major} is not installed here with its server (`postgres`, `pg_basebackup`): a cluster of "
        "the past runs with its own version only"
    )


def _folders(path: str) -> list[Path]:
    folders = [Path(folder) for folder in path.split(os.pathsep) if folder]
    folders += sorted(folder for pattern in _WELL_KNOWN for folder in Path("/").glob(pattern.lstrip("/")))
    # each once: /bin is often /usr/bin, and a program that is a script of a distribution takes a while to start
    known: dict[Path, Path] = {}
    for folder in folders:
        known.setdefault(folder.resolve(), folder)
    return list(known.values())


@lru_cache(maxsize=8)
def _installed(path: str) -> tuple[Programs, ...]:
    folders = _folders(path)
    programs = [folder / name for folder in folders for name in ("pg_dump", "pg_restore")]
    with ThreadPoolExecutor(len(programs) or 1) as pool:  # each is asked: one that is a script takes a while to start
        majors = dict(zip(programs, pool.map(_major, programs), strict=True))
    found = []
    for folder in folders:
        major = majors[folder / "pg_dump"]
        if major:
            beside = folder / "pg_restore"
            found.append((major, str(folder / "pg_dump"), str(beside) if majors[beside] == major else ""))
    # a pg_dump that stands alone (a wrapper) takes the pg_restore of its version from elsewhere
    restores = {major: restore for major, _, restore in reversed(found) if restore}
    return tuple(
        Programs(dump, restore or restores[major], major) for major, dump, restore in found if major in restores
    )


def _major(program: Path) -> int:
    if not os.access(program, os.X_OK) or program.is_dir():
        return 0
    try:
        said = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return 0
    shape = re.search(r"(\d+)", said.stdout)
    return int(shape[1]) if shape else 0


def _environment(database: Database, options: str) -> dict[str, str]:
    return {**database.tool_environment(f"{TOOL_OPTIONS} {options}"), "LC_MESSAGES": "C"}


def dump(database: Database, snapshot: str, programs: Programs) -> Iterator[bytes]:
    """The dump in custom format, uncompressed, as of the snapshot. Raises OperationError when pg_dump fails."""
    command = programs.dumping(database, None, "--format=custom", "--compress=0", f"--snapshot={snapshot}")
    with _printing(command, database, "pg_dump", f"{SAME_TEXT} {programs.options}") as stream:
        while piece := stream.read(_READ):
            yield piece


@contextmanager
def dumping_rows(database: Database, name: str, programs: Programs) -> Iterator[IO[bytes]]:
    """What pg_dump prints for the rows of the database `name`. Raises OperationError when it fails."""
    command = programs.dumping(database, name, "--data-only", "--no-blobs")
    with _printing(command, database, "pg_dump", f"{SAME_TEXT} {programs.options}") as stream:
        yield stream


@contextmanager
def _printing(command: Sequence[str], database: Database, what: str, options: str) -> Iterator[IO[bytes]]:
    """What a program prints while it runs. Raises OperationError when it fails."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            command, env=_environment(database, options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=told
        )
        stream: IO[bytes] = process.stdout  # type: ignore[assignment]
        try:
            yield stream
            stream.read()  # what nobody wanted to see
        except BaseException:
            process.kill()  # nobody reads on
            raise
        finally:
            stream.close()
            code = process.wait()
        if code != 0:
            raise OperationError(f"{what} failed: {_told(told)}")


def schema_dump(database: Database, name: str, programs: Programs, snapshot: str | None = None) -> bytes:
    """The schema as pg_dump writes it. Raises OperationError when pg_dump fails."""
    command = programs.dumping(database, name, "--schema-only", *([f"--snapshot={snapshot}"] if snapshot else ()))
    return _output(command, database, "pg_dump", f"{SAME_TEXT} {programs.options}")


def archived_schema(database: Database, archive: Path, programs: Programs) -> bytes:
    """The schema in an archive, as it was printed when the archive was made."""
    return _output([programs.restore, "--schema-only", "--file=-", str(archive)], database, "pg_restore")


def archived_sql(database: Database, archive: Path, programs: Programs, options: Sequence[str]) -> str:
    """What pg_restore would run, as text."""
    said = _output([programs.restore, "--file=-", *options, str(archive)], database, "pg_restore")
    return said.decode("utf-8", "surrogateescape")


@contextmanager
def reading_rows(database: Database, archive: Path, programs: Programs, entries: str) -> Iterator[IO[bytes]]:
    """What pg_restore prints for the data of the entries in that file. Raises OperationError when it fails."""
    command = [programs.restore, "--data-only", "--file=-", "--use-list", entries, str(archive)]
    with _printing(command, database, "pg_restore", "") as stream:
        yield stream


def table_of_contents(database: Database, archive: Path, programs: Programs) -> list[str]:
    """The entries of an archive as `pg_restore --list` prints them: `12; 1259 16385 TABLE public people owner`."""
    said = _output([programs.restore, "--list", str(archive)], database, "pg_restore")
    lines = said.decode("utf-8", "surrogateescape").split("\n")
    return [line for line in lines if re.match(r"\d+; ", line)]


def kind_of(entry: str) -> str:
    """`12; 1259 16385 TABLE public people owner` → `TABLE public people owner`."""
    return re.sub(r"^\d+; \d+ \d+ ", "", entry)


def _output(command: Sequence[str], database: Database, what: str, options: str = "") -> bytes:
    with tempfile.TemporaryFile() as told:
        done = subprocess.run(
            command, env=_environment(database, options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=told, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise OperationError(f"{what} failed: {_told(told)}")
    return done.stdout


def run_restore(database: Database, name: str, archive: Path, programs: Programs, options: Sequence[str]) -> None:
    """pg_restore into the database `name`, up to its first error. Raises OperationError with PostgreSQL's words."""
    command = [
        programs.restore, "--exit-on-error", "--no-password", f"--dbname={database.tool_argument(name)}", *options,
        str(archive),
    ]  # fmt: skip
    _output(command, database, "pg_restore", AMOUNTS)


def _told(told: IO[bytes]) -> str:
    told.seek(0)
    return reason(told.read(_SAID * 4).decode("utf-8", "replace"))


def reason(said: str) -> str:
    """PostgreSQL's own message in what a program wrote: the error, its detail and its hint, not the statement."""
    kept: list[str] = []
    for line in said[:_SAID].splitlines():
        text = re.sub(r"^pg_(?:dump|restore|dumpall): ", "", line.strip())
        error = re.match(r"(?:error|fatal): (.*)", text)
        if error is None and not kept:
            continue
        if error is not None and kept:
            break
        if error is not None:
            kept.append(re.sub(r"^(?:could not execute query|query failed): (?:ERROR:\s*)?", "", error[1]))
        elif re.match(r"(?:detail: )?(?:DETAIL|HINT|CONTEXT|Query was|Command was|ERROR)\b|hint:|detail:", text):
            label, _, rest = text.partition(":")
            if label in {"Command was", "Query was"} or text.startswith("detail: Query was"):
                break
            # a row's own values are nobody's business
            if not rest.strip().startswith("Failing row contains"):
                kept.append(re.sub(r"^(?:DETAIL|HINT|CONTEXT|ERROR|hint|detail):\s*", "", text))
    text = "; ".join(part.rstrip(".; ") for part in kept if part.strip())
    if not text:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        text = lines[0] if lines else "it said nothing"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
