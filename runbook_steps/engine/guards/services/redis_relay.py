"""Relays the Redis protocol, and refuses commands that go beyond the risk: the shape of `relay`, for Redis."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

from runbook_steps.engine.guards.services.listening import Incoming
from runbook_steps.engine.guards.services.redis_held import Held
from runbook_steps.engine.guards.services.redis_policy import (
    Memory,
    name_of,
    refused_entry,
    refused_limit,
    refused_redis,
    sets_limit,
)
from runbook_steps.engine.guards.services.redis_wire import (
    Reply,
    ServerError,
    Words,
    read_reply,
    read_words,
    said,
    write_words,
)
from runbook_steps.engine.guards.services.relay import Refused, Shape, pass_on
from runbook_steps.engine.guards.services.streams import (
    Refusal,
    Tell,
    Upstream,
    both_ways,
    connect,
    copy,
    hear_out,
    shut,
)
from runbook_steps.engine.model import Risk
from runbook_steps.engine.text.not_held import BY_THE_GUARD

__all__ = ["RedisRelay"]

_ASK_S = 5.0
_MOST_CREDENTIALS = 8
_FIRST = frozenset({"auth", "hello", "reset", "quit"})  # before one is signed in nothing can be asked
_PAIR = "name its files in the address, rediss://…?ssl_certfile=/path&ssl_keyfile=/path"
_HELLO = {b"auth": 2, b"setname": 1}  # how many words follow each of its options
Credentials = tuple[bytes, ...]


@dataclass(frozen=True)
class RedisRelay:
    """One listening place. For all its clients: what the server said of a command, and the credentials tried."""

    upstream: Upstream
    risk: Risk
    tell: Tell
    entries: dict[tuple[str, tuple[Credentials, ...]], Reply] = field(default_factory=dict)
    tried: set[Credentials] = field(default_factory=set)

    async def __call__(self, incoming: Incoming) -> None:
        """Serves one client."""
        reader, writer = await incoming.streams()
        server: asyncio.StreamWriter | None = None
        try:
            from_server, server = await connect(self.upstream)
            shape = Shape(read_words, _Client(self).judge, write_words)
            await both_ways(
                asyncio.create_task(self._requests(shape, reader, server, writer)),
                asyncio.create_task(_answers(from_server, writer)),
            )
        except OSError as error:
            writer.write(f"-ERR the guard cannot reach Redis: {error}\r\n".encode())
        finally:
            await shut(server)
            try:
                await hear_out(reader, writer)
            finally:
                await shut(writer)

    async def _requests(
        self,
        shape: Shape[Words],
        client: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
    ) -> None:
        try:
            await pass_on(shape, client, server)
        except Refused as refused:
            self.tell(Refusal("Redis", str(refused)))
            said_to_client = f"{BY_THE_GUARD}this procedure is {self.risk}, and this is {refused}"
            back.write(f"-NOPERM {said_to_client}\r\n".encode())


async def _answers(server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every byte of the server; a server that ends TLS behind the handshake says why, and the client is told."""
    try:
        await copy(server, writer)
    except ssl.SSLError as error:
        wants = "CERTIFICATE_REQUIRED" in str(error) or "HANDSHAKE_FAILURE" in str(error)
        why = f"it asks its clients for a certificate: {_PAIR}" if wants else f"{error}"
        writer.write(f"-ERR Redis ended the connection: {why}\r\n".encode())


class _Client:
    """One client's requests, judged. It remembers how the client signed in, to ask the server the same way."""

    def __init__(self, relay: RedisRelay) -> None:
        self._relay = relay
        self._held = Held()
        self._credentials: tuple[Credentials, ...] = ()  # the last first: the server may have said no to it

    async def judge(self, request: Words) -> str | None:
        """What of it goes beyond the risk: by the list, and by what the server says of its own command."""
        risk = self._relay.risk
        if refused := refused_redis(request.words, risk):
            return refused
        name = name_of(request)
        if risk is not Risk.DESTRUCTIVE and (refused := self._held.too_much(name, request.words)):
            return refused
        if name in _FIRST:
            return self._remember(request)
        asked = name, self._credentials  # who is not signed in yet is told nothing
        if asked not in self._relay.entries:
            answers = await self._asked((b"COMMAND", b"INFO", name.encode()))
            self._relay.entries[asked] = next(iter(said(answers)), None)
        if refused := refused_entry(name, self._relay.entries[asked]):
            return refused
        return refused_limit(request, await self._memory()) if sets_limit(request) else None

    def _remember(self, request: Words) -> str | None:
        """How it signs in; what is wrong with doing so by ever other words: each is logged, and the log has an end."""
        found = _signs_in(request.words)
        if found is None:
            return "signing in in a way that cannot be read"
        if found:
            self._credentials = (found, *(each for each in self._credentials if each != found))
            self._relay.tried.add(found)
        return "signing in by ever other words" if len(self._relay.tried) > _MOST_CREDENTIALS else None

    async def _memory(self) -> Memory | None:
        found = await self._asked((b"INFO",))
        lines = found.decode("utf-8", "replace").splitlines() if isinstance(found, bytes) else []
        values = dict(line.split(":", 1) for line in lines if ":" in line)
        try:
            used, limit, clients = (int(values[name]) for name in ("used_memory", "maxmemory", "maxclients"))
            return Memory(used, limit, values["maxmemory_policy"], clients)
        except (KeyError, ValueError):
            return None

    async def _asked(self, words: tuple[bytes, ...]) -> Reply:
        """What the server answers on a connection of the guard's own; None when it does not.

        A server with no place for another client, or a user who may not ask, leaves the list alone to judge by.
        """
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(_ASK_S):
                reader, writer = await connect(self._relay.upstream)
                for each in self._credentials:
                    writer.write(write_words(Words((b"AUTH", *each))))
                    if not isinstance(await read_reply(reader), ServerError):
                        break
                writer.write(write_words(Words(words)))
                return await read_reply(reader)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            return None
        finally:
            await shut(writer)


def _signs_in(words: Credentials) -> Credentials | None:
    """What it signs in with, read as the server does; nothing where it does not. None where it cannot be read so.

    The name of a client may be called as an option.
    """
    name, found, at = words[0].lower(), dict[bytes, Credentials](), 2
    if name == b"auth":
        return words[1:] if len(words) in {2, 3} else None
    while name == b"hello" and at < len(words):
        option = words[at].lower()
        taken = _HELLO.get(option)
        if taken is None or option in found or at + taken >= len(words):
            return None
        found[option] = words[at + 1 : at + 1 + taken]
        at += 1 + taken
    return found.get(b"auth", ())
