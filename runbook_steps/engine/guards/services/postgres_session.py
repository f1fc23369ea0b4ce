"""Opens a session with the real PostgreSQL: TLS as libpq's `sslmode` means it, signing in, and what the server says.

The client's own password goes through; what the relay cannot carry is taken out of the server's offer. Then, before
the client is let in, the guard asks the server itself whether the session only reads, and for its catalogue.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from runbook_steps.engine.guards.services.postgres_wire import (
    Answer,
    Message,
    Startup,
    read_answer,
    read_message,
    write_message,
    write_startup,
)
from runbook_steps.engine.guards.services.relay import Refused
from runbook_steps.engine.guards.services.sql_catalogue_query import CATALOGUE_SQL
from runbook_steps.engine.guards.services.streams import CONNECT_S, Upstream, connect, shut
from runbook_steps.engine.text.not_held import NOT_HELD

__all__ = ["Locked", "Session", "Way", "bound", "open_session", "read_only_held", "the_catalogue"]

_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_READ_ONLY = "-c default_transaction_read_only=on -c standard_conforming_strings=on"
_OK, _FINAL = 0, 12
_ANSWERED = {3, 5, 10, 11}  # authentication messages that the client must answer: password, MD5, SASL, SASL goes on
_SASL = 10
_NO_ENTRY = b"\0C28000\0"  # pg_hba.conf has no line for this way in
_NO_OPTIONS = b"unsupported startup parameter"
_TOO_LONG = frozenset({"55P03", "57014"})  # lock_not_available, query_canceled
_BOUNDS = "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '30s'; SET LOCAL search_path = pg_catalog"
"""Of the guard's own questions, whatever the role or the database says for others."""
_TEMPORARY_KB = 10 << 20  # 10 GB: a sort of a large table fits, a product of two tables does not
_HELD_SQL = """
SELECT pg_catalog.current_setting('transaction_read_only'), pg_catalog.current_setting('standard_conforming_strings'),
 pg_catalog.current_setting('client_encoding'), pg_catalog.pg_is_in_recovery(),
 (SELECT source FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'), pg_catalog.pg_backend_pid(),
 pg_catalog.current_setting('plpgsql.variable_conflict', true)
"""
_SCHEMAS = "SELECT pg_catalog.current_schemas(false)::pg_catalog.text"
_FOUND_SQL = (
    f"BEGIN; {_SCHEMAS}; SHOW role; SHOW session_replication_role; SHOW row_security; "
    f"SET LOCAL search_path TO DEFAULT; {_SCHEMAS}; ROLLBACK"
)
"""What decides what a name means, and what a write sets off. It names no operator: a search path may lead elsewhere."""
_FRESH = {"role": "none", "session_replication_role": "origin", "row_security": "on"}
_USED = (
    "a session in which another one has left {what} as it was set there: a pooler hands it on. Use the server's own "
    "address, or have the pooler take settings back (of PgBouncer: server_reset_query_always = 1)"
)
_BOUND_SQL = f"""
SELECT pg_catalog.set_config('temp_file_limit', '{_TEMPORARY_KB}', false) FROM pg_catalog.pg_settings
WHERE name = 'temp_file_limit' AND (setting::bigint < 0 OR setting::bigint > {_TEMPORARY_KB})
 AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
"""  # noqa: S608 - of constants alone
LOCKED = (
    "the guard could not ask PostgreSQL about this session: {said}. Somebody locks a table of its catalogue, as VACUUM "
    "FULL of one does, or it is very slow. Try again in a minute; in a session of your own, without a runbook, "
    "SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity says who waits for whom"
)


class Locked(ValueError):
    """The server itself ended the guard's question, which waited for too long; the text says what helps."""


@dataclass(frozen=True)
class Way:
    """One way to the server. `offered` means: with TLS where the server has it, without where it has not."""

    tls: ssl.SSLContext | None = None
    offered: bool = False


