"""Clients that stay within a rate limit: they wait when they are told to, and know that from a fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import httpx

__all__ = ["LONGEST_WAIT_S", "WAITED", "Patient", "Throttled", "is_throttled", "pause_s", "waited_s", "within"]

LONGEST_WAIT_S = 8.0  # for one request, all waits together
PATIENCE_S = 30.0  # for all requests of a client: a limit that others use up all the time never lets it through
_PAUSE_S = 0.62  # 100 requests a minute are one in 0.6 s
_ROOM_S = 1.4  # two requests' worth: the command that the page has next, often a plain curl, must not be refused
_TOO_MANY, _UNAVAILABLE = 429, 503
WAITED = "waited_s"  # the extension of an answer that holds it


class Throttled(Exception):
    """A limit refused the question, however long it waited: that says nothing about the platform."""

    def __init__(self) -> None:
        super().__init__(
            "throttled: the rate limit refused this, also after waiting; others use the same address. "
            "Nothing was found out. Wait a minute, then run it again"
        )


def is_throttled(answer: httpx.Response) -> bool:
    """429, or a 503 of nginx itself: its page is HTML, where the API's own 503 is JSON. The body must be read."""
    if answer.status_code == _TOO_MANY:
        return True
    if answer.status_code != _UNAVAILABLE or "application/json" in answer.headers.get("content-type", ""):
        return False
    return "nginx" in answer.text.lower() and "503 service temporarily unavailable" in answer.text.lower()


def waited_s(answer: httpx.Response) -> float:
    """How long the question waited for the limit, in seconds: no part of the answer's time."""
    return float(answer.extensions.get(WAITED, 0.0))


_RUNNING: ContextVar[asyncio.Timeout | None] = ContextVar("running", default=None)


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """A time limit for what is asked inside; waiting for a rate limit is no part of it. Raises TimeoutError."""
    async with asyncio.timeout(seconds) as limit:
        before = _RUNNING.set(limit)
        try:
            yield
        finally:
            _RUNNING.reset(before)


class Patient(httpx.AsyncHTTPTransport):
    """Asks again while a limit refuses, as long as `Retry-After` says, or a moment; in the end it raises Throttled.

    Nobody who asks can take a refusal for an answer. When it has waited for PATIENCE_S in all, it waits no more.
    Who had to wait used up the limit of everybody at this address, and leaves room for the next at the end.
    """

    def __init__(self, *, verify: Any) -> None:
        super().__init__(verify=verify)
        self._left_s = PATIENCE_S
        self._used_up = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request; what was refused did nothing, so every method is safe to send again."""
        began = time.monotonic()
        while True:
            asked = time.monotonic()
            answer = await super().handle_async_request(request)
            answer.extensions[WAITED] = asked - began
            if answer.status_code not in {_TOO_MANY, _UNAVAILABLE}:
                return answer
            await answer.aread()
            pause = pause_s(answer)
            if not is_throttled(answer):
                return answer
            if asked - began + pause > LONGEST_WAIT_S or pause > self._left_s:
                self._used_up = False  # by somebody who goes on: no wait of ours makes room
                raise Throttled
            self._left_s -= pause
            self._used_up = True
            if (limit := _RUNNING.get()) is not None and (end := limit.when()) is not None:
                limit.reschedule(end + pause)
            await asyncio.sleep(pause)

    async def __aexit__(self, *raised: Any) -> None:
        """Closes the connections; when the limit was used up here, waits until it lets somebody else through."""
        await super().__aexit__(*raised)
        if self._used_up:
            await asyncio.sleep(_ROOM_S)


def pause_s(answer: httpx.Response) -> float:
    """How long to wait before the next try: what it says, or a moment."""
    said = answer.headers.get("retry-after", "")
    return max(_PAUSE_S, float(said)) if said.isascii() and said.isdigit() else _PAUSE_S
