"""`runbooks target check`: an answer alone is not good news, and every part has its line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from runbook_steps.engine.targets.reachable import Reached, reach
from runbook_steps.live.reachable import AWAY, QUESTIONS
from runbook_steps.live.settings import PlatformSettings, platform_environment


@contextmanager
def answering(**status_of: int) -> Iterator[str]:
    """A server that answers each path, by its last word, with that status, and others with 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = status_of.get(self.path.partition("?")[0].rpartition("/")[2], 404)
            answer = json.dumps({"gitVersion": "v1.30.0", "message": "pods is forbidden"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def row(part: str, environment: dict[str, str]) -> Reached:
    """What is said of the part."""
    return next(each for each in reach(environment, QUESTIONS, AWAY) if each.part == part)


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (301, False), (404, False), (503, False)])
def test_the_status_of_an_answer_counts(status: int, good: bool) -> None:
    """A wrong path answers as well."""
    with answering(health=status) as url:
        found = row("api", {"API_BASE_URL": url})
    silent = ", and does not say that it is healthy" if good else ""
    assert found == Reached("api", good, f"GET /api/health answers {status}{silent}")


@pytest.mark.parametrize(
    ("body", "kind", "good", "said"),
    [
        ('{"status": "healthy"}', "application/json", True, ""),
        ('{"data": {"status": "healthy", "database": {"status": "connected"}}}', "application/json", True, ""),
        ('{"data": {"status": "healthy", "database": {"status": "error"}}}', "application/json", False, "database is"),
        ('{"status": "degraded"}', "application/json", False, "status degraded: it cannot serve"),
        ("<html>Welcome</html>", "text/html", False, "with a page (HTML)"),
        ("[]", "application/json", True, "does not say that it is healthy"),
        ("null", "application/json", True, "does not say that it is healthy"),
    ],
)
def test_what_the_api_says_of_itself_counts(
    monkeypatch: pytest.MonkeyPatch, body: str, kind: str, good: bool, said: str
) -> None:
    """A status of 200 is no word on its health."""
    answer = httpx.Response(200, text=body, headers={"Content-Type": kind})
    monkeypatch.setattr(httpx.Client, "get", lambda *_: answer)
    found = row("api", {"API_BASE_URL": "http://127.0.0.1:9"})
    assert found.good is good
    assert said in found.rights


def test_kubernetes_has_its_line(tmp_path: Path) -> None:
    """What it is, and what may be seen there; red with the reason that it gives."""
    file = tmp_path / "k"
    with answering(version=200, pods=200) as url:
        file.write_text(kubeconfig(url))
        assert row("kubernetes", {"KUBECONFIG": str(file)}) == Reached(
            "kubernetes", True, "v1.30.0, may list the pods of shop"
        )
    with answering(version=200, pods=403) as url:
        file.write_text(kubeconfig(url))
        assert row("kubernetes", {"KUBECONFIG": str(file)}) == Reached("kubernetes", False, "pods is forbidden")
    assert row("kubernetes", {"KUBECONFIG": str(file)}).good is False
    assert row("kubernetes", {}) == Reached("kubernetes", None, "not configured (KUBECONFIG is not set)")


def kubeconfig(url: str) -> str:
    """As the guard writes it."""
    return yaml.safe_dump({
        "clusters": [{"name": "guard", "cluster": {"server": url}}],
        "contexts": [{"name": "guard", "context": {"cluster": "guard", "namespace": "shop"}}],
    })  # fmt: skip


@pytest.mark.parametrize(
    ("said", "handed"),
    [
        ("https://a.example/", "https://a.example"),
        ("https://a.example//", "https://a.example"),
        ("https://a.example/base/", "https://a.example/base"),
        ("https://a.example", "https://a.example"),
        ("https://a.example/?x=/", "https://a.example/?x=/"),
    ],
)
def test_a_base_url_is_one_with_and_without_its_last_slash(said: str, handed: str) -> None:
    """A path is put behind it."""
    assert platform_environment(PlatformSettings(api_base_url=said))["API_BASE_URL"] == handed


class Answering:
    """A database that answers one row, to whoever comes."""

    def __init__(self, *row: object) -> None:
        self.row = row

    def __call__(self, *_: object, **__: object) -> Any:
        return self

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def execute(self, query: str) -> Any:
        """Where all tables are looked for, whatever schema they are in."""
        assert "'public'" not in query
        return self

    def fetchone(self) -> Any:
        """The row."""
        return self.row


@pytest.mark.parametrize(
    ("row_", "said"),
    [
        (("app", False, False, 7, 9), "as app: may write 7 of 9 tables"),
        (("app", False, False, 0, 0), "as app: it holds no table: is it the right database?"),
        (("app", True, False, 7, 9), "as app: a superuser"),
        (("app", False, True, 9, 9), "as app: may write 9 of 9 tables, on a replica, which takes no change"),
    ],
)
def test_what_a_database_is_is_said(monkeypatch: pytest.MonkeyPatch, row_: tuple[object, ...], said: str) -> None:
    """Its rights alone do not tell that it is empty, or another's replica."""
    monkeypatch.setattr("psycopg.connect", Answering(*row_))
    assert row("postgres", {"DATABASE_URL": "postgresql://app@127.0.0.1:9/salon"}) == Reached("postgres", True, said)


def test_a_refusal_of_the_guard_is_said_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not behind what a driver makes of it, with a port that nobody knows."""
    refused = "refused by the guard: this procedure is readonly, and this is a session that the server does not hold"

    def connect(*_: object, **__: object) -> None:
        raise psycopg.OperationalError(f'connection to server at "127.0.0.1", port 4 failed: FATAL:  {refused}')

    monkeypatch.setattr("psycopg.connect", connect)
    found = row("postgres", {"DATABASE_URL": "postgresql://app@127.0.0.1:9/salon"})
    assert found == Reached("postgres", False, refused)