@dataclass(frozen=True)
class Session:
    """A session that is open, its ready-for-query message held back.

    `process` is the number that the client was told, `key` what it was told to cancel by, `shared` whether others get
    the session after it.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ready: Answer
    key: bytes
    shared: bool = False

    @property
    def process(self) -> int:
        """0 where the server told none."""
        return int(struct.unpack_from("!i", self.key)[0]) if self.key else 0


@dataclass(frozen=True)
class Held:
    """What the server said of a session: why it is `refused`, and whether it is `shared`, lent by a pooler."""

    refused: str | None
    shared: bool = False


async def connected(upstream: Upstream, way: Way) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which the startup message may be sent. Raises OSError, ssl.SSLError."""
    reader, writer = await connect(replace(upstream, tls=None))
    if way.tls is None:
        return reader, writer
    try:
        writer.write(_SSL_REQUEST)
        offered = await asyncio.wait_for(reader.readexactly(1), CONNECT_S)
        if _taken(offered, way, reader):
            await writer.start_tls(way.tls, server_hostname=upstream.tls_name or upstream.host)
    except BaseException:
        writer.transport.abort()  # half of a handshake is not ended in good order
        await shut(writer)
        raise
    return reader, writer


def _taken(offered: bytes, way: Way, reader: asyncio.StreamReader) -> bool:
    """Whether TLS begins. Raises ConnectionError where it must and cannot."""
    if offered == b"S":
        if reader._buffer:  # type: ignore[attr-defined]  # noqa: SLF001 - what came before TLS is nobody's word
            raise ConnectionError("the server sent something between its yes to TLS and TLS itself")
        return True
    if offered != b"N" or not way.offered:
        raise ConnectionError("the server offers no TLS, and its URL demands it")
    return False


async def open_session(
    upstream: Upstream,
    ways: Sequence[Way],
    startup: Startup,
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    *,
    reading: bool,
) -> Session | None:
    """Signs the client in. None when the server said no, which the client was told. Raises OSError, EOFError.

    As libpq does, the next way is tried where the server lets nobody in by the first.
    """
    asked = with_options(startup) if reading else startup
    left = list(ways)
    while True:
        way = left.pop(0)
        try:
            reader, writer = await connected(upstream, way)
        except OSError:
            if left:
                continue
            raise
        try:
            writer.write(write_startup(asked))
            first = await read_answer(reader)
            again = first.kind == b"E" and left and _NO_ENTRY in first.body
            if first.kind == b"E" and asked is not startup and _NO_OPTIONS in first.body:
                asked, left, again = startup, [way, *left], True  # whether the role is held to reading is seen below
            if not again:
                signed_in = await _signed_in(first, (reader, writer), client)
                if signed_in is not None:
                    return Session(reader, writer, *signed_in)
        except BaseException:
            await shut(writer)
            raise
        await shut(writer)
        if not again:
            return None


def with_options(startup: Startup) -> Startup:
    """The same, its session read-only from the first statement on."""
    options = f"{startup.parameters.get('options', '')} {_READ_ONLY}".strip()
    return replace(startup, parameters={**startup.parameters, "options": options})


