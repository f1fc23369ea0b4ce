"""Whatever is given to a reader, it is read or refused on purpose: no other exception reaches a user."""

from __future__ import annotations

import asyncio
import json
import string
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from runbook_steps.engine.errors import ConfigurationError, EvidenceError, JournalError, SourceError
from runbook_steps.engine.guards.services.aws_policy import refused_aws
from runbook_steps.engine.guards.services.guarded_environment import rewritten, unreadable
from runbook_steps.engine.guards.services.http_message import RequestHead, read_request
from runbook_steps.engine.guards.services.http_policy import refused_http
from runbook_steps.engine.guards.services.kubernetes_policy import refused_kubernetes
from runbook_steps.engine.guards.services.redis_policy import refused_redis
from runbook_steps.engine.guards.services.redis_wire import read_words
from runbook_steps.engine.guards.services.relay import Unreadable
from runbook_steps.engine.guards.services.sql_policy import refused_sql
from runbook_steps.engine.model import Risk
from runbook_steps.engine.proof.evidence_file import load_evidence, read_journal
from runbook_steps.engine.run.undo import left_behind
from runbook_steps.engine.sources.feature_file import parse_feature
from runbook_steps.engine.sources.feedback_file import FEEDBACK, parse_feedback
from runbook_steps.engine.sources.page_file import parse_page
from runbook_steps.live.settings import PlatformSettings, platform_environment
from runbook_steps.operations.backup_store import refuse_malformed

QUICK = settings(
    derandomize=True, max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LINES = st.sampled_from(
    ["Feature: F", "@risk_readonly", "@risk_mutating @x", "  Scenario: S", "  Scenario Outline: <a>", "  Background:",
     "    Given x", "    When I look:", "    When I look (within 0 seconds):", "    Then y", "    And", '      """bash',
     '      """', "      | a | b |", "  Examples:", "    | a |", "Rule: r", "# language: de", "*", "", "\u202e", "<a>"]
)  # fmt: skip
FEEDBACK_LINES = st.sampled_from(
    ["- id: 1", "  id: 2", '  date: "2026-11-24"', "  date: 2026-13-45", "  by: CTO", "  runbook: slow", "  text: |",
     "    x", "  text: !!int x", "  resolved: {date: 2026-11-24, by: CTO, commit: a}", "  resolved: {", "  ? [a]", "&a",
     "  text: *a", "  <<: x", "<<<<<<< HEAD", "- - x", '  text: "\\ud800"', "\t- x"]
)  # fmt: skip
FRONT = st.sampled_from(
    ["---", "kind: runbook", "title: 7", "title: [", "alerts: [a, {b: c}]", "reviewed: 2025-13-99", "- x", "? y",
     "owner: !!python/name:os", "expected_minutes: 1e999", "# T", "## Impact", '{{ procedure("x") }}', "```bash", "~~~",
     "reviewed: 0001-01-01", "review_every: 99999999999d", "\t", "a: b: c", "%YAML 9.9"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SHORT = 6  # characters that may stand in a message by chance
RISKS = st.sampled_from(list(Risk))


def assert_judged(judge: Callable[[Risk], str | None], risk: Risk) -> None:
    """What is refused is named, and refused at every lower risk too; what passes, passes at every higher one."""
    by_risk = sorted(Risk, key=lambda each: each.rank)
    refused = judge(risk)
    for other in by_risk[: by_risk.index(risk)] if refused else by_risk[by_risk.index(risk) :]:
        said = judge(other)
        assert (said is None) is (refused is None), (risk, other, said)
        assert said != ""


@QUICK
@given(st.lists(LINES | st.text(max_size=12), max_size=14).map("\n".join))
def test_any_feature_is_read_or_refused_with_its_line(text: str) -> None:
    """FeatureError carries file and line."""
    with suppress(SourceError):
        parse_feature(text, "features/a/b.feature")


@QUICK
@given(st.lists(FRONT | st.text(max_size=12), max_size=12).map(lambda lines: "\n".join(["---", *lines])))
def test_any_page_is_read_or_refused_with_its_line(text: str) -> None:
    """Front matter in any shape."""
    with suppress(SourceError):
        parse_page(text, "docs/a/b.md").front_matter()


@QUICK
@given(st.lists(FEEDBACK_LINES | st.text(max_size=12), max_size=8).map(lambda lines: "\n".join(["feedback:", *lines])))
@example("feedback: [[" * 2000)
@example("feedback: &a [*a]")
@example("feedback: !!int x")
@example('feedback: !!int ""')
@example("feedback: !!bool x")
@example("feedback: !!timestamp x")
@example("{[a]: b}")
def test_any_feedback_is_read_or_refused_with_its_line(text: str) -> None:
    """Whatever YAML makes of it."""
    with suppress(SourceError):
        parse_feedback(text, FEEDBACK)


@QUICK
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_evidence_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """EvidenceError, whatever the file holds."""
    file = tmp_path / "evidence.json"
    file.write_bytes(content)
    with pytest.raises(EvidenceError):
        load_evidence(file)


@QUICK
@given(
    st.lists(
        st.binary(max_size=30)
        | JSON.map(lambda value: json.dumps(value).encode())
        | st.builds(
            lambda name, value: json.dumps({"event": name, "id": "x", "record": value, "step": value}).encode(),
            st.sampled_from(["scenario started", "scenario finished", "step started", "step finished", "other"]),
            JSON,
        ),
        max_size=5,
    )
)
def test_any_journal_is_read_or_refused(tmp_path: Path, lines: list[bytes]) -> None:
    """JournalError with the line, whatever the file holds."""
    file = tmp_path / "journal.jsonl"
    file.write_bytes(b"\n".join(lines))
    with suppress(JournalError):
        read_journal(file)


@QUICK
@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_undo_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """Never passed over in silence: it stands for a change that was made."""
    folder = tmp_path / "undo"
    folder.mkdir(exist_ok=True)
    (folder / "a.json").write_bytes(content)
    with pytest.raises(JournalError):
        left_behind(folder)


@QUICK
@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["select", "delete from", "users", "(", ")", ";", "'", "$$", "set", "x", "=", "1", "with", "as", "--", "/*"]
)).map(" ".join), RISKS)  # fmt: skip
def test_any_sql_is_judged(text: str, risk: Risk) -> None:
    """What cannot be parsed is refused at readonly, and raises nothing."""
    assert_judged(lambda allowed: refused_sql(text, allowed), risk)
    assert refused_sql(text, Risk.DESTRUCTIVE) is None


