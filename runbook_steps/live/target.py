"""`PlatformTarget`: staging or production of the platform."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from runbook_steps.engine.errors import RefusedError
from runbook_steps.engine.targets.live import LiveTarget, search_folders
from runbook_steps.engine.targets.reachable import Reached, reach
from runbook_steps.live.settings import PlatformSettings, platform_environment
from runbook_steps.variables import explained_names

if TYPE_CHECKING:
    from runbook_steps.live.lock import DatabaseLock

__all__ = ["PlatformTarget"]

# redis-cli knows a variable for the password alone, nginx none; what the command itself says comes later, and wins
_REDIS_CLI = """#!/bin/sh
exec {program} ${{REDIS_USER:+--user "$REDIS_USER"}} ${{REDIS_DATABASE:+-n "$REDIS_DATABASE"}} \\
  ${{REDIS_TLS:+--tls}} "$@"
"""
_NGINX = """#!/bin/sh
exec {program} ${{NGINX_CONF:+-c "$NGINX_CONF"}} "$@"
"""
_SHIM = "runbook_steps.stand_in.embedded.shims.redis_cli"


class PlatformTarget(LiveTarget):
    """Made with `make`, as every live target."""

    kind: ClassVar = PlatformSettings
    part_settings: ClassVar = {
        "postgres": ("database_url",),
        "redis": ("redis_url",),
        "api": ("api_base_url",),
        "nginx": ("api_base_url",),
        "aws": ("aws_endpoint_url", "aws_access_key_id", "aws_profile", "aws_role_arn", "aws_credentials"),
        "third_parties": ("tap_api_url",),
        "kubernetes": ("kubeconfig",),
    }
    addresses: ClassVar = {
        "postgres": "DATABASE_URL",
        "redis": "REDIS_URL",
        "api": "API_BASE_URL",
        "nginx": "API_BASE_URL",
        "aws": "AWS_ENDPOINT_URL",
    }
    as_it_is_set: ClassVar = {"redis-cli": _REDIS_CLI, "nginx": _NGINX}

    def variables(self) -> dict[str, str]:
        """With PG* and REDIS_* of the URLs."""
        if not isinstance(self._live, PlatformSettings):
            raise TypeError(f"{self._live!r} are no settings of the platform")
        return platform_environment(self._live)

    def own_commands(self) -> Mapping[str, str]:
        """`redis-cli`, where this machine has none."""
        if shutil.which("redis-cli", path=os.pathsep.join(search_folders())):
            return {}
        return {"redis-cli": f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m {_SHIM} "$@"\n'}

    def explained(self) -> frozenset[str]:
        """What the pages say of their variables and parameters."""
        return explained_names(self._settings.root)

    def lock(self, run: str) -> DatabaseLock:
        """A lock of its database: it holds for runs of every machine. Raises RefusedError, TargetError."""
        from runbook_steps.live.lock import DatabaseLock  # noqa: PLC0415 - a run that only reads takes none

        url = self._environment.get("DATABASE_URL", "")
        if not url:
            raise RefusedError(
                f"{self.name} has no database configured, and the lock against a second run is kept there: "
                f"set {self.name.upper()}_DATABASE_URL"
            )
        return DatabaseLock.take(url, run)

    def reachable(self, environment: Mapping[str, str]) -> Iterator[Reached]:
        """Asks every part in turn, each at most 5 seconds."""
        from runbook_steps.live.reachable import AWAY, QUESTIONS  # noqa: PLC0415 - the clients are costly to import

        return reach(environment, QUESTIONS, AWAY)

    def nothing_configured(self) -> str:
        """With the names of what is set first."""
        prefix = self.name.upper()
        return (
            f"{self.name} is not configured: set {prefix}_API_BASE_URL, {prefix}_DATABASE_URL, "
            f"{prefix}_REDIS_URL … in the environment or in .env.{self.name}"
        )
