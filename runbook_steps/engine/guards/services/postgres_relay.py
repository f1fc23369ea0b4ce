"""Relays PostgreSQL's protocol and ends the session that goes too far: the shape of `relay`, for PostgreSQL.

The client side is plain TCP on the loopback; to the real server it is what the URL says.
"""

from __future__ import annotations

import asyncio
import re
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from runbook_steps.engine.guards.services.listening import Incoming
from runbook_steps.engine.guards.services.postgres_session import (
    Locked,
    Session,
    Way,
    bound,
    connected,
    open_session,
    read_only_held,
    the_catalogue,
)
from runbook_steps.engine.guards.services.postgres_wire import (
    CANCEL,
    AtWork,
    Message,
    Part,
    Startup,
    error_message,
    read_message,
    read_startup,
    write_message,
    write_startup,
)
from runbook_steps.engine.guards.services.relay import Refused, Shape, Unreadable, pass_on
from runbook_steps.engine.guards.services.sql_catalogue_query import lasts
from runbook_steps.engine.guards.services.sql_child import SqlParser
from runbook_steps.engine.guards.services.sql_settings import refused_setting
from runbook_steps.engine.guards.services.sql_shared import SHARED
from runbook_steps.engine.guards.services.streams import CHUNK, Refusal, Tell, Upstream, both_ways, hear_out, shut
from runbook_steps.engine.model import Risk
from runbook_steps.engine.postgres.pooled import keeps_sessions
from runbook_steps.engine.text.not_held import BY_THE_GUARD

__all__ = ["PostgresRelay"]

_OPTION = re.compile(r"(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)(?:\s+|$)")
_CONNECTING = frozenset({"user", "database", "options", "client_encoding"})
_WROTE = b"\0C25006\0"  # of an error: the read-only session refused what a function or a rule does
_EMPTY, _FILLED = '"empty" : true', '"empty" : false'
_STOP_S = 3.0
_CATALOGUE_S = 30.0  # how long what a database said of itself is taken as true