@QUICK
@given(st.lists(st.binary(max_size=12), max_size=4), RISKS)
def test_any_redis_command_is_judged(words: list[bytes], risk: Risk) -> None:
    """Not only ASCII."""
    assert_judged(lambda allowed: refused_redis(words, allowed), risk)


@QUICK
@given(st.binary(max_size=60) | st.lists(st.sampled_from([b"*1\r\n", b"$3\r\n", b"*-1\r\n", b"$99\r\n", b"GET", b"\r\n",
                                                          b'"', b"\n"])).map(b"".join))  # fmt: skip
def test_any_bytes_to_the_redis_relay_are_read_or_refused(raw: bytes) -> None:
    """Only what the relay is prepared for."""

    async def read() -> None:
        reader = asyncio.StreamReader(limit=1024)
        reader.feed_data(raw)
        reader.feed_eof()
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, Unreadable):
            await read_words(reader)

    asyncio.run(read())


@QUICK
@given(st.text(string.printable, max_size=12), st.text(max_size=30), st.dictionaries(st.text(max_size=8), st.text()),
       st.binary(max_size=30), RISKS)  # fmt: skip
def test_any_http_request_is_judged(method: str, target: str, headers: dict[str, str], body: bytes, risk: Risk) -> None:
    """By every policy: it passes, is named, or cannot be judged."""
    head = RequestHead(method, target, headers)
    for judge in (refused_http, refused_aws, refused_kubernetes):
        with suppress(Unreadable):
            assert_judged(partial(judge, head, body), risk)


@QUICK
@given(
    st.binary(max_size=80).map(lambda raw: b"GET / HTTP/1.1\r\n" + raw + b"\r\n\r\n")
    | st.binary(max_size=40).map(lambda raw: raw + b"\r\n\r\n")
)
def test_any_head_of_a_request_is_read_or_refused(raw: bytes) -> None:
    """Unreadable is what the relay answers with 400."""

    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(raw)
        reader.feed_eof()
        with suppress(Unreadable):
            await read_request(reader, lambda _: None)

    asyncio.run(read())


@example({"REDIS_HOST": "h", "REDIS_PORT": "²", "PGHOST": "h", "PGPORT": "²"})
@QUICK
@given(st.dictionaries(st.sampled_from(["A", "PGHOST", "PGPORT", "REDIS_HOST", "REDIS_PORT", "AWS_ENDPOINT_URL"]),
                       st.text(max_size=20) | st.from_regex(r"(https?|redis|postgres)://.{0,20}")))  # fmt: skip
def test_any_environment_can_be_put_behind_the_guard(environment: dict[str, Any]) -> None:
    """A variable that is no address stays as it is; one that cannot be read is left out, and why is told."""
    left_out = unreadable(environment)
    assert set(rewritten(environment, lambda _: 1)) >= set(environment) - left_out.keys()
    assert all(left_out.values())


@QUICK
@given(st.text(max_size=30) | st.from_regex(r"(https?|redis|postgres)://.{0,20}"))
def test_any_live_setting_is_used_or_refused(text: str) -> None:
    """ConfigurationError, and never the value in it."""
    said = ""
    try:
        platform_environment(PlatformSettings(database_url=text, redis_url=text))  # type: ignore[arg-type]
    except ConfigurationError as refused:
        said = str(refused)
    assert len(text) < SHORT or text not in said


@QUICK
@given(st.text(max_size=40) | st.from_regex(r"s3://[a-z0-9.-]{0,5}/.{0,20}"))
def test_any_name_of_a_backup_is_plain_or_refused(name: str) -> None:
    """What passes holds no shell, HTML, Jinja, terminal or way out."""
    with suppress(ConfigurationError):
        refuse_malformed(name)
        assert set(name) <= set(string.ascii_letters + string.digits + "_.:@+=/-")
        assert ".." not in name.split("/")
