"""The guard before Debian's Redis 7: what it refuses, that it lets reading through, and that both read alike.

Valkey, which the embedded target runs, hid a request that Redis reads otherwise. `RUNBOOKS_FUZZ` says how many
made-up messages are tried (300 by default).
"""

from __future__ import annotations

import ast
import asyncio
import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from runbook_steps.engine.guards.services.guard import Guard
from runbook_steps.engine.guards.services.redis_policy import refused_redis
from runbook_steps.engine.guards.services.redis_wire import Words, read_words, write_words
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.model import Risk
from runbook_steps.faults.redis_eviction import RedisEvicts
from runbook_steps.faults.redis_memory import RedisMemoryFull
from runbook_steps.steps.redis import eviction_policy
from tests.contract.debian import PASSWORD, Service, held_port, redis_seven
from tests.contract.hostile_redis import AUTH, BULK_FLUSH, LOSING, TAKING_DOWN, TURNING_AWAY, TWO_READINGS, array
from tests.made_up import try_many


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With a key that must stay, and a policy that throws keys away when there is no room."""
    with redis_seven(tmp_path_factory.mktemp("redis"), "--maxmemory-policy", "allkeys-lru") as service:
        with client_of(service.port) as client:
            client.set("canary", "alive")
        yield service


def client_of(port: int, **more: Any) -> redis.Redis:
    """As the application signs in."""
    return redis.Redis(port=port, password=PASSWORD, decode_responses=True, socket_timeout=10, **more)


@pytest.fixture(params=[Risk.READONLY, Risk.MUTATING])
def guarded(seven: Service, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Guard, int]]:
    """The guard of each risk, and its port."""
    guard = Guard(request.param, tmp_path)
    yield guard, port_of(guard, f"redis://:{PASSWORD}@127.0.0.1:{seven.port}/0")
    guard.close()


def port_of(guard: Guard, url: str) -> int:
    """Where the guard listens for the service of the URL."""
    return int(guard.environment({"REDIS_URL": url})["REDIS_URL"].rpartition(":")[2].partition("/")[0])


def sent(port: int, raw: bytes) -> bytes:
    """What comes back, up to the end of the connection or a second of silence."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(AUTH + raw)
        connection.settimeout(0.5)
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except TimeoutError:
            pass
    return answer


def alive(service: Service) -> bool:
    """Whether the key is there, asked past the guard."""
    with client_of(service.port) as client:
        return bool(client.get("canary") == "alive")


@pytest.mark.parametrize("case", [*TWO_READINGS, *LOSING])
def test_nothing_is_lost_by_any_spelling(seven: Service, guarded: tuple[Guard, int], case: str) -> None:
    """The request is refused and named, and the key is there."""
    guard, port = guarded
    sent(port, {**TWO_READINGS, **LOSING}[case])
    assert guard.take_refusals() != ()
    assert alive(seven)


@pytest.mark.parametrize("case", TURNING_AWAY)
def test_nobody_is_turned_away(seven: Service, tmp_path: Path, case: str) -> None:
    """At `mutating`: the request is refused and named, who was served is, and there is as much room as before."""
    guard = Guard(Risk.MUTATING, tmp_path)
    with client_of(seven.port) as client:
        before = client.config_get("*"), client.dbsize()
        sent(port_of(guard, f"redis://:{PASSWORD}@127.0.0.1:{seven.port}/0"), TURNING_AWAY[case])
        assert guard.take_refusals() != ()
        assert (client.config_get("*"), client.dbsize()) == before
    guard.close()


@pytest.mark.parametrize("case", TAKING_DOWN)
@pytest.mark.parametrize("risk", [Risk.READONLY, Risk.MUTATING])
def test_nothing_that_reads_takes_the_server_down(seven: Service, tmp_path: Path, risk: Risk, case: str) -> None:
    """Refused and named at both risks, before the server has worked on it."""
    guard = Guard(risk, tmp_path)
    with client_of(seven.port) as client:
        before = client.info("commandstats")
        sent(port_of(guard, f"redis://:{PASSWORD}@127.0.0.1:{seven.port}/0"), TAKING_DOWN[case])
        assert guard.take_refusals() != ()
        name = f"cmdstat_{TAKING_DOWN[case].split()[2].decode().lower()}"
        assert client.info("commandstats").get(name) == before.get(name)
    guard.close()


def test_what_asks_for_little_passes(guarded: tuple[Guard, int]) -> None:
    """The same commands, as people write them."""
    guard, port = guarded
    with client_of(port) as client:
        client.srandmember("nothing", -5)
        client.srandmember("nothing")
        client.srandmember("nothing", 100)
        client.hrandfield("nothing", -10, withvalues=True)
        client.zrandmember("nothing", 3)
        assert client.mget("canary", "nothing") == ["alive", None]
        client.hmget("nothing", "nothing", "b")
        client.zunion(["nothing", "none"])
        client.sintercard(2, ["nothing", "none"], limit=2)
        assert client.scan(0, "can*", count=5000)[1] == ["canary"]
        client.xread({"nothing": "0", "none": "0"}, count=2)
    assert guard.take_refusals() == ()


