"""A third party that is slow: its stand-in waits before it answers."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import httpx

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["SlowThirdParty"]

DEADLINE_S = 20.0
SLOW_MS = 1000  # a third party that takes longer than this is slow


class SlowThirdParty:
    """`url` is where the platform reaches it, `name` what its stand-in is called, `delay_ms` how long it waits."""

    def __init__(self, name: str, url: str, delay_ms: int) -> None:
        parts = urlsplit(url)
        self._party = name
        self._url = url
        self._control = f"{parts.scheme}://{parts.netloc}/_control/{name}"
        self._delay_ms = delay_ms

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._party} is slow"

    def arrange(self) -> None:
        """Tells the stand-in to wait. Raises FaultError when it does not listen."""
        self._tell(self._delay_ms)

    def observe(self) -> Observation:
        """Measures one answer. Raises httpx.HTTPError where nobody answers: that is down, not slow."""
        began = time.perf_counter()
        try:
            httpx.get(self._url, timeout=DEADLINE_S, trust_env=False)
        except httpx.ReadTimeout:
            return Observation(True, f"{self._party} does not answer within {DEADLINE_S:g} s")
        took_ms = 1000 * (time.perf_counter() - began)
        return Observation(took_ms > SLOW_MS, f"{self._party} answers in {took_ms:.0f} ms")

    def clear(self) -> None:
        """Lets it answer at once."""
        self._tell(0)

    def _tell(self, delay_ms: int) -> None:
        order = {"status": httpx.codes.OK, "delay_ms": delay_ms}
        try:
            httpx.put(self._control, json=order, timeout=DEADLINE_S, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            raise FaultError(f"the stand-in of {self._party} takes no orders: {type(error).__name__}") from error
