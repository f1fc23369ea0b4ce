"""A bucket that only writes what it gets to files, for measuring: no checksum, no copy, nothing in memory.

The stand-in for S3 hashes every byte several times, on the cores that are measured; a real S3 has its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["plain_bucket"]

_READ = 1 << 20
_NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@contextmanager
def plain_bucket(folder: Path) -> Iterator[str]:
    """Its address; objects and parts become files of the folder."""

    class Handler(_Handler):
        home = folder

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """What `database-backup backup` asks of a bucket that is empty."""

    protocol_version = "HTTP/1.1"
    home: Path

    def do_PUT(self) -> None:
        """An object, or a part of one."""
        asked = parse_qs(urlsplit(self.path).query)
        part = "".join(asked.get("partNumber", ()))
        self._write(self._file(f".{part}" if part else ""))
        self._answer(etag=part or "whole")

    def do_POST(self) -> None:
        """A multipart upload begins, or is complete: its parts stay files of their own."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        kind = "Initiate" if "uploads" in urlsplit(self.path).query else "Complete"
        text = f"<{kind}MultipartUploadResult {_NAMESPACE}><UploadId>one</UploadId></{kind}MultipartUploadResult>"
        self._answer(text)

    def do_GET(self) -> None:
        """A list of nothing."""
        kind = "ListMultipartUploads" if "uploads" in urlsplit(self.path).query else "ListBucket"
        self._answer(f"<{kind}Result {_NAMESPACE}><IsTruncated>false</IsTruncated></{kind}Result>")

    def do_DELETE(self) -> None:
        """An object goes."""
        self._file().unlink(missing_ok=True)
        self._answer()

    def _file(self, ending: str = "") -> Path:
        return self.home / (unquote(urlsplit(self.path).path).strip("/").replace("/", "_") + ending)

    def _write(self, file: Path) -> None:
        left, block = int(self.headers["Content-Length"] or 0), memoryview(bytearray(_READ))
        with file.open("wb", buffering=0) as to:
            while left and (size := self.rfile.readinto(block[: min(left, _READ)])):
                to.write(block[:size])
                left -= size

    def _answer(self, text: str = "", *, etag: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        if etag:
            self.send_header("ETag", f'"{etag}"')
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing is printed between two measurements."""
