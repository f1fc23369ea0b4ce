"""What the guard reads of an HTTP request is what servers read of what it sends: h11, werkzeug (under moto), nginx.

`RUNBOOKS_FUZZ=100000 pytest tests/unit/guards/services/test_http_differential.py` tries that many messages with each.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h11
import pytest
from hypothesis import HealthCheck, example, given, settings
from werkzeug.serving import WSGIRequestHandler

from runbook_steps.engine.guards.services.http_message import RequestHead, read_request, written
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.stand_in.embedded.ports import hold_ports
from tests.made_up import try_many
from tests.unit.guards.services.http_messages import MESSAGE

_ASKED = ("host", "content-type", "content-length", "x-amz-target", "x-http-method-override", "authorization")
_OWN = ("connection", "transfer-encoding", "content-length")


@dataclass(frozen=True)
class Read:
    """A request as somebody reads it. `headers` are those that decide."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


# ── readers ──────────────────────────────────────────────────────────────────────────────────────
def by_the_guard(raw: bytes) -> tuple[Read, bytes] | None:
    """What the guard reads, and what it sends; None when it refuses."""

    async def reading() -> tuple[RequestHead, bytes] | None:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        request = await read_request(reader, lambda _: None)
        if request is None:
            return None
        body = b"".join([piece async for piece in request.pieces()]) if request.head.has_body else b""
        return request.head, body

    try:
        read = _LOOP.run_until_complete(reading())
    except Unreadable:
        return None
    if read is None:
        return None
    head, body = read
    connection, sent = written(head, length=None if head.chunked else len(body))
    sent += (connection.send(h11.Data(data=body)) or b"") if body else b""
    sent += connection.send(h11.EndOfMessage()) or b""
    said = {**head.headers, "content-length": str(len(body))}
    return Read(head.method, head.target, decisive(said), body), sent


_LOOP = asyncio.new_event_loop()


def decisive(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Those that decide what a request does; its framing is looked at by its body."""
    return tuple((name, headers[name]) for name in _ASKED if headers.get(name) and name not in _OWN)


def by_h11(sent: bytes) -> Read | None:
    """And nothing stands behind it."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(sent)
    request, body = server.next_event(), b""
    if not isinstance(request, h11.Request):
        return None
    while not isinstance(event := server.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        body += bytes(event.data)
    assert server.trailing_data == (b"", False)
    headers = {name.decode(): value.decode("latin-1") for name, value in request.headers}
    return Read(request.method.decode(), request.target.decode(), decisive(headers), body)


class _Handler(WSGIRequestHandler):
    """Reads from memory, as it would from a socket."""

    def __init__(self, sent: bytes) -> None:
        self.rfile, self.wfile = BytesIO(sent), BytesIO()
        self.client_address = ("127.0.0.1", 1)
        self.server: Any = SimpleNamespace(
            ssl_context=None, multithread=False, multiprocess=False, server_address=("127.0.0.1", 80)
        )
        self.connection: Any = None
        self.close_connection = True

    def log(self, *_: object, **__: object) -> None:
        """Nothing."""


def by_werkzeug(sent: bytes) -> Read | None:
    """As moto gets it; None when it answers 400 by itself."""
    handler = _Handler(sent)
    handler.raw_requestline = handler.rfile.readline(65537)  # type: ignore[attr-defined]
    if not handler.parse_request():
        return None
    environ = handler.make_environ()
    length = environ.get("CONTENT_LENGTH")
    chunked = environ.get("wsgi.input_terminated")
    body = environ["wsgi.input"].read() if chunked else environ["wsgi.input"].read(int(length or 0))
    assert handler.rfile.read() == b""
    headers = {name: environ.get(f"HTTP_{name.upper().replace('-', '_')}", "") for name in _ASKED}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    return Read(environ["REQUEST_METHOD"], environ["REQUEST_URI"], decisive(headers), body)


# ── the comparison ───────────────────────────────────────────────────────────────────────────────
def test_servers_read_what_the_guard_has_read() -> None:
    """Of whatever it lets through: one request, the same, to the last byte."""

    @given(MESSAGE)
    @example(b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\ncontent-length: 3\r\n\r\nabc")
    @example(b"GET / HTTP/1.0\r\n\r\n")
    @example(b"GET //a/b HTTP/1.1\r\nHost: h\r\n\r\n")
    @example(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n")
    @example(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked \r\n\r\n0\r\n\r\n")
    def compare(raw: bytes) -> None:
        found = by_the_guard(raw)
        if found is None:
            return
        read, sent = found
        assert by_h11(sent) == read
        werkzeug = by_werkzeug(sent)
        assert werkzeug is None or werkzeug == read

    try_many(compare)


def test_the_messages_are_not_all_refused() -> None:
    """A comparison of nothing would always hold."""
    seen: list[bool] = []

    @settings(max_examples=300, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(MESSAGE)
    def collect(raw: bytes) -> None:
        seen.append(by_the_guard(raw) is not None)

    collect()
    assert 0.3 < sum(seen) / len(seen) < 0.95


_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
_CONFIG = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{ listen 127.0.0.1:{port}; server_name _; location / {{
    add_header X-Read "$request_method|$request_uri|$http_host|$content_type|$http_x_amz_target|$http_authorization";
    return 204;
  }} }}
}}
"""


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Debian's; tells in a header what it read."""
    if _NGINX is None:
        pytest.skip("nginx is not installed")
    folder: Path = tmp_path_factory.mktemp("nginx")
    held = hold_ports(["nginx"])["nginx"]
    port = int(held.getsockname()[1])
    (folder / "conf").write_text(_CONFIG.format(folder=folder, port=port))
    process = subprocess.Popen([_NGINX, "-p", str(folder), "-c", str(folder / "conf")], stderr=subprocess.DEVNULL)
    try:
        while not _listens(port):
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait(60)
        held.close()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_nginx_reads_what_the_guard_has_read(nginx: int) -> None:
    """One request and one answer, whatever the guard lets through."""

    @given(MESSAGE)
    def compare(raw: bytes) -> None:
        found = by_the_guard(raw)
        if found is None:
            return
        read, sent = found
        with socket.create_connection(("127.0.0.1", nginx), 10) as client:
            client.sendall(sent)
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
        assert answer.count(b"HTTP/1.1 ") == 1
        if not answer.startswith(b"HTTP/1.1 204"):
            return  # it refuses by itself
        told = answer.decode("latin-1").partition("X-Read: ")[2].partition("\r\n")[0].split("|")
        said = dict(read.headers)
        asked = [said.get(name, "") for name in ("host", "content-type", "x-amz-target", "authorization")]
        assert "|".join(told) == "|".join([read.method, read.target, *asked])

    try_many(compare)
