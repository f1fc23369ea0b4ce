"""The server for assistants answers every line, also one that is no request; who asks never waits for ever."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.site.conftest import DemoProject

HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
HALF = (
    '{"jsonrpc":"2.0","id":%s,"method":"tools/call",'
    '"params":{"name":"search_runbooks","arguments":{"query":"\\ud800"}}}'
)


@pytest.fixture
def asked(demo: DemoProject) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Writes one line to a server, and gives its answer."""
    command = [str(Path(sys.executable).with_name("runbooks")), "mcp"]
    with subprocess.Popen(
        command, cwd=demo.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as server:
        told, said = server.stdin, server.stdout
        assert told is not None
        assert said is not None
        ended = threading.Timer(120, server.kill)  # what is never answered ends the test
        ended.start()

        def ask(line: str) -> dict[str, Any]:
            print(line, file=told)
            return dict(json.loads(said.readline()))

        ask(json.dumps(HELLO))
        print(json.dumps(READY), file=told)
        try:
            yield ask
        finally:
            server.kill()
            ended.cancel()


@pytest.mark.parametrize(
    ("line", "expected", "code"),
    [
        (HALF % "7", 7, -32700),
        (HALF % '"seven"', "seven", -32700),
        (HALF % '"\\udfff"', None, -32700),
        (HALF % "true", None, -32700),
        ("not json", None, -32700),
        ('{"jsonrpc": "2.0", "id": 9', None, -32700),
        ('{"id": 9}', 9, -32600),
        ("[]", None, -32600),
    ],
)
def test_a_line_that_cannot_be_read_is_answered(
    asked: Callable[[str], dict[str, Any]], line: str, expected: object, code: int
) -> None:
    """Under its own id where that can be read; the next question is answered as ever."""
    refused = asked(line)
    assert (refused["id"], refused["error"]["code"]) == (expected, code)
    assert asked(json.dumps({"jsonrpc": "2.0", "id": 10, "method": "ping"})) == {
        "jsonrpc": "2.0",
        "id": 10,
        "result": {},
    }
