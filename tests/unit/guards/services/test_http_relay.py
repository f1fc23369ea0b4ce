"""The relay of HTTP: what a client is told of its connection."""

from __future__ import annotations

import asyncio

import pytest

from runbook_steps.engine.guards.services.http_policy import Policy
from runbook_steps.engine.guards.services.http_relay import HttpRelay
from runbook_steps.engine.guards.services.listening import Listener
from runbook_steps.engine.guards.services.streams import Refusal, Upstream
from runbook_steps.engine.model import Risk

ASKED = b"GET /api/health HTTP/1.1\r\nHost: a\r\n\r\n"


def answered(said: bytes) -> bytes:
    """What a client of the relay gets when the real server says that, and ends the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async def ask() -> bytes:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        refusals: list[Refusal] = []
        upstream = Upstream("127.0.0.1", server.sockets[0].getsockname()[1])
        listener = Listener(HttpRelay("API", upstream, Policy(lambda *_: None), Risk.READONLY, refusals.append))
        accepting = asyncio.create_task(listener.accept())
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(ASKED)
        got = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        server.close()
        assert refusals == []
        return got

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("said", "got"),
    [
        (b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\nok", b"HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\n\r\nok"),
        (
            b"HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\r\n\r\n",
        ),
        (
            b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        ),
        (b"HTTP/1.1 200", b"HTTP/1.1 200"),
        (b"", b""),
    ],
)
def test_a_client_is_told_that_its_connection_ends(said: bytes, got: bytes) -> None:
    """Also when the server does not say so: the next request would be lost in a connection that closes."""
    assert got == answered(said)
