"""Made-up SQL, as text and as messages: whatever the guard lets pass as reading changes nothing on a real PostgreSQL.

The session that tries it may write, so that only the guard's reading stands between. `RUNBOOKS_FUZZ` says how many
messages are tried (300 by default).
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_steps.engine.guards.services.postgres_wire import Message, read_message, write_message
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.guards.services.sql_catalogue import read_catalogue
from runbook_steps.engine.guards.services.sql_catalogue_query import CATALOGUE_SQL
from runbook_steps.engine.guards.services.sql_policy import SqlJudge
from runbook_steps.engine.model import Risk
from tests.contract.debian_postgres import DebianPostgres, debian_postgres
from tests.contract.hostile_sql import HELPERS, PASSES, WRITING
from tests.contract.hostile_sql_unsaid import HELPERS_UNSAID, WRITING_UNSAID
from tests.made_up import try_many

Seen = tuple[list[bytes], list[Any], Any]
RETRIES = 5
# what it has done shows here: in the session, and in what others see of it; a transaction that wrote has a number, even
# one that was taken back
AFRESH = ("ROLLBACK", "RESET ALL", "DEALLOCATE ALL", "SET statement_timeout = '5s'")
LOOK = (
    "SELECT current_user, current_setting('standard_conforming_strings'),"
    " (SELECT count(*) FROM pg_listening_channels())"
)
HELD = (
    "SELECT locktype, mode, relation::regclass::text FROM pg_locks WHERE locktype = 'advisory'"
    " OR (pid = %s AND (locktype = 'transactionid' OR (locktype = 'relation' AND mode <> 'AccessShareLock')))"
)
STORED = (
    "SELECT pg_snapshot_xmax(pg_current_snapshot()), (SELECT last_value FROM seq),"
    " (SELECT count(*) FROM pg_largeobject_metadata)"
)
PATIENCE_S = 120.0
_WORDS = [
    "select", "select", "select", "from", "where", "canary", "other", "fine", "emptying", "acting", "of_people",
    "to_sort", "triggered", "id", "name", "s", "m", "*", "1", "'a'", "null", "true", ",", ",", "(", ")", "(", ")", ";",
    ";", "--", "\n", "/*", "*/", "'", "\"", "$$", "$a$", "E'", "U&'", "\\", "\\'", "::", "text", "checked", "_checked",
    "mood", "pair", "[", "]", "with", "as", "a", "x", "union", "order by", "group by", "limit", "delete from",
    "insert into", "update", "set", "values", "truncate", "drop table", "create table", "begin", "commit", "read write",
    "explain", "analyze", "copy", "to stdout", "prepare p as", "execute p", "do", "lock", "notify", "listen",
    "for update", "into", "returning", "lateral", "join", "natural join", "using (id)", "===", "=", "||", ".",
    "says_volatile()", "notifies()", "lies()", "trusted('a')", "counts()", "nextval('seq')", "pg_notify('a', 'b')",
    "random()", "lo_creat(-1)", "pg_advisory_lock(1)", "now()", "set_config('role', 'none', false)",
    "json_value('a', 'b')", "takes('a')", "case when", "then", "else", "end", "\u00a0", "\u2028", "\t", "in", "exists",
    "array", "row", "cast", "coalesce", "declare c cursor for", "fetch c", "savepoint a",
]  # fmt: skip
STATEMENTS = [each for each in (*WRITING, *WRITING_UNSAID, *PASSES) if not each.startswith("\\")]
_FREE = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=14).map(" ".join)
_TIGHT = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=9).map("".join)
_KNOWN = st.sampled_from(STATEMENTS)


@st.composite
def _spliced(draw: st.DrawFn) -> str:
    """A piece of one statement in another, or one without a piece."""
    one, other = draw(_KNOWN), draw(_KNOWN | _FREE)
    at, start, length = (draw(st.integers(0, 40)) for _ in range(3))
    return (
        one[:at]
        + draw(st.sampled_from(["", " ", "/*", "*/", "'", "$$", ";", "(", ")", "--\n"]))
        + other[start:][:length]
        + one[at:]
    )


TEXTS = _KNOWN | _FREE | _TIGHT | _spliced() | st.tuples(_KNOWN, _KNOWN).map("; ".join)


def raw_message(text: str, kind: str, odd: bytes, types: list[int]) -> bytes:
    """One message of a client, sound or not."""
    words = text.encode().replace(b"\0", b"")
    if kind == "Q":
        body = words + b"\0" + odd
    else:
        body = b"\0" + words + b"\0" + struct.pack("!H", len(types)) + struct.pack(f"!{len(types)}I", *types) + odd
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


ODD = st.sampled_from([b""] * 9 + [b"\0", b"x", b"Q\0\0\0\x05\0", b"\0delete from canary\0"])
MESSAGES = st.tuples(TEXTS, st.sampled_from("QQQP"), ODD, st.lists(st.integers(16, 30), max_size=1))


@dataclass
class Sides:
    """The guard's reading, and a session with the server that nobody guards."""

    judge: SqlJudge
    server: socket.socket
    number: int
    look: psycopg.Connection[Any]
    loop: asyncio.AbstractEventLoop

    def passed(self, raw: bytes) -> Message | None:
        """What the guard would send on of it."""

        async def reading() -> Message | None:
            reader = asyncio.StreamReader()
            reader.feed_data(raw)
            reader.feed_eof()
            return await read_message(reader)

        try:
            message = self.loop.run_until_complete(reading())
        except (Unreadable, asyncio.IncompleteReadError):
            return None
        if message is None:
            return None
        text: Any = message.parts[0 if message.kind == b"Q" else 1]
        types: Any = message.parts[2] if message.kind == b"P" else ()
        try:
            return message if self.judge.refused(text.decode(), types) is None else None
        except Exception:
            return None  # as the process that judges does: whatever is wrong with it, nothing passes

    def sent(self, message: Message) -> list[bytes]:
        """What the server answers, message by message; a prepared statement is executed as well."""
        raw = write_message(message)
        if message.kind == b"P":
            raw += write_message(Message(b"B", (b"", b"", (), (), ())))
            raw += write_message(Message(b"E", (b"", 0))) + write_message(Message(b"S", ()))
        self.server.sendall(raw)
        return self.until_ready()

    def until_ready(self) -> list[bytes]:
        """Answers up to the one that says that the server waits."""
        found, data = list[bytes](), b""
        while True:
            while len(data) >= 5 and len(data) > struct.unpack_from("!i", data, 1)[0]:
                length = struct.unpack_from("!i", data, 1)[0] + 1
                found.append(data[:length])
                data = data[length:]
                if found[-1][:1] == b"Z":
                    return found
            chunk = self.server.recv(65536)
            assert chunk, "the server ended the session"
            data += chunk

    def ask(self, text: str) -> list[bytes]:
        """A statement of the test's own."""
        return self.sent(Message(b"Q", (text.encode(),)))

    def afresh(self) -> None:
        """The session as it was; a short `statement_timeout` that was set in it may end this too, but not for ever."""
        end = time.monotonic() + PATIENCE_S
        for text in AFRESH:
            while failed(answers := self.ask(text)):
                assert time.monotonic() < end, answers

    def after(self, message: Message) -> tuple[list[bytes], Seen]:
        """What the server answers to it, and what is to be seen then; the session is as before again.

        What was not seen, because the message has set a timeout that ends the look too, is tried once more.
        """
        for _ in range(RETRIES):
            answers = self.sent(message)
            held = self.look.execute(HELD, [self.number]).fetchall()
            if answers[-1][5:6] == b"E":
                self.ask("ROLLBACK")
            looked = self.ask(LOOK)
            self.afresh()
            if not failed(looked):
                return answers, (rows(looked), held, self.stored())
        return answers, (rows(self.ask(LOOK)), held, self.stored())

    def stored(self) -> Any:
        """What others see."""
        return self.look.execute(STORED).fetchone()