def test_a_server_that_is_full_gets_room(tmp_path: Path) -> None:
    """It has no place for the guard's question; nothing else may be set unasked."""
    with redis_seven(tmp_path, "--maxclients", "11") as service, ExitStack() as stack:
        guard = Guard(Risk.MUTATING, tmp_path)
        stack.callback(guard.close)
        own = stack.enter_context(client_of(port_of(guard, f"redis://:{PASSWORD}@127.0.0.1:{service.port}")))
        own.ping()
        for _ in range(20):
            stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 10))
        own.config_set("maxclients", 22)
        assert guard.take_refusals() == ()


def test_reading_passes(guarded: tuple[Guard, int]) -> None:
    """Clients as they are: both protocols, a pipeline without a transaction, a scan, INFO and CONFIG GET."""
    guard, port = guarded
    for protocol in (2, 3):
        with client_of(port, protocol=protocol) as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.get("canary").ttl("canary").type("canary")
            assert pipeline.execute() == ["alive", -1, "string"]
            assert list(client.scan_iter("can*")) == ["canary"]
            assert client.info("server")["redis_version"].startswith("7")
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
    assert guard.take_refusals() == ()


def test_changing_passes_where_it_may(seven: Service, tmp_path: Path) -> None:
    """At `mutating`: keys that are named, a limit that has room, a setting that loses nothing."""
    guard = Guard(Risk.MUTATING, tmp_path)
    with client_of(port_of(guard, f"redis://:{PASSWORD}@127.0.0.1:{seven.port}/0")) as client:
        client.set("drill", "1", ex=60)
        client.unlink("drill")
        with client.pipeline(transaction=True) as together:
            together.incr("drill").delete("drill")
            assert together.execute() == [1, 1]
        client.config_set("maxmemory", "1gb")
        client.config_set("maxmemory", 0)
        client.config_set("timeout", 0)
        client.config_set("timeout", 300)
        client.config_set("timeout", 0)
        client.config_set("maxclients", int(client.config_get("maxclients")["maxclients"]) + 1)
        client.config_set("requirepass", PASSWORD)
        client.setbit("bits", 9_999_999, 1)
        client.setrange("drill", 1000, "x")
        client.bitfield("bits").set("u8", "#9", 7).incrby("i5", 100, 1).execute()
        client.sunionstore("drill", "drill2", "drill3")
        client.zunionstore("drill", {"drill": 1, "drill2": 2})
        client.bitfield("set").set("i64", "#9", 7).execute()
        client.bitfield("get").set("i64", "#100000", 7).incrby("u8", 999_999, 1).execute()
        client.execute_command("BITFIELD", "incrby", "GET", "u8", "0")
        client.pfmerge("counted", "counted", "drill2")
        client.delete("set", "get", "counted")
        client.config_set("slowlog-log-slower-than", 10_000)
        client.config_set("latency-monitor-threshold", 100)
        client.bitop("XOR", "bits", "bits", "drill2")
        client.delete("bits", "drill")
    assert guard.take_refusals() == ()
    guard.close()


NOBODY = array(b"AUTH", b"nobody", b"x")


@pytest.mark.parametrize(
    "before",
    [
        AUTH,
        array(b"STRLEN", b"canary") + AUTH,
        AUTH + NOBODY,
        array(b"HELLO", b"2", b"SETNAME", b"auth", b"AUTH", b"default", PASSWORD.encode()),
        NOBODY + AUTH + array(b"HELLO", b"3", b"AUTH", b"default", b"x"),
    ],
)
def test_a_name_that_was_given_to_another_command_is_refused(tmp_path: Path, before: bytes) -> None:
    """`rename-command FLUSHALL STRLEN`: the server says that STRLEN writes, to who is signed in however."""
    data = tmp_path / "data"
    data.mkdir()
    renamed = ("--rename-command", "STRLEN", "", "--rename-command", "FLUSHALL", "STRLEN")
    with redis_seven(data, *renamed) as service:
        with client_of(service.port) as client:
            client.set("canary", "alive")
        guard = Guard(Risk.READONLY, tmp_path)
        port = port_of(guard, f"redis://:{PASSWORD}@127.0.0.1:{service.port}")
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            connection.sendall(before + array(b"STRLEN"))
            while connection.recv(65536):
                pass
        assert [str(each) for each in guard.take_refusals()] == [
            "Redis: STRLEN, which is another command on this server"
        ]
        guard.close()
        assert alive(service)


PIECES = st.sampled_from([
    b"*1\r\n", b"*2\r\n", b"*3\r\n", b"*0\r\n", b"*-1\r\n", b"*+1\r\n", b"*01\r\n", b"$4\r\n", b"$8\r\n", b"$-1\r\n",
    b"$0\r\n", b"$28\r  \r\n", b"$4 \r\n", b"ECHO\r\n", b"FLUSHALL\r\n", b"PING\r\n", b"PING", b"GET", b"\r\n", b"\n",
    b"\r", b" ", b'"', b"'", b"\\x00", b"\0", BULK_FLUSH, b"$", b"*", b"x", b"canary", b"~1\r\n", b"|1\r\n", b"_\r\n",
])  # fmt: skip
WORD = st.binary(max_size=12) | st.sampled_from([b"ECHO", b"canary", b"FLUSHALL", b"\r\n", b"STRLEN", b"*1\r\n"])
COMMAND = st.tuples(st.sampled_from([b"ECHO", b"echo", b"STRLEN", b"GET", b"EXISTS", b"FLUSHALL", b"PING"]), WORD)
MESSAGES = st.lists(PIECES | COMMAND.map(lambda words: array(*words)) | st.binary(max_size=6), max_size=12).map(
    b"".join
)


