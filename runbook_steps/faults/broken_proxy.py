"""A configuration of nginx with a mistake in it: valid on disk for nobody, not yet loaded."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from runbook_steps.engine.run.situation import Observation

__all__ = ["BrokenProxyConfiguration", "ProxyFile"]

_TEST_S = 20.0


class ProxyFile:
    """One file in a folder that nginx includes, taken away again; nginx is reloaded so that nothing of it stays."""

    def __init__(self, environment: Mapping[str, str], folder: str, name: str) -> None:
        self._environment = environment
        self.file = Path(environment["NGINX_PREFIX"]) / folder / name

    def nginx(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the target's nginx."""
        program = self._environment["PATH"].split(":")[0] + "/nginx"
        return subprocess.run(
            [program, *arguments],
            env=dict(self._environment),
            capture_output=True,
            text=True,
            timeout=_TEST_S,
            check=False,
        )

    def take_away(self) -> None:
        """Removes the file, if it is there, and lets nginx forget it."""
        if self.file.exists():
            self.file.unlink()
        self.nginx("-s", "reload")


class BrokenProxyConfiguration:
    """A misspelt directive in a file of its own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._own = ProxyFile(environment, "limits.d", "new-limits.conf")

    @property
    def name(self) -> str:
        """What is broken."""
        return "the configuration of nginx has a mistake"

    def arrange(self) -> None:
        """Writes it; nginx is not told."""
        self._own.file.write_text("# a limit for exports\nlimit_rqe_zone $uri zone=export:1m rate=1r/s;\n", "utf-8")

    def observe(self) -> Observation:
        """Lets nginx test its configuration."""
        done = self._own.nginx("-t")
        lines = done.stderr.strip().splitlines()
        return Observation(done.returncode != 0, lines[0] if lines else "no message")

    def clear(self) -> None:
        """Takes it away."""
        self._own.take_away()