async def _signed_in(
    first: Answer,
    server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> tuple[Answer, bytes] | None:
    answer: Answer = first
    key = b""
    while True:
        if answer.kind == b"Z":
            return answer, key
        answered = False
        if answer.kind == b"K":
            key = answer.body
        if answer.kind == b"R":
            (kind,) = struct.unpack_from("!i", answer.body)
            if kind not in _ANSWERED | {_OK, _FINAL}:
                raise Refused("a way to sign in that the guard does not carry (GSSAPI or SSPI)")
            answer, answered = (_without_binding(answer) if kind == _SASL else answer), kind in _ANSWERED
        if answer.kind == b"E":
            client[1].write(_told(answer).whole)
            return None
        client[1].write(answer.whole)
        if answered:
            said = await read_message(client[0])
            if said is None:
                return None
            if said.kind != b"p":
                raise Refused("a message before signing in")
            server[1].write(write_message(said))
        answer = await read_answer(server[0])


def _told(refusal: Answer) -> Answer:
    """With its code behind its words, which may be of any language: libpq tells no code of a session it did not get.

    Its severity is the one that the protocol has beside the translated one.
    """
    fields = {each[:1]: each[1:] for each in refusal.body.split(b"\0") if each}
    if not {b"M", b"C"} <= fields.keys():
        return refusal
    fields[b"M"] += b" (SQLSTATE " + fields[b"C"] + b")"
    fields[b"S"] = fields.get(b"V", fields.get(b"S", b""))
    return Answer(b"E", b"".join(kind + value + b"\0" for kind, value in fields.items()) + b"\0")


def _without_binding(offer: Answer) -> Answer:
    """SCRAM without channel binding: the client's side has no TLS that it could be bound to."""
    names = [name for name in offer.body[4:].split(b"\0") if name and not name.endswith(b"-PLUS")]
    if not names:
        raise Refused("a server that signs in by channel binding alone, which the guard does not carry")
    return Answer(b"R", offer.body[:4] + b"".join(name + b"\0" for name in names) + b"\0")


async def asked(session: Session, sql: str) -> list[list[str | None]]:
    """The rows of the guard's own question, as texts. It waits for no lock, and not without end.

    Raises Locked, and ValueError with what else the server said instead.
    """
    try:
        return await _answered(session, f"BEGIN; {_BOUNDS}; {sql}; COMMIT")
    except ValueError:
        await _answered(session, "ROLLBACK")
        raise


async def _answered(session: Session, sql: str) -> list[list[str | None]]:
    session.writer.write(write_message(Message(b"Q", (sql.encode(),))))
    rows: list[list[str | None]] = []
    problem: dict[str, str] = {}
    while (answer := await read_answer(session.reader)).kind != b"Z":
        if answer.kind == b"D":
            rows.append(_row(answer.body))
        if answer.kind == b"E":
            problem = {each[:1]: each[1:] for each in answer.body.decode("utf-8", "replace").split("\0")}
    if problem.get("C") in _TOO_LONG:
        raise Locked(LOCKED.format(said=problem.get("M", "")))
    if problem:
        raise ValueError(problem.get("M", ""))
    return rows


def _row(body: bytes) -> list[str | None]:
    (count,) = struct.unpack_from("!H", body)
    at, row = 2, list[str | None]()
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        row.append(None if length < 0 else body[at : at + length].decode("utf-8", "replace"))
        at += max(length, 0)
    return row


async def read_only_held(session: Session, *, reading: bool) -> Held:
    """Why the session cannot be judged or is not held to reading, and whether a pooler lends it. Raises Locked."""
    try:
        ((read_only, quotes, encoding, replica, source, process, names),) = await asked(session, _HELD_SQL)
    except Locked:
        raise
    except ValueError as error:
        said = f"it does not tell ({error})"
        return Held(NOT_HELD.format(why=said) if reading else f"a session that tells nothing ({error})")
    if quotes != "on" or (encoding or "").upper() not in {"UTF8", "UNICODE"}:
        return Held(
            f"a session whose texts read otherwise (standard_conforming_strings {quotes}, client_encoding {encoding})"
        )
    if not reading and names == "use_column":  # a name that is judged as a variable's value would be a column
        return Held("a session whose blocks read otherwise (plpgsql.variable_conflict use_column)")
    shared = process != str(session.process)  # a pooler tells a number of its own
    if shared and not reading and (used := _left(await _answered(session, _FOUND_SQL))):
        return Held(_USED.format(what=used), shared)
    if not reading or (read_only == "on" and (replica == "t" or source != "session")):
        return Held(None, shared)
    why = f"transaction_read_only is {read_only}"
    return Held(NOT_HELD.format(why=why if read_only != "on" else f"{why}, but by SET, which a pooler may forget"))


def _left(found: list[list[str | None]]) -> str:
    """Which of the settings that were found is not as a session begins; empty for none."""
    (path,), *others, (fresh_path,) = found
    named = {"search_path": (path, fresh_path)}
    named |= {name: (row[0], fresh) for (name, fresh), row in zip(_FRESH.items(), others, strict=True)}
    return next((name for name, (value, fresh) in named.items() if value != fresh), "")


async def bound(session: Session) -> None:
    """Limits what a reading session of a superuser may fill the disk with; others may not set it. Raises Locked."""
    with suppress(ValueError):
        await asked(session, _BOUND_SQL)


async def the_catalogue(session: Session) -> str:
    """What CATALOGUE_SQL answers. Raises Locked, ValueError with what the server said instead."""
    ((found,),) = await asked(session, CATALOGUE_SQL)
    return found or "{}"
