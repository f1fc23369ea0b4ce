"""Compression that was switched off in the proxy's configuration."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import httpx

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["CompressionOff"]

ON, OFF = "gzip on;", "gzip off;"
DEADLINE_S = 20.0
PATH = "/api/services?limit=300"


class CompressionOff:
    """`config` is the proxy's file, `api` a client that goes through it."""

    def __init__(self, control: ServiceControl, config: Path, api: httpx.Client) -> None:
        self._control = control
        self._config = config
        self._api = api
        self._before: str | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return "nginx does not compress responses"

    def arrange(self) -> None:
        """Changes the one word and reloads. Raises FaultError when it is not there."""
        text = self._config.read_text("utf-8")
        if ON not in text:
            raise FaultError(f"{self._config} has no {ON!r}: it was changed before")
        self._before = text
        self._config.write_text(text.replace(ON, OFF), "utf-8")
        self._reload(compressed=False)

    def observe(self) -> Observation:
        """Asks for a compressed answer. Raises httpx.HTTPError where it is none that would be compressed."""
        answer = self._api.get(PATH, headers={"Accept-Encoding": "gzip"}).raise_for_status()
        encoding = answer.headers.get("Content-Encoding", "none")
        return Observation(encoding != "gzip", f"Content-Encoding: {encoding}")

    def clear(self) -> None:
        """Puts the file back, and reloads if the proxy still does not compress."""
        if self._before is None:
            return
        self._config.write_text(self._before, "utf-8")
        if self.observe().present:
            self._reload(compressed=True)

    def _reload(self, *, compressed: bool) -> None:
        self._control.reload("nginx")
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError):  # a connection that the old worker closes
                if self.observe().present is not compressed:
                    return
        raise FaultError("nginx was reloaded, but answers as before")
