"""The clients of the checks keep within a rate limit on a live target, and tell it from a fault."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.operations.patient import waited_s
from runbook_steps.steps import clients
from runbook_steps.steps.clients import Again

NGINX = b"<html><h1>503 Service Temporarily Unavailable</h1><hr>nginx</html>"


@contextmanager
def limited(refusals: int, body: bytes = NGINX, kind: str = "text/html") -> Iterator[str]:
    """A server that refuses so many requests with 503, and then answers."""
    left = [refusals]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            refuse, left[0] = left[0] > 0, left[0] - 1
            data = body if refuse else b"{}"
            self.send_response(503 if refuse else 200)
            self.send_header("Content-Type", kind if refuse else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def asked(url: str, *, patient: bool = True) -> httpx.Response:
    """One request of a check."""
    transport = Again(verify=ssl.create_default_context(), patient=patient)
    with httpx.Client(base_url=url, transport=transport, trust_env=False) as api:
        return api.get("/api/health")


def test_a_refusal_of_the_limit_is_waited_for_and_no_part_of_the_time() -> None:
    """As long as it lasts, within reason."""
    with limited(1) as url:
        answer = asked(url)
    assert answer.status_code == 200
    assert waited_s(answer) > 0


def test_a_limit_that_goes_on_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no answer of the platform."""
    monkeypatch.setattr(clients, "LONGEST_WAIT_S", 0.1)
    with limited(1000) as url, pytest.raises(CheckFailed, match="could not look: throttled: the rate limit refused"):
        asked(url)


def test_what_the_api_itself_says_is_an_answer() -> None:
    """Its 503 is JSON; and a drill that looks for the refusal sees it."""
    with limited(1, b'{"status": "unhealthy"}', "application/json") as url:
        assert asked(url).json() == {"status": "unhealthy"}
    with limited(1) as url:
        assert asked(url, patient=False).status_code == 503
