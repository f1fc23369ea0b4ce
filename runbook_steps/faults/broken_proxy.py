"""A configuration of nginx with a mistake in it: valid on disk for nobody, not yet loaded."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere
from runbook_steps.engine.run.situation import Observation

__all__ = ["BrokenProxyConfiguration", "ProxyFile"]

_TEST_S = 20.0


class ProxyFile:
    """One file in a folder that nginx includes, taken away again; nginx is reloaded so that nothing of it stays."""

    def __init__(self, environment: Mapping[str, str], folder: str, name: str) -> None:
        self._environment = environment
        self._place = (folder, name)

    @property
    def file(self) -> Path:
        """The file, there or not."""
        return Path(self._environment["NGINX_PREFIX"], *self._place)

    def nginx(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the target's nginx."""
        program = shutil.which("nginx", path=self._environment["PATH"])
        if program is None:
            raise NotRunnableHere("nginx is not on this machine: look on its host")
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
        self._environment = environment
        self.where = ""
        """File and line of the mistake, as nginx names them: `/etc/nginx/limits.d/new-limits.conf:2`."""

    @functools.cached_property
    def _own(self) -> ProxyFile:
        return ProxyFile(self._environment, "limits.d", "new-limits.conf")

    @property
    def name(self) -> str:
        """What is broken."""
        return "the configuration of nginx has a mistake"

    def arrange(self) -> None:
        """Writes it; nginx is not told."""
        self._own.file.write_text("# a limit for exports\nlimit_rqe_zone $uri zone=export:1m rate=1r/s;\n", "utf-8")

    def observe(self) -> Observation:
        """Lets nginx test its configuration. Raises CheckFailed when it may not read what it must."""
        self.where = self.found()
        return Observation(bool(self.where), f"a mistake in {self.where}" if self.where else "nginx accepts it")

    def found(self) -> str:
        """File and line of the mistake; empty when the configuration is good."""
        done = ProxyFile(self._environment, "", "").nginx("-t")
        if done.returncode == 0:
            return ""
        said = done.stderr.strip()
        place = re.search(r"\[emerg\] .* in (\S+:\d+)$", said, re.MULTILINE)
        if place is None:
            raise CheckFailed(f"could not look, nginx cannot test: {said.splitlines()[0] if said else 'no word'}")
        return place[1]

    def clear(self) -> None:
        """Takes it away."""
        self._own.take_away()
