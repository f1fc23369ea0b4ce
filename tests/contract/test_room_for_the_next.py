"""A command that used up the rate limit does not leave the page's next command refused, on nginx itself."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from runbook_steps.operations.patient import Patient
from runbook_steps.stand_in.embedded.binaries import nginx_program
from tests.contract.conftest import Eventually

# Production's rate, and a burst that is soon used up.
_CONFIG = """\
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    limit_req_zone $binary_remote_addr zone=api:1m rate=100r/m;
    server {{
        listen 127.0.0.1:{port};
        location = /started {{ return 200; }}
        location / {{ limit_req zone=api burst=2 nodelay; try_files /none =404; }}
    }}
}}
"""


@pytest.fixture
def limited(tmp_path: Path, eventually: Eventually) -> Iterator[str]:
    """The address of an nginx that lets 100 requests a minute through; each is answered 404."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "nginx.conf"
    config.write_text(_CONFIG.format(folder=tmp_path, port=port), "utf-8")
    server = subprocess.Popen([nginx_program(), "-p", str(tmp_path), "-c", str(config)])
    address = f"http://127.0.0.1:{port}"

    def started() -> bool:
        try:
            return httpx.get(f"{address}/started").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    try:
        eventually(started)
        yield address
    finally:
        server.terminate()
        server.wait(10)


def test_the_next_command_is_not_refused(limited: str) -> None:
    """Five requests meet the limit and wait; whoever asks right behind them is answered."""

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=Patient(verify=False), base_url=limited) as client:
            return [(await client.get("/")).status_code for _ in range(5)]

    assert asyncio.run(ask()) == [404] * 5
    assert httpx.get(limited).status_code == httpx.codes.NOT_FOUND