@pytest.fixture(scope="module")
def sides() -> Iterator[Sides]:
    """On a database that helps the attacker, as its superuser."""
    with ExitStack() as stack:
        server: DebianPostgres = stack.enter_context(
            debian_postgres(shared_preload_libraries="pg_stat_statements", autovacuum="off")
        )
        direct = stack.enter_context(server.connected())
        direct.execute((HELPERS + HELPERS_UNSAID).replace("{victim}", str(server.folder / "victim")).encode())
        row = direct.execute(CATALOGUE_SQL.encode()).fetchone()
        assert row is not None
        judge = SqlJudge(Risk.READONLY, read_catalogue(row[0]))
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        client = stack.enter_context(psycopg.connect(server.url(query="?sslmode=disable"), autocommit=True))
        raw = stack.enter_context(socket.socket(fileno=os.dup(client.fileno())))  # signed in, and spoken to by hand
        raw.setblocking(True)
        found = Sides(judge, raw, client.info.backend_pid, direct, loop)
        found.afresh()
        yield found


def rows(answers: list[bytes]) -> list[bytes]:
    """Those that hold values."""
    return [each for each in answers if each[:1] == b"D"]


def failed(answers: list[bytes]) -> bool:
    """Whether the server said no."""
    return any(each[:1] == b"E" for each in answers)


def test_what_passes_as_reading_changes_nothing(sides: Sides) -> None:
    """No transaction number, lock, notice, setting, sequence or large object is there that was not there before."""
    let_through = executed = 0
    before: Seen = (rows(sides.ask(LOOK)), [], sides.stored())

    @given(MESSAGES)
    def harmless(made: tuple[str, str, bytes, list[int]]) -> None:
        nonlocal let_through, executed
        message = sides.passed(raw_message(*made))
        if message is None:
            return
        let_through += 1
        answers, after = sides.after(message)
        executed += any(each[:1] == b"C" for each in answers)
        assert not any(each[:1] == b"A" for each in answers)  # a notice to a channel
        assert (after, made) == (before, made)
        tags = [each[5:-1].split(b" ")[0] for each in answers if each[:1] == b"C"]
        assert not {b"INSERT", b"UPDATE", b"DELETE", b"MERGE", b"TRUNCATE", b"CREATE", b"DROP", b"NOTIFY", b"DO"} & {
            *tags
        }

    stored = sides.look.execute("SELECT array_agg(c ORDER BY id) FROM canary AS c").fetchone()
    tried = try_many(harmless)
    assert sides.look.execute("SELECT array_agg(c ORDER BY id) FROM canary AS c").fetchone() == stored
    assert let_through > tried // 50
    assert executed > tried // 100
