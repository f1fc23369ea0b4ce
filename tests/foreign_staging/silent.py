"""Everything that answers and says nothing: what a check or a look may meet instead of an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["BODIES", "SILENCES", "STATUSES", "Silence", "silent"]

_JSON = {"Content-Type": "application/json"}
_HTML = {"Content-Type": "text/html"}


@dataclass(frozen=True)
class Silence:
    """What is answered to whatever is asked; a status of 0 is a connection that nobody takes."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


STATUSES: Mapping[str, Silence] = {
    "nobody listens": Silence(0),
    "301": Silence(301, headers={"Location": "https://api.example/"}),
    "302 to a page": Silence(302, "<html>moved</html>", {"Location": "https://login.example/", **_HTML}),
    "401": Silence(401, '{"error": "no token"}', _JSON),
    "403": Silence(403, '{"error": "forbidden"}', _JSON),
    "404": Silence(404, '{"error": "Not Found"}', _JSON),
    "429": Silence(429, "", {"Retry-After": "60"}),
    "500": Silence(500, "", _HTML),
    "503 of the limit": Silence(503, "<h1>503 Service Temporarily Unavailable</h1><hr>nginx", _HTML),
}
"""No answer of the one who was asked."""

BODIES: Mapping[str, Silence] = {
    "an empty body": Silence(),
    "HTML": Silence(200, "<html>Welcome</html>", _HTML),
    "an empty object": Silence(200, "{}", _JSON),
    "an empty array": Silence(200, "[]", _JSON),
    "null": Silence(200, "null", _JSON),
    "a number": Silence(200, "0", _JSON),
    "null values": Silence(
        200,
        '{"status": null, "version": null, "checks": null, "data": null, "workflow_runs": null, "by_endpoint": null,'
        ' "requests_24h": null, "errors_24h": null, "error_rate_percent": null, "providers": null, "services": null}',
        _JSON,
    ),
    "empty lists": Silence(
        200, '{"checks": [], "workflow_runs": [], "by_endpoint": [], "providers": [], "services": []}', _JSON
    ),
    "zero traffic": Silence(
        200, '{"requests_24h": 0, "errors_24h": 0, "error_rate_percent": 0, "by_endpoint": [], "checks": []}', _JSON
    ),
}
"""A status of 200, and nothing in it."""

SILENCES: Mapping[str, Silence] = {**STATUSES, **BODIES}


@contextmanager
def silent(kind: str) -> Iterator[str]:
    """The address of a server that answers so, to every method."""
    silence = SILENCES[kind]
    if not silence.status:
        with socket.socket() as held:  # bound and never listening: nobody else gets the port meanwhile
            held.bind(("127.0.0.1", 0))
            yield f"http://127.0.0.1:{held.getsockname()[1]}"
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(silence))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def _handler(silence: Silence) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            data = silence.body.encode()
            self.send_response(silence.status)
            for name, value in silence.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler
