"""The desk: `python -m lending.service PORT DATABASE`. GET /health and /overdue, POST /lend and /return."""

from __future__ import annotations

import json
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DUE = {"/lend": "2000-01-01", "/return": None}


def make_shelf(database: str) -> None:
    """One book, that nobody has."""
    with sqlite3.connect(database) as shelf:
        shelf.execute("CREATE TABLE IF NOT EXISTS books (title TEXT PRIMARY KEY, due TEXT)")
        shelf.execute("INSERT OR IGNORE INTO books VALUES ('Moby Dick', NULL)")


def overdue(database: str) -> list[str]:
    """The titles that should be back."""
    with sqlite3.connect(database) as shelf:
        return [title for (title,) in shelf.execute("SELECT title FROM books WHERE due < date('now')")]


def serve(port: int, database: str) -> None:
    """Until it is ended."""

    class Desk(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(overdue(database) if self.path == "/overdue" else "open")

        def do_POST(self) -> None:
            with sqlite3.connect(database) as shelf:
                shelf.execute("UPDATE books SET due = ?", [DUE[self.path]])
            self._answer("done")

        def _answer(self, said: object) -> None:
            body = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    ThreadingHTTPServer(("127.0.0.1", port), Desk).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