@dataclass(frozen=True)
class PostgresRelay:
    """One listening place. `ways` are tried in turn; `catalogues` are kept with when they were read.

    By database, and by role: which settings hold a password is only told to those who may read it. `own` are the
    databases that were empty when this guard first saw them: what stands in them is this run's, however long it takes.
    `addresses` are libpq's parameters of this server as the run has them; `keeping` says of whose sessions a pooler
    keeps one for each client.
    """

    upstream: Upstream
    ways: tuple[Way, ...]
    risk: Risk
    tell: Tell
    parser: SqlParser
    catalogues: dict[tuple[str, str], tuple[float, str]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    addresses: tuple[Mapping[str, str], ...] = ()
    keeping: dict[tuple[str, str], bool] = field(default_factory=dict)

    async def __call__(self, incoming: Incoming) -> None:
        """Serves one client."""
        reader, writer = await incoming.streams()
        session: Session | None = None
        try:
            startup = await read_startup(reader, writer)
            if startup is not None and startup.cancel:
                await self._cancel(startup)
            elif startup is not None:
                session = await self._opened(startup, (reader, writer))
            if session is not None and startup is not None:
                await self._served(session, await self._catalogue(session, startup), reader, writer)
        except (Refused, Unreadable) as refused:
            self._refuse(writer, str(refused))
        except Locked as locked:
            writer.write(error_message("55P03", str(locked)))
        except (OSError, EOFError, ValueError, struct.error) as error:
            writer.write(error_message("08006", f"the guard could not reach or follow PostgreSQL: {error}"))
        finally:
            await shut(session.writer if session else None, writer)

    async def _opened(
        self, startup: Startup, client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    ) -> Session | None:
        """A session that the server holds to reading, where only reading is allowed."""
        if refused := refused_parameters(startup.parameters, self.risk):
            raise Refused(refused)
        await self.parser.ready()
        reading = self.risk is Risk.READONLY
        startup = replace(startup, parameters={**startup.parameters, "client_encoding": "UTF8"})
        session = await open_session(self.upstream, self.ways, startup, client, reading=reading)
        if session is None:
            return None
        try:
            held = await read_only_held(session, reading=reading)
        except BaseException:
            await shut(session.writer)
            raise
        if held.refused:
            await shut(session.writer)
            raise Refused(held.refused)
        session = replace(session, shared=held.shared and not await self._kept(startup))
        if reading and not session.shared:
            await bound(session)
        return session

    async def _kept(self, startup: Startup) -> bool:
        """Whether the pooler in between keeps a session for one client: at `mutating`, where that makes a difference.

        Asked once, with the run's own word, for the same role and database; without one it is taken to lend them.
        """
        user = startup.parameters.get("user", "")
        whose = (startup.parameters.get("database", user), user)
        if self.risk is Risk.READONLY:
            return False
        if whose not in self.keeping:
            known = next((each for each in self.addresses if _whose(each) == whose), None)
            self.keeping[whose] = known is not None and await asyncio.to_thread(keeps_sessions, known)
        return self.keeping[whose]

    async def _catalogue(self, session: Session, startup: Startup) -> str:
        user = startup.parameters.get("user", "")
        whose = (startup.parameters.get("database", user), user)
        read_at, found = self.catalogues.get(whose, (0.0, ""))
        if not found or time.monotonic() - read_at > _CATALOGUE_S:
            found = await the_catalogue(session)
            if _EMPTY in found:
                self.own.add(whose[0])
            elif whose[0] in self.own:
                found = found.replace(_FILLED, _EMPTY)
            if lasts(found):
                self.catalogues[whose] = (time.monotonic(), found)
        return found

    async def _served(
        self, session: Session, catalogue: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        prepared: set[Part] = {b""}
        at_work = AtWork()

        def write(message: Message) -> bytes:
            at_work.sent(message.kind)
            return write_message(message)

        async def judge(message: Message) -> str | None:
            if session.shared and (refused := refused_name(message, prepared, self.risk)):
                return refused
            return await self._refused(message, catalogue, shared=session.shared)

        async def requests() -> None:
            try:
                await pass_on(Shape(read_message, judge, write), reader, session.writer)
            except Refused as refused:
                self._refuse(writer, str(refused))
                await hear_out(reader, writer)  # what stands behind it in the same breath

        writer.write(session.ready.whole)
        try:
            answers = self._answered(session.reader, writer, at_work)
            await both_ways(asyncio.create_task(requests()), asyncio.create_task(answers))
        finally:
            if at_work and session.key:
                await self._stop(session)

    async def _refused(self, message: Message, catalogue: str, *, shared: bool) -> str | None:
        if message.kind == b"F":
            return "a function call message"
        if message.kind == b"p":
            return "a password after signing in"
        if message.kind not in {b"Q", b"P"}:
            return None
        text: Any = message.parts[0 if message.kind == b"Q" else 1]
        types: Any = message.parts[2] if message.kind == b"P" else ()
        try:
            return await self.parser.refused(text.decode("utf-8"), self.risk, catalogue, types, shared=shared)
        except UnicodeDecodeError:
            return "SQL that is not UTF-8"

    async def _answered(self, server: asyncio.StreamReader, client: asyncio.StreamWriter, at_work: AtWork) -> None:
        """Server to client; what only the read-only session stopped is named as well."""
        before = b""
        while chunk := await server.read(CHUNK):
            if self.risk is Risk.READONLY and _WROTE in before + chunk:
                self.tell(Refusal("PostgreSQL", "a write by a function or a rule, in a read-only session"))
            before = chunk[-len(_WROTE) :]
            at_work.answered(chunk)
            client.write(chunk)
            await client.drain()

    async def _cancel(self, startup: Startup) -> None:
        """The key is known to who opened the session, and to nobody else."""
        reader, writer = await connected(self.upstream, self.ways[0])
        try:
            writer.write(write_startup(startup))
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), _STOP_S)  # it is done when the server ends this connection
        finally:
            await shut(writer)

    async def _stop(self, session: Session) -> None:
        """A statement lives no longer than who asked for it: the server does not notice, and holds its locks on."""
        with suppress(OSError, TimeoutError):
            await self._cancel(Startup({}, cancel=struct.pack("!i", CANCEL) + session.key))

    def _refuse(self, writer: asyncio.StreamWriter, operation: str) -> None:
        self.tell(Refusal("PostgreSQL", operation))
        said = f"{BY_THE_GUARD}this procedure is {self.risk}, and this is {operation}"
        writer.write(error_message("25006", said))


def refused_name(message: Message, prepared: set[Part], risk: Risk) -> str | None:
    """A name that stays in a session of others, or that another one may have prepared there; `prepared` are its own."""
    if message.kind == b"P":
        if message.parts[0] and risk is Risk.READONLY:
            return SHARED.format(what="a statement that is prepared under a name")
        prepared.add(message.parts[0])
    of_statement = message.kind == b"B" or (message.kind in {b"D", b"C"} and message.parts[0] == b"S")
    known = not of_statement or message.parts[1] in prepared
    return None if known else SHARED.format(what="a statement that another one may have prepared")


def _whose(parameters: Mapping[str, str]) -> tuple[str, str]:
    user = parameters.get("user", "")
    return parameters.get("dbname", user), user


def refused_parameters(parameters: Mapping[str, str], risk: Risk = Risk.READONLY) -> str | None:
    """What of a session's first message could take it out of reading: they are settings, by another way."""
    if "replication" in parameters:
        return "a replication connection"
    options = parameters.get("options", "").strip()
    if rest := _OPTION.sub("", options):
        return f"the option {rest[:40]}"
    asked = [(name.replace("-", "_"), value) for name, value in _OPTION.findall(options)]
    asked += [item for item in parameters.items() if item[0] not in _CONNECTING and not item[0].startswith("_pq_.")]
    return next((refused for name, value in asked if (refused := refused_setting(name, value, risk))), None)
