"""A live target: staging or production, reached by URLs. Nothing here starts, stops or breaks anything."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from runbook_steps.engine.errors import ConfigurationError, TargetError
from runbook_steps.engine.model import Risk, TargetFacts
from runbook_steps.engine.targets.live_settings import LiveSettings, live_environment, secret_words

__all__ = ["LiveTarget"]

_CONNECT_S = 5.0
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_PART_OF = {  # the settings any of which says that a target has the part
    "postgres": ("database_url",),
    "redis": ("redis_url",),
    "api": ("api_base_url",),
    "nginx": ("api_base_url",),
    "aws": ("aws_endpoint_url", "aws_access_key_id", "aws_profile", "aws_role_arn", "aws_credentials"),
    "third_parties": ("tap_api_url",),
    "kubernetes": ("kubeconfig",),
}
_SHIM = "runbook_steps.stand_in.embedded.shims.redis_cli"
_ADDRESS_OF = {"postgres": "DATABASE_URL", "redis": "REDIS_URL", "api": "API_BASE_URL", "aws": "AWS_ENDPOINT_URL"}
_PORTS = {"postgres": 5432, "postgresql": 5432, "redis": 6379, "rediss": 6379, "http": 80, "https": 443}


class LiveTarget:
    """Staging or production. HOME and TMPDIR of its commands are private and removed by `close`."""

    control = None

    def __init__(self, name: str, settings: LiveSettings, allowed: Risk) -> None:
        """Raises ConfigurationError when nothing is configured."""
        self._name = name
        self._settings = settings
        self._allowed = allowed
        self._environment = live_environment(settings)
        self._home: Path | None = None
        if not self.parts:
            raise ConfigurationError(
                f"{name} is not configured: set {name.upper()}_API_BASE_URL, {name.upper()}_DATABASE_URL, "
                f"{name.upper()}_REDIS_URL … in the environment or in .env.{name}"
            )

    @property
    def name(self) -> str:
        """What evidence is filed under."""
        return self._name

    @property
    def parts(self) -> frozenset[str]:
        """The parts that are configured."""
        return frozenset(
            part for part, names in _PART_OF.items() if any(_said(getattr(self._settings, name)) for name in names)
        )

    @property
    def settings(self) -> LiveSettings:
        """What it was made from."""
        return self._settings

    @property
    def facts(self) -> TargetFacts:
        """Live: Given only observes; nothing is emulated, and what is not configured is not there."""
        return TargetFacts(
            name=self._name,
            disposable=False,
            allowed=self._allowed,
            tools=_tools() | {"redis-cli"},
            emulated={} if _has_redis_cli() else {"redis-cli": "shim of this project"},
            parts=self.parts,
        )

    def start(self, parts: Iterable[str]) -> None:
        """Looks that the parts listen. Raises TargetError naming those that do not."""
        silent = [found for part in sorted(set(parts) & self.parts) if (found := self._silent(part))]
        if silent:
            raise TargetError(f"{'; '.join(dict.fromkeys(silent))}. `runbooks target check {self._name}` tells more")

    def environment(self) -> Mapping[str, str]:
        """What the settings say, a PATH, and folders of its own."""
        home = self._own_folder()
        return {
            **self._environment,
            "PATH": os.pathsep.join((*_folders(), str(home / "bin"))),
            "HOME": str(home / "home"),
            "TMPDIR": str(home / "tmp"),
            "LANG": "C.UTF-8",
            "TZ": "Asia/Amman",
            "RUNBOOKS_TARGET": self._name,
        }

    def secrets(self) -> frozenset[str]:
        """Every secret of the settings."""
        return secret_words(self._settings)

    def versions(self) -> Mapping[str, str]:
        """Nothing is asked of a live target before a procedure does."""
        return {}

    def close(self) -> None:
        """Removes the private folder; idempotent."""
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _own_folder(self) -> Path:
        if self._home is None:
            self._home = Path(tempfile.mkdtemp(prefix="beautycort-live-"))
            for name in ("home", "tmp", "bin"):
                (self._home / name).mkdir(mode=0o700)
            if not _has_redis_cli():
                shim = self._home / "bin" / "redis-cli"
                shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m {_SHIM} "$@"\n', "utf-8")
                shim.chmod(0o700)
        return self._home

    def _silent(self, part: str) -> str:
        """What does not answer there, empty when it does."""
        variable = _ADDRESS_OF.get("api" if part == "nginx" else part, "")
        url = self._environment.get(variable, "")
        if not url:
            return ""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        try:
            socket.create_connection((host, port), timeout=_CONNECT_S).close()
        except OSError as error:
            return f"{part} does not answer at {host}:{port} ({error.strerror or error})"
        return ""


def _said(value: object) -> bool:
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return bool(text)


def _folders() -> tuple[str, ...]:
    return (str(Path(sys.executable).parent), *_SYSTEM_FOLDERS)


def _has_redis_cli() -> bool:
    return shutil.which("redis-cli", path=os.pathsep.join(_folders())) is not None


def _tools() -> frozenset[str]:
    names: set[str] = set()
    for folder in _folders():
        try:
            names.update(e.name for e in os.scandir(folder) if os.access(e.path, os.X_OK) and not e.is_dir())
        except OSError:
            continue
    return frozenset(names)
