"""A third party that fails: its stand-in answers 503 to everything."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.run.situation import Observation

__all__ = ["ThirdPartyDown"]

DEADLINE_S = 10.0


class ThirdPartyDown:
    """`url` is where the platform reaches it, `name` what its stand-in is called: `tap`, `twilio`, `slack`."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        parts = urlsplit(url)
        self._control = f"{parts.scheme}://{parts.netloc}/_control/{name}"

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._name} is failing"

    def arrange(self) -> None:
        """Tells the stand-in to fail. Raises FaultError when it does not listen."""
        self._tell(503)

    def observe(self) -> Observation:
        """Asks it, as the platform does."""
        try:
            code = httpx.get(self._url, timeout=DEADLINE_S, trust_env=False).status_code
        except httpx.HTTPError as error:
            return Observation(True, f"{self._name} does not answer: {type(error).__name__}")
        return Observation(code >= httpx.codes.INTERNAL_SERVER_ERROR, f"{self._name} answers {code}")

    def clear(self) -> None:
        """Lets it answer well again."""
        self._tell(200)

    def _tell(self, status: int) -> None:
        try:
            httpx.put(
                self._control, json={"status": status, "delay_ms": 0}, timeout=DEADLINE_S, trust_env=False
            ).raise_for_status()
        except httpx.HTTPError as error:
            raise FaultError(f"the stand-in of {self._name} takes no orders: {type(error).__name__}") from error