async def passed(raw: bytes) -> list[Words]:
    """What the guard would send on of a client's bytes, request by request, until it refuses."""
    reader = asyncio.StreamReader()
    reader.feed_data(raw)
    reader.feed_eof()
    found: list[Words] = []
    try:
        while (request := await read_words(reader)) and refused_redis(request.words, Risk.READONLY) is None:
            found.append(request)
    except (Unreadable, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    return found


def executed(connection: socket.socket, monitor: Any, requests: list[Words]) -> list[tuple[bytes, ...]]:
    """What Redis itself says it was told, on a connection that watches it (MONITOR)."""
    end = b"end-of-%d" % id(requests)
    connection.sendall(b"".join(write_words(each) for each in requests) + array(b"ECHO", end))
    answer = b""
    while end not in answer:
        answer += connection.recv(65536)
    assert b"alive" in answer  # what GET of the canary says: nothing before it took it away
    found: list[tuple[bytes, ...]] = []
    while True:
        words = tuple(unquoted(monitor.readline()))
        if words == (b"ECHO", end):
            return found
        found.append(words)


def unquoted(line: bytes) -> list[bytes]:
    r"""The words of a line of MONITOR, `+1700.1 [0 127.0.0.1:1] "GET" "a\\x00"`."""
    rest, words = line[line.index(b'] "') + 2 :].strip(), []
    while rest:
        end = 1
        while rest[end : end + 1] != b'"':
            end += 2 if rest[end : end + 1] == b"\\" else 1
        words.append(ast.literal_eval("b" + rest[: end + 1].decode("latin-1")))
        rest = rest[end + 1 :].lstrip()
    return words


def test_the_guard_and_redis_read_alike(seven: Service) -> None:
    """Made-up bytes: whatever the guard lets pass, Redis executes exactly that, word for word."""
    with ExitStack() as stack:
        connection, watching = (
            stack.enter_context(socket.create_connection(("127.0.0.1", seven.port), 10)) for _ in range(2)
        )
        loop = asyncio.new_event_loop()
        stack.callback(loop.close)
        connection.sendall(AUTH)
        assert connection.recv(100) == b"+OK\r\n"
        watching.sendall(AUTH + b"MONITOR\r\n")
        monitor = stack.enter_context(watching.makefile("rb"))
        assert [monitor.readline(), monitor.readline()] == [b"+OK\r\n", b"+OK\r\n"]
        let_through = 0

        @given(MESSAGES)
        def same(raw: bytes) -> None:
            nonlocal let_through
            requests = loop.run_until_complete(passed(raw))
            # what ends or turns a connection would end the test; AUTH and HELLO hide their words from MONITOR
            requests = [r for r in requests if r.words[0].lower() not in {b"quit", b"reset", b"auth", b"hello"}]
            let_through += bool(requests)
            requests.append(Words((b"GET", b"canary")))
            got = executed(connection, monitor, requests)
            # a command of the wrong length is refused before MONITOR sees it
            wanted = [r.words for r in requests]
            assert [w for w in wanted if w in got] == got
            assert got[-1] == (b"GET", b"canary")

        tried = try_many(same)
    assert alive(seven)
    assert let_through > tried // 20


def test_a_client_that_writes_late_still_reads_why(tmp_path: Path) -> None:
    """Redis is down: who wrote after the guard had answered was ended by SIGPIPE, and read nothing."""
    guard = Guard(Risk.READONLY, tmp_path)
    with (
        held_port() as nobody,
        socket.create_connection(("127.0.0.1", port_of(guard, f"redis://127.0.0.1:{nobody}/0")), 60) as late,
    ):
        select.select([late], [], [], 60)  # the answer is there, and so is its end
        for _ in range(3):
            late.sendall(array(b"PING"))
        said = b"".join(iter(lambda: late.recv(65536), b""))
    guard.close()
    assert said.startswith(b"-ERR the guard cannot reach Redis")


def test_a_redis_without_config_is_looked_at_all_the_same(tmp_path: Path) -> None:
    """As hosts of Redis rename it away: limit and policy stand in INFO."""
    renamed = ("--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", "")
    with redis_seven(tmp_path, *renamed) as service, client_of(service.port) as client:
        seen = RedisEvicts(client, client, "allkeys-lru", "blacklist:1").observe()
        assert (seen.present, "policy allkeys-lru" in seen.detail) == (True, True)
        eviction_policy(client, "allkeys-lru")
        assert "no limit is set" in RedisMemoryFull(client).observe().detail
