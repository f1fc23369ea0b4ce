"""A message is found with everything that a log, a trace or a record puts around it."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.search.aside import LONGEST_QUESTION, said_in
from runbook_steps.engine.site.search.index import make_index
from runbook_steps.engine.site.search.rank import ranked

ROOT = Path(__file__).parents[3]
FIRST_HITS = 3
EXPRESS = """
    at Layer.handle [as handle_request] (/app/node_modules/express/lib/router/layer.js:95:5)
    at next (/app/node_modules/express/lib/router/route.js:149:13)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""
NODE_POSTGRES = """
    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:287:98)
    at Socket.emit (node:events:517:28)
    at TCP.onStreamRead (node:internal/stream_base_commons:190:23) {
  length: 85,
  severity: 'ERROR',
  detail: undefined,
  constraint: undefined,
  file: 'proc.c',
  line: '353',
  routine: 'InitProcess'
}"""
AROUND = {
    "syslog": "Mar  2 03:14:07 api-2 beautycort[811]: {}",
    "a log with time and host": "2026-03-02T03:14:07.112Z ERROR (1 on api-7d9f8b6c5-x2v9k): {}",
    "a record of pino": '{"level":50,"time":1772421247112,"pid":1,"hostname":"beautycort-api-7d9f8b6c5-x2v9k",'
    '"reqId":"3f0c1c7e-8a51-4a7f-b1e6-7d2b8f1f6c11","req":{"method":"GET","url":"/api/providers?page=2",'
    '"remoteAddress":"10.0.3.9"},"err":{"type":"Error","message":"{}"},"responseTime":31,"msg":"request errored"}',
    "a trace of Express": "Error: {}" + EXPRESS,
    "an error of node-postgres": "error: {}" + NODE_POSTGRES,
}
"""Where a message stands → the text around it."""


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND.keys())
def test_every_message_of_a_page_is_found_with_what_stands_around_it(around: str) -> None:
    """Each message of each page, among the first three; without the patterns a record hides one of eleven."""
    project = load_project(ROOT)
    index = make_index(project)
    fronts = [(runbook.stem, runbook.front_matter) for runbook in project.runbooks]
    messages = [(stem, text) for stem, front in fronts if front for text in front.errors]

    assert len(messages) > 50
    assert [] == [
        (stem, text, found)
        for stem, text in messages
        if stem not in (found := ranked(index, around.replace("{}", text))[:FIRST_HITS])
    ]


@pytest.mark.parametrize(
    ("pasted", "left"),
    [
        ("2026-03-02 03:14:07.112 UTC [47] LOG: x", "[47] LOG: x"),
        ("2026/03/02 03:14:07 [error] 29#29: x", "[error] 29#29: x"),
        ("[02/Mar/2026:03:14:07 +0000] x", "[ ] x"),
        ("1:M 02 Mar 2026 03:14:07.112 # x", "1:M # x"),
        ("connect ECONNREFUSED 10.0.3.20:6379", "connect ECONNREFUSED :6379"),
        ("x at Foo.bar (/app/node_modules/ioredis/built/Redis.js:1:2)", "x ioredis"),
        ("x at async Foo.<anonymous> (node:net:1555:16) y", "x y"),
        ('File "/app/main.py", line 12, in <module> x', "x"),
        ("code: '53300', detail: undefined, file: 'proc.c'", "code: '53300', ,"),
        ('{"pid":1,"statusCode":503,"msg":"x"}', '{ , 503, "x"}'),
        ("at the disk", "at the disk"),
        ("10.0.3.20", "10.0.3.20"),
    ],
)
def test_what_stands_around_a_message_is_left_out(pasted: str, left: str) -> None:
    """What a person said stays: a port, a code, a package; and a question of nothing else stays whole."""
    assert left == " ".join(said_in(pasted).split())


def test_only_the_beginning_of_a_long_paste_is_read() -> None:
    """Whoever pastes a whole log waits no longer than for its beginning."""
    assert LONGEST_QUESTION == len(said_in("x" * 1_000_000))
    worker = resources.files("runbook_steps.engine.site.search").joinpath("worker.js").read_text("utf-8")
    assert [str(LONGEST_QUESTION)] == re.findall(r"LONGEST_QUESTION = (\d+)", worker)
