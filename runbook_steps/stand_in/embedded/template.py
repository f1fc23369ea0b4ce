"""The database cluster, made once and copied from then on: initdb and seed take seconds, a copy does not.

A template is kept in a cache folder under a name that says what it was made of: server version, settings,
sources of schema and seed, the day (the seed's bookings lie around it). It is used only when the runner
owns it and nobody else can write it. When no cache folder is usable the cluster is made anew, and nothing
else changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded import postgres
from runbook_steps.stand_in.embedded.account import give_to, server_binaries
from runbook_steps.stand_in.embedded.binaries import postgres_bin, python
from runbook_steps.stand_in.embedded.layout import (
    DATABASE,
    DATABASE_ADMIN,
    DATABASE_USER,
    SCRATCH_DATABASE,
    Layout,
)
from runbook_steps.stand_in.embedded.processes import as_account
from runbook_steps.stand_in.embedded.service import private_file, until

__all__ = ["make_cluster", "template_key"]

_API = "runbook_steps.stand_in.reference_api"
_PASSING_FILE = "runbooks.password"  # inside the template: its password, replaced at the first start
_KEPT = 3  # templates: older ones are of sources that changed since
_INITDB = (
    "--username", DATABASE_ADMIN, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
    "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--wal-segsize", "1",
    "--no-sync", "--no-instructions",
)  # fmt: skip


def make_cluster(layout: Layout, environment: Mapping[str, str], prepared: Path) -> str:
    """Puts a seeded cluster into the run; `prepared` gets its passing password. Gives `copied` or `built`.

    Raises TargetError with the output of the program that failed.
    """
    layout.pgdata.parent.mkdir(mode=0o700, exist_ok=True)
    key = template_key()
    how = "copied"
    for folder in cache_folders():
        if _copy_template(folder / key, layout):
            break
    else:
        how = "built"
        try:
            _build(layout, environment)
        except BaseException:
            shutil.rmtree(layout.pgdata, ignore_errors=True)  # half a cluster is none
            raise
        _store(layout.pgdata, key)
    password = (layout.pgdata / _PASSING_FILE).read_text("utf-8")
    (layout.pgdata / _PASSING_FILE).unlink()
    private_file(prepared, password)
    give_to(layout.pgdata.parent, layout.account)
    postgres.write_settings(layout)
    return how


def template_key() -> str:
    """Names the template by everything it is made of."""
    parts = [
        datetime.now().astimezone().date().isoformat(),
        str(postgres.CONFIG_VERSION),
        repr(_INITDB),
        postgres.EXTENSIONS,
        postgres.owner_statements(""),
        repr(sorted(postgres.SETTINGS.items())),
    ]
    install = postgres_bin()
    parts.append(f"{install}:{(install / 'postgres').stat().st_mtime_ns}")
    digest = hashlib.sha256("\n".join(parts).encode())
    for file in _seed_sources():
        digest.update(file.name.encode() + file.read_bytes())
    return f"cluster-{digest.hexdigest()[:24]}"


def _seed_sources() -> list[Path]:
    spec = find_spec(_API)
    if spec is None or spec.origin is None:
        return []
    home = Path(spec.origin).parent
    return sorted(file for file in home.rglob("*") if file.is_file() and _is_seed(file.relative_to(home)))


def _is_seed(file: Path) -> bool:
    words = ("database", "schema", "seed")
    return "__pycache__" not in file.parts and any(word in part for part in file.parts for word in words)


# -- the cache --------------------------------------------------------------------------------------


def cache_folders() -> Iterator[Path]:
    """Folders that may hold templates, best first: of the project, of the user, of this machine's /tmp."""
    project = Path(__file__).resolve().parents[3]
    if (project / "pyproject.toml").is_file():
        yield project / ".cache" / "embedded"
    home = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and f"{os.environ['HOME']}/.cache")
    if home:
        yield Path(home) / "beautycort-runbooks"
    yield Path(tempfile.gettempdir()) / f"beautycort-cache-{os.geteuid()}"


