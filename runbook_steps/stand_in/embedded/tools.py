"""The commands a page finds on the target's PATH, which of them are stand-ins, and what versions run."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from runbook_steps.stand_in.embedded.binaries import nginx_program, postgres_bin, python, redis_server
from runbook_steps.stand_in.embedded.environment import search_path
from runbook_steps.stand_in.embedded.layout import API_SLOTS, Layout
from runbook_steps.stand_in.embedded.shims.common import RUN_DIR

__all__ = ["available", "emulated", "install", "versions"]

_PACKAGE = "runbook_steps.stand_in.embedded.shims"
# always ours: the real ones would act on this machine's own services
_ALWAYS = {
    "docker": "shim over supervised processes",
    "systemctl": "shim over supervised processes",
}
_WHEN_MISSING = {
    "redis-cli": "shim of this project",
    "curl": "shim on httpx",
}


def shims() -> Mapping[str, str]:
    """Command → what stands in for it here."""
    missing = {name: text for name, text in _WHEN_MISSING.items() if not _on_path(name)}
    return {**_ALWAYS, **missing}


def _on_path(name: str) -> bool:
    return name in _programs(search_path(None))


@cache  # asked a dozen times in each scenario: a folder of programs has thousands
def _programs(path: str) -> frozenset[str]:
    """The names of all programs in these folders; one that is installed meanwhile is not seen."""
    names: set[str] = set()
    for folder in path.split(os.pathsep):
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        names.update(entry.name for entry in entries if os.access(entry.path, os.X_OK) and not entry.is_dir())
    return frozenset(names)


def install(layout: Layout) -> None:
    """Writes the target's own commands into its bin folder."""
    for name in shims():
        module = name.replace("-", "_")
        program = f'{shlex.quote(python())} -P -m {_PACKAGE}.{module} "$@"'
        run = f"{RUN_DIR}={shlex.quote(str(layout.directory))}"
        _script(layout.bin / name, f"{run} exec {program}")
    prefix = shlex.quote(str(layout.nginx))
    where = f"-p {prefix} -c {prefix}/nginx.conf -e {prefix}/logs/error.log"
    _script(layout.bin / "nginx", f'exec {shlex.quote(str(nginx_program()))} {where} "$@"')


def _script(file: Path, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n", "utf-8")
    file.chmod(0o700)


def available() -> frozenset[str]:
    """The names of all executables on the target's PATH."""
    return frozenset({"nginx", *shims()}) | _programs(search_path(None))


def emulated() -> dict[str, str]:
    """Part or command → what stands in for production's."""
    return {
        "aws": f"moto server {_moto()}",
        "redis": f"{_redis_name()} (Redis protocol)",
        "kubernetes": "API emulator of this project over the API slots",
        "third_parties": "stand-ins of this project",
        **shims(),
    }


def _redis_name() -> str:
    words = _output(str(redis_server()), "--version").split()
    number = next((word.removeprefix("v=") for word in words if word.startswith("v=")), "")
    return f"{words[0] if words else 'Valkey'} {number}".strip()


def versions(layout: Layout, running: Iterable[str]) -> dict[str, str]:
    """Service → version, of those that run; slots are told as `api`."""
    names = set(running)
    tellers: dict[str, Callable[[], str]] = {
        "postgres": lambda: _last_word(_output(str(postgres_bin() / "postgres"), "--version")),
        "redis": _redis_name,
        "nginx": lambda: _last_word(_output(str(nginx_program()), "-v")),
        "aws": _moto,
    }
    told = {name: tell() for name, tell in tellers.items() if name in names}
    slots = sorted(names & set(API_SLOTS))
    return {**told, "api": _api_version(layout.ports[slots[0]])} if slots else told


def _api_version(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/api/version")
        return str(json.loads(connection.getresponse().read())["version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return "unknown"
    finally:
        connection.close()


def _last_word(text: str) -> str:
    return text.rsplit(maxsplit=1)[-1].rpartition("/")[2] if text.strip() else ""


@cache
def _moto() -> str:
    return version("moto")


@cache  # a program has one version as long as we run
def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return done.stdout + done.stderr
