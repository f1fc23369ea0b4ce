"""A release that is bad: it calls a payment service that is not there. One slot runs it already."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import httpx

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["BadRelease"]

VERSION = "1.2.0"
SLOT = "api_2"
NOWHERE = "http://127.0.0.1:9/tap"  # the discard port: nobody listens
DEADLINE_S = 10.0


class BadRelease:
    """`releases` is the folder of releases with its symlink `current`; `url` is where the slot itself answers."""

    def __init__(self, control: ServiceControl, releases: Path, url: str) -> None:
        self._control = control
        self._releases = releases
        self._url = url
        self._before = ""

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{SLOT} runs the bad release {VERSION}"

    def arrange(self) -> None:
        """Makes the release, points `current` at it and restarts one slot. Raises FaultError when it does not start."""
        current = self._releases / "current"
        self._before = str(current.readlink())
        folder = self._releases / f"v{VERSION}"
        folder.mkdir(exist_ok=True)
        (folder / "release.env").write_text(f"APP_VERSION={VERSION}\nTAP_API_URL={NOWHERE}\n", "utf-8")
        current.unlink()
        current.symlink_to(folder.name)
        self._control.recreate([SLOT])

    def observe(self) -> Observation:
        """Asks the slot which version it is."""
        try:
            version = httpx.get(f"{self._url}/api/version", timeout=DEADLINE_S, trust_env=False).json()["version"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise FaultError(f"{SLOT} does not tell its version: {type(error).__name__}") from error
        if not isinstance(version, str):
            raise FaultError(f"{SLOT} tells no version")
        return Observation(version == VERSION, f"{SLOT} runs {version}")

    def clear(self) -> None:
        """Points `current` back and restarts the slot if it still runs the release."""
        if not self._before:
            return
        current = self._releases / "current"
        with contextlib.suppress(FileNotFoundError):
            current.unlink()
        current.symlink_to(self._before)
        if self.observe().present:
            self._control.recreate([SLOT])
        shutil.rmtree(self._releases / f"v{VERSION}", ignore_errors=True)