def _is_ours(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    closed = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and closed


def _copy_template(template: Path, layout: Layout) -> bool:
    if not (_is_ours(template.parent) and _is_ours(template)):
        return False
    try:
        shutil.copytree(template, layout.pgdata, symlinks=True)
        os.utime(template)
    except OSError:  # pruned by another run in the middle of the copy: the next folder, or a new one
        shutil.rmtree(layout.pgdata, ignore_errors=True)
        return False
    return True


def _store(pgdata: Path, key: str) -> None:
    """Keeps a copy in the first folder that takes it; two runs may do so at once."""
    for folder in cache_folders():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(folder):
                continue
            with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
                copy = Path(scratch) / key
                shutil.copytree(pgdata, copy, symlinks=True)
                copy.chmod(0o700)
                with contextlib.suppress(FileExistsError):
                    _rename_new(copy, folder / key)
            _prune(folder)
        except OSError:
            continue
        return


def _rename_new(copy: Path, final: Path) -> None:
    try:
        copy.rename(final)
    except OSError as error:  # a folder that is not empty: another run was first
        raise FileExistsError(str(final)) from error


def _prune(folder: Path) -> None:
    kept = sorted(folder.glob("cluster-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in kept[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


# -- making one -------------------------------------------------------------------------------------


def _build(layout: Layout, environment: Mapping[str, str]) -> None:
    password = secrets.token_urlsafe(24)
    give_to(layout.pgdata.parent, layout.account)
    programs = server_binaries(postgres_bin(), layout.directory / "postgres", layout.account)
    _initdb(layout, environment, programs, password)
    postgres.write_settings(layout)
    with _running(layout, environment, programs):
        postgres.run_sql(layout, password, "postgres", postgres.owner_statements(postgres.scram_verifier(password)))
        for database in (DATABASE, SCRATCH_DATABASE):
            postgres.run_sql(layout, password, database, postgres.EXTENSIONS)
        _seed(layout, environment, password)
    private_file(layout.pgdata / _PASSING_FILE, password)
    for name in ("postmaster.pid", "runbooks.conf"):
        (layout.pgdata / name).unlink(missing_ok=True)


def _initdb(layout: Layout, environment: Mapping[str, str], programs: Path, password: str) -> None:
    password_file = layout.pgdata.parent / "pwfile"
    private_file(password_file, password)
    give_to(layout.pgdata.parent, layout.account)
    command = [str(programs / "initdb"), "-D", str(layout.pgdata), "--pwfile", str(password_file), *_INITDB]
    _run("initdb", command, environment, layout.pgdata.parent, layout.account)
    password_file.unlink()
    with (layout.pgdata / "postgresql.conf").open("a", encoding="utf-8") as config:
        config.write("\ninclude 'runbooks.conf'\n")


@contextlib.contextmanager
def _running(layout: Layout, environment: Mapping[str, str], programs: Path) -> Iterator[None]:
    """The server, while the template is made; stopped in order, so that the copy needs no recovery."""
    with layout.service_log("postgres").open("ab") as log:
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(layout.pgdata)],
            env=dict(environment),
            cwd=layout.pgdata,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **as_account(layout.account),
        )
    try:
        service = postgres.postgres_service(layout, environment, layout.directory / "no-password-to-set")
        until(service.ready, service.deadline_s, lambda: server.poll() is not None)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait(timeout=10)


def _seed(layout: Layout, environment: Mapping[str, str], password: str) -> None:
    if not _seed_sources():
        return
    url = f"postgres://{DATABASE_USER}:{password}@127.0.0.1:{layout.ports['postgres']}/{DATABASE}"
    command = [python(), "-m", f"{_API}.database", "--seed"]
    _run("the seed", command, {**environment, "DATABASE_URL": url, "PGPASSWORD": password}, layout.tmp, None)


def _run(
    what: str, command: list[str], environment: Mapping[str, str], cwd: Path, account: tuple[int, int] | None
) -> None:
    done = subprocess.run(
        command,
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **as_account(account),
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
        raise TargetError(f"postgres: {what} failed with exit code {done.returncode}:\n{tail}")
