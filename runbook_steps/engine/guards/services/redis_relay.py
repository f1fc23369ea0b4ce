"""Relays the Redis protocol (RESP 2 and 3 requests), and refuses commands that go beyond the risk."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass

from runbook_steps.engine.guards.services.listening import Incoming
from runbook_steps.engine.guards.services.redis_policy import refused_redis
from runbook_steps.engine.guards.services.streams import Refusal, Tell, Upstream, both_ways, connect, copy, shut
from runbook_steps.engine.model import Risk

__all__ = ["RedisRelay"]

_MAX_WORDS = 1024 * 1024  # Redis' own limits
_MAX_WORD = 512 * 1024 * 1024


@dataclass(frozen=True)
class RedisRelay:
    """One listening place."""

    upstream: Upstream
    risk: Risk
    tell: Tell

    async def __call__(self, incoming: Incoming) -> None:
        """Serves one client."""
        reader, writer = await incoming.streams()
        server: asyncio.StreamWriter | None = None
        try:
            from_server, server = await connect(self.upstream)
            await both_ways(
                asyncio.create_task(self._judged(reader, server, writer)),
                asyncio.create_task(copy(from_server, writer)),
            )
        except OSError as error:
            writer.write(f"-ERR the guard cannot reach Redis: {error}\r\n".encode())
        finally:
            await shut(server, writer)

    async def _judged(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        while True:
            try:
                raw, words = await _request(client)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            except (ValueError, asyncio.LimitOverrunError):
                self._refuse(back, "a request that is not the Redis protocol")
                return
            if refused := refused_redis(words, self.risk):
                self._refuse(back, refused)
                return
            server.write(raw)
            await server.drain()

    def _refuse(self, writer: asyncio.StreamWriter, operation: str) -> None:
        self.tell(Refusal("Redis", operation))
        text = f"-NOPERM refused by the guard: this procedure is {self.risk}, and this is {operation}\r\n"
        writer.write(text.encode())


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, list[bytes]]:
    """One request as it came, and its words. Raises ValueError when it is none."""
    line = await reader.readuntil(b"\r\n") if (first := await reader.readexactly(1)) == b"*" else b""
    if first != b"*":  # an inline command, as typed into a bare connection
        rest = b"" if first == b"\n" else await reader.readuntil(b"\n")
        return first + rest, [word.encode() for word in shlex.split((first + rest).decode("utf-8", "replace"))]
    count = int(line)
    if count > _MAX_WORDS:
        raise ValueError("too many words")
    raw, words = [first, line], []
    for _ in range(max(count, 0)):
        size_line = await reader.readuntil(b"\r\n")
        size = int(size_line[1:])
        if size_line[:1] != b"$" or not 0 <= size <= _MAX_WORD:
            raise ValueError("not a bulk string")
        word = await reader.readexactly(size + 2)
        raw += [size_line, word]
        words.append(word[:-2])
    return b"".join(raw), words
