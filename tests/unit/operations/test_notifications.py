"""A message to Slack: sent, or a warning that hides the URL; never an exception."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from runbook_steps.operations.notifications import notify

SECRET = "S3cr3t-in-URL"


@contextmanager
def slack(status: int, received: list[object]) -> Iterator[str]:
    """A webhook that answers with that status; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server calls it so
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/{SECRET}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_message_arrives() -> None:
    """At the webhook of its channel; at the common one it says for which channel it was meant."""
    received: list[object] = []
    with slack(200, received) as url:
        assert notify({"SLACK_WEBHOOK_BACKUP_ALERTS": url}, "#backup-alerts", "good") is True
        assert notify({"SLACK_WEBHOOK_URL": url}, "#backup-alerts", "good") is True
    assert received == [{"text": "good"}, {"text": "[for #backup-alerts] good"}]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_refused_message_warns(status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """And says what people should be told; the URL is a secret."""
    with slack(status, []) as url:
        assert notify({"SLACK_WEBHOOK_URL": url}, "#backup-alerts", "the news") is False
    said = capsys.readouterr()
    assert "#backup-alerts" in said.err
    assert "the news" in said.err
    assert SECRET not in said.err + said.out


@pytest.mark.parametrize(
    "url",
    [
        "",
        f"http://127.0.0.1:1/{SECRET}",
        f"http://[{SECRET}",
        f"{SECRET}://x",
        f"http://127.0.0.1:99999/{SECRET}",
        f"http://x\n{SECRET}",
        f"http://{SECRET}.invalid:port/",
        f"http://\udcff/{SECRET}",
        f"http://{'a' * 300}.invalid/{SECRET}",
    ],
)
def test_a_url_that_is_no_good_warns(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is wrong with it."""
    assert notify({"SLACK_WEBHOOK_URL": url}, "#backup-alerts", "the news") is False
    said = capsys.readouterr()
    assert said.err.startswith("warning: ")
    assert SECRET not in said.err + said.out
