"""Links are asked on the public internet only, whatever name they go by."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from runbook_steps.engine.site.build import outside
from runbook_steps.engine.site.build.outside import Outside, answers


class _Tells(BaseHTTPRequestHandler):
    """Keeps who was asked for, and leads on where the path says."""

    asked: list[str]

    def do_GET(self) -> None:
        type(self).asked.append(self.headers["host"])
        self.send_response(302 if self.path.startswith("/to") else 200)
        self.send_header("location", self.path.removeprefix("/to"))
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is written."""


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server of this machine."""
    _Tells.asked = []
    found = ThreadingHTTPServer(("127.0.0.1", 0), _Tells)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found.server_port
    found.shutdown()
    found.server_close()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.1", "::1", "fe80::1%lo", "fd00::1", "224.0.0.1",
     "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "100.64.0.1", "64:ff9b::a00:1",
     "64:ff9b:1::1", "fec0::1", "::127.0.0.1", "::ffff:0:a00:1", "5f00::1", "2001:db8::1", "192.0.0.8"],
)  # fmt: skip
def test_what_is_inside_is_not_asked(server: int, address: str) -> None:
    """The network around it, this machine and the cloud's own address, by whatever name."""
    transport = Outside(lambda *_: ["93.184.215.14", address])
    refused = pytest.raises(httpx.ConnectError, match="no address of the public internet")
    with httpx.Client(transport=transport) as client, refused:
        client.get(f"http://innocent.example:{server}/")
    assert _Tells.asked == []


def test_a_redirect_is_judged_too(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address is public, and leads to one that is not."""
    monkeypatch.setattr(outside, "_is_public", lambda address: address == "127.0.0.1")
    known = {"public.example": ["127.0.0.1"], "inside.example": ["10.0.0.9"]}
    with httpx.Client(transport=Outside(lambda host, _: known[host]), follow_redirects=True) as client:
        assert client.get(f"http://public.example:{server}/to/here").status_code == httpx.codes.OK
        with pytest.raises(httpx.ConnectError, match="inside"):
            client.get(f"http://public.example:{server}/tohttp://inside.example/")
    assert _Tells.asked == [f"public.example:{server}"] * 3  # by its name, also behind a redirect


def test_an_address_of_this_machine_is_a_problem(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in words, and not asked."""
    monkeypatch.setattr(outside, "getproxies", dict)
    assert "no address of the public internet" in answers(f"http://localhost:{server}/")
    assert _Tells.asked == []


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:220:1:248:1893:25c8:1946", "2002:5db8:d70e::1"])
def test_what_is_outside_may_be_asked(address: str) -> None:
    """By either protocol, and through a relay that leads outside."""
    assert outside._is_public(address)
