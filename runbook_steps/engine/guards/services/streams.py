"""What every relay shares: where the real service is, who is told of a refusal, bytes one way and the other."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Refusal", "Tell", "Upstream", "both_ways", "connect", "hear_out", "shut"]

CONNECT_S = 10.0
CHUNK = 65536
HEAR_OUT_S = 2.0


@dataclass(frozen=True)
class Upstream:
    """Where the real service listens; `tls` is None for plain TCP, `tls_name` its certificate's name, if another."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    tls_name: str = ""


@dataclass(frozen=True)
class Refusal:
    """What a command tried and was not let do: `Redis`, `FLUSHALL`."""

    part: str
    operation: str

    def __str__(self) -> str:
        return f"{self.part}: {self.operation}"


Tell = Callable[[Refusal], None]


async def connect(upstream: Upstream) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the real service. Raises OSError when it cannot be reached within CONNECT_S seconds.

    A host that is a path is the folder of PostgreSQL's socket; without a port, it is a socket.
    """
    if upstream.host.startswith("/"):
        file = f"{upstream.host}/.s.PGSQL.{upstream.port}" if upstream.port else upstream.host
        local = asyncio.open_unix_connection(file)
        return await asyncio.wait_for(local, CONNECT_S)
    opening = asyncio.open_connection(
        upstream.host,
        upstream.port,
        ssl=upstream.tls,
        server_hostname=(upstream.tls_name or upstream.host) if upstream.tls else None,
    )
    return await asyncio.wait_for(opening, CONNECT_S)


async def both_ways(first: asyncio.Task[None], second: asyncio.Task[None]) -> None:
    """Runs until either direction ends, then ends the other."""
    _, pending = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(first, second, return_exceptions=True)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every byte, until the end of the stream, which is handed on."""
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    with contextlib.suppress(OSError, NotImplementedError):
        writer.write_eof()


async def hear_out(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends what is said to a client, and reads on until it has ended too, or for HEAR_OUT_S seconds.

    A connection that is closed before its client has written ends the client by SIGPIPE: it never reads why.
    """
    with contextlib.suppress(OSError):
        writer.write_eof()
        async with asyncio.timeout(HEAR_OUT_S):
            while await reader.read(CHUNK):
                pass


async def shut(*writers: asyncio.StreamWriter | None) -> None:
    """Closes, whatever state they are in: all at once, because the end of a TLS connection may be waited for.

    Whoever is cancelled waits no more, and leaves nothing open.
    """
    there = [writer for writer in writers if writer is not None]
    for writer in there:
        writer.close()
    for writer in there:
        try:
            await writer.wait_closed()
        except asyncio.CancelledError:
            writer.transport.abort()
        except (OSError, ssl.SSLError):
            continue
