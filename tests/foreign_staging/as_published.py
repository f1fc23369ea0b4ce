"""The API as the published application answers: health always says healthy, plain HTTP leads to https, few routes.

Facts: production-as-published, sections 0 and 2. It stands behind a proxy with TLS as `X-Forwarded-Proto: https`
tells it; without, every answer is 301. 100 requests in 15 minutes for each address, health included.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

__all__ = ["AsPublished"]

LIMIT = 100
_LISTS = {"/api/providers", "/api/services"}


class AsPublished:
    """`with AsPublished() as api:` serves at `api.url`. `healthy` of the database is told and changes no status."""

    def __init__(self, *, proxied: bool = True) -> None:
        """`proxied`: a proxy in front says that it spoke https."""
        self.asked = 0
        self.database = "connected"
        self._proxied = proxied
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> AsPublished:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def answer(self, path: str) -> tuple[int, object]:
        """Status and body."""
        self.asked += 1
        if not self._proxied:
            return 301, ""
        if self.asked > LIMIT:
            return 429, {"success": False, "error": "TOO_MANY_REQUESTS"}
        if path == "/api/health":
            database = {"status": self.database, "responseTime": 12}
            return 200, {"success": True, "data": {"status": "healthy", "version": "1.0.0", "database": database}}
        if path in _LISTS:
            return 200, {"success": True, "data": {"data": [], "total": 0}}
        return 404, {"success": False, "error": "Not Found", "message": f"Route {path} not found"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = outer.answer(self.path.partition("?")[0])
                data = json.dumps(body).encode()
                self.send_response(status)
                if status == 301:
                    self.send_header("Location", f"https://api.example{self.path}")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                """No request line is written anywhere, as in the files of the published application."""

        return Handler
