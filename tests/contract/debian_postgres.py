"""Debian's own PostgreSQL 15 and PgBouncer, in a folder of the test: services that nobody here wrote."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runbook_steps.stand_in.embedded.account import give_to, server_account
from tests.contract.debian import held_port

__all__ = ["BINARIES", "DebianPostgres", "debian_postgres", "pgbouncer"]

BINARIES = Path("/usr/lib/postgresql/15/bin")


@dataclass(frozen=True)
class DebianPostgres:
    """A cluster on loopback; `folder` is its own. The superuser is `admin`."""

    folder: Path
    port: int
    password: str

    def url(self, dbname: str = "postgres", port: int = 0, query: str = "") -> str:
        """An address of a database in it, or of a pooler before it."""
        return f"postgres://admin:{self.password}@127.0.0.1:{port or self.port}/{dbname}{query}"

    @contextmanager
    def connected(self, dbname: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
        """A direct session, in autocommit."""
        with psycopg.connect(self.url(dbname), autocommit=True) as connection:
            yield connection


@contextmanager
def debian_postgres(**settings: str) -> Iterator[DebianPostgres]:
    """Starts a cluster; it is gone afterwards. Skips, saying so, where Debian's PostgreSQL 15 is not installed."""
    if not (BINARIES / "initdb").exists():
        pytest.skip(f"{BINARIES} is not there: install Debian's postgresql-15")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="debian-pg-", ignore_cleanup_errors=True)))
        account, password, port = server_account(), secrets.token_hex(12), stack.enter_context(held_port())
        (folder / "password").write_text(password)
        (folder / "data").mkdir()
        folder.chmod(0o755)
        give_to(folder, account)
        _as(account, [
            BINARIES / "initdb", "--auth=scram-sha-256", "--username=admin", "--encoding=UTF8", "--locale=C.UTF-8",
            f"--pwfile={folder / 'password'}", "--no-sync", folder / "data",
        ])  # fmt: skip
        fixed = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(folder),
                 "fsync": "off", **settings}  # fmt: skip
        words = " ".join(f"-c {name}={value}" for name, value in fixed.items())
        control = [BINARIES / "pg_ctl", "--pgdata", folder / "data", "--log", folder / "log", "--wait"]
        _as(account, [*control, "--options", words, "start"])
        stack.callback(_as, account, [*control, "--mode", "immediate", "stop"])
        yield DebianPostgres(folder, port, password)


@contextmanager
def pgbouncer(postgres: DebianPostgres, mode: str = "transaction", **settings: str) -> Iterator[int]:
    """PgBouncer before that cluster; gives its port. Skips, saying so, where it is not installed."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with held_port() as port, _pooling(postgres, program, port, mode, settings):
        yield port


@contextmanager
def _pooling(
    postgres: DebianPostgres, program: str, port: int, mode: str, settings: Mapping[str, str]
) -> Iterator[None]:
    folder = postgres.folder / f"pgbouncer-{secrets.token_hex(3)}"
    folder.mkdir()
    (folder / "users").write_text(f'"admin" "{postgres.password}"\n')
    more = {"ignore_startup_parameters": "extra_float_digits,options", **settings}
    (folder / "ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={postgres.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = scram-sha-256\nauth_file = {folder / 'users'}\npool_mode = {mode}\n"
        f"unix_socket_dir =\nlogfile = {folder / 'log'}\n" + "".join(f"{k} = {v}\n" for k, v in more.items())
    )
    account = server_account()
    give_to(folder, account)
    ids = {"user": account[0], "group": account[1], "extra_groups": []} if account else {}
    process = subprocess.Popen(
        [program, folder / "ini"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **ids,  # type: ignore[call-overload]
    )
    try:
        _until_it_listens(port, process)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def _as(account: tuple[int, int] | None, command: list[Any]) -> None:
    ids: dict[str, Any] = {"user": account[0], "group": account[1], "extra_groups": []} if account else {}
    subprocess.run(
        command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120, cwd="/",
        env={"PATH": os.defpath, "LANG": "C.UTF-8"}, **ids,
    )  # fmt: skip


def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "pgbouncer did not start"
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("pgbouncer does not listen")
