"""What a limit refuses is told from what the platform cannot do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import httpx
import pytest

from runbook_steps.operations import patient
from runbook_steps.operations.patient import Patient, Throttled, is_throttled, within

NGINX = "<html><head><title>503 Service Temporarily Unavailable</title></head><body><hr><center>nginx</center></body>"
OF_THE_API = '{"status":"unhealthy"}'


@pytest.mark.parametrize(
    ("answer", "throttled"),
    [
        (httpx.Response(429, json={"error": "TOO_MANY_REQUESTS"}), True),
        (httpx.Response(503, html=NGINX), True),
        (httpx.Response(503, content=OF_THE_API, headers={"content-type": "application/json"}), False),
        (httpx.Response(503, html="<html>maintenance</html>"), False),
        (httpx.Response(502, html=NGINX.replace("503", "502")), False),
        (httpx.Response(200, json={}), False),
    ],
)
def test_a_refusal_by_the_limit_is_known(answer: httpx.Response, throttled: bool) -> None:
    """429, and nginx's own page with 503; the application's 503 means that it cannot serve."""
    assert is_throttled(answer) is throttled


class _Refuses(BaseHTTPRequestHandler):
    """A platform whose limit others use up."""

    def do_GET(self) -> None:
        self.send_response(429)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a server that refuses everything with 429."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_limit_that_never_ends_uses_up_the_patience_once(refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten requests wait as long as two would, and each says that nothing was found out."""
    monkeypatch.setattr(patient, "_PAUSE_S", 0.05)
    monkeypatch.setattr(patient, "LONGEST_WAIT_S", 0.4)
    monkeypatch.setattr(patient, "PATIENCE_S", 0.6)
    slept: list[float] = []
    really = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await really(seconds)

    monkeypatch.setattr("runbook_steps.operations.patient.asyncio.sleep", sleep)

    async def ask() -> list[type[Exception]]:
        refused: list[type[Exception]] = []
        async with httpx.AsyncClient(transport=Patient(verify=False), base_url=refusing) as client:
            for _ in range(10):
                try:
                    await client.get("/")
                except Throttled as refusal:
                    refused.append(type(refusal))
        return refused

    assert asyncio.run(ask()) == [Throttled] * 10
    assert 0 < sum(slept) <= 0.6 + 0.001  # however long the machine takes besides


class _Skips(asyncio.SelectorEventLoop):
    """Its clock goes on by what was slept, at once: a busy machine takes none of the time limit by that."""

    skipped_s = 0.0

    def time(self) -> float:
        """In seconds."""
        return super().time() + self.skipped_s


def test_waiting_for_the_limit_is_no_part_of_a_time_limit(refusing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a checker that was throttled would call the platform too slow, and a rollback would be advised."""
    loop, really = _Skips(), asyncio.sleep

    async def sleep(seconds: float) -> None:
        loop.skipped_s += seconds
        await really(0)

    monkeypatch.setattr(patient, "time", SimpleNamespace(monotonic=loop.time))
    monkeypatch.setattr(patient, "asyncio", SimpleNamespace(sleep=sleep, timeout=asyncio.timeout))

    async def ask(limit_s: float) -> None:
        async with httpx.AsyncClient(transport=Patient(verify=False), base_url=refusing) as client, within(limit_s):
            await client.get("/")

    with asyncio.Runner(loop_factory=lambda: loop) as runner, pytest.raises(Throttled):
        runner.run(ask(5.0))
    assert loop.skipped_s > 5.0


def test_what_takes_too_long_by_itself_still_ends() -> None:
    """The time limit holds where nobody waits for a rate limit."""

    async def sleep() -> None:
        async with within(0.05):
            await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        asyncio.run(sleep())
