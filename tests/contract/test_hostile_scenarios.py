"""Scenarios that say `risk_readonly` and try to write, on a stand-in for staging: each is stopped, and named.

The proof is what the recordings before the services hold, not what the guard says of itself.
"""

from __future__ import annotations

import contextlib
import json
import platform
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import redis

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.hostile import HOSTILE, ON_X86_64, OUTSIDE, SLEEP
from tests.contract.hostile_http import HOSTILE_HTTP, HOSTILE_KUBERNETES
from tests.contract.hostile_sql import HOSTILE_SQL
from tests.contract.live_project import PYPROJECT
from tests.contract.stand import Stand
from tests.gate import NEEDS_LOCK

pytestmark = NEEDS_LOCK


@dataclass(frozen=True)
class Tried:
    """The run of all of them: what pytest said, what the evidence holds, what was sent."""

    code: int
    said: str
    records: dict[str, Any]
    names: dict[str, str]
    writes: list[str]
    left: list[int]


def feature_of(cases: dict[str, tuple[str, str]], names: dict[str, str]) -> str:
    """One scenario each."""
    parts = ["@risk_readonly", "Feature: Hostile", ""]
    for name, (command, _) in cases.items():
        indented = textwrap.indent(filled(command, names), "      ")
        parts += [f"  Scenario: {name}", "    When I only look:", '      """bash', indented, '      """']
        parts += ["    Then it ends with exit code 0", ""]
    return "\n".join(parts) + "\n"


def filled(text: str, names: dict[str, str]) -> str:
    """The text with its places filled, other braces untouched."""
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value).replace(f"{{{name}!r}}", repr(value))
    return text


def all_cases() -> dict[str, tuple[str, str]]:
    """Those that this machine has the tools for."""
    numbered = ON_X86_64 if platform.machine() == "x86_64" else {}
    cluster = HOSTILE_KUBERNETES if shutil.which("kubectl") else {}
    return {**HOSTILE_SQL, **HOSTILE, **HOSTILE_HTTP, **numbered, **cluster}


@pytest.fixture(scope="module")
def tried(behind_the_stand: EmbeddedTarget, stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """`pytest features/ --target staging` on a project of nothing but hostile scenarios."""
    folder = tmp_path_factory.mktemp("hostile")
    victim = folder / "victim"
    victim.write_text("kept")
    mode = victim.stat().st_mode
    # it waits as long as this takes
    other = psutil.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    names = {
        "redis": str(behind_the_stand.layout.ports["redis"]),
        "postgres": str(behind_the_stand.layout.ports["postgres"]),
        "unix": str(behind_the_stand.layout.control_socket),
        "victim": str(victim),
        "other": str(other.pid),
    }
    (folder / "features").mkdir()
    (folder / "features/hostile.feature").write_text(feature_of(all_cases(), names))
    (folder / "pyproject.toml").write_text(PYPROJECT)
    seen = stand.requests_so_far()
    try:
        done = stand.run(folder, "features/", cwd=folder)
        alive = other.is_running() and other.status() != psutil.STATUS_ZOMBIE
    finally:
        other.kill()
        other.communicate()
    filed = folder / "evidence/staging.json"
    assert filed.exists(), done.stdout + done.stderr
    evidence = json.loads(filed.read_text())
    records = {record["scenario"]: record for record in evidence["scenarios"]}
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", SLEEP]]
    writes = stand.writes() + stand.written_through_the_proxy(seen) + ([] if alive else ["a signal"])
    writes += (
        [] if victim.exists() and (victim.read_text(), victim.stat().st_mode) == ("kept", mode) else ["the victim"]
    )
    writes += [str(file) for file in OUTSIDE.glob("hostile-file")]
    return Tried(done.returncode, done.stdout, records, names, writes, left)


@pytest.mark.parametrize("case", all_cases())
def test_each_is_stopped_and_named(tried: Tried, case: str) -> None:
    """The scenario is red, its failure says what was tried, and so does the page: it is in the evidence."""
    record = tried.records[case]
    error = next((step["error"] for step in record["steps"] if step["outcome"] == "failed"), "")
    assert record["outcome"] == "failed", record["steps"][0]["stderr"]
    assert filled(all_cases()[case][1], tried.names) in error + record["reason"], record["steps"][0]["stderr"]
    assert "readonly" in error or "read-only" in error


def test_nothing_was_written_anywhere(tried: Tried) -> None:
    """Neither to a service, as the recordings tell, nor to the host; nothing stayed behind."""
    assert tried.code == 1
    assert tried.writes == []
    assert tried.left == []


def test_there_are_more_than_twenty(tried: Tried) -> None:
    """And every one of them ran."""
    assert len(tried.records) == len(all_cases()) > 20


def test_the_recordings_would_show_a_write(tried: Tried, stand: Stand) -> None:
    """One of each kind, sent past the guard, is seen: an empty list means that nothing was sent."""
    assert tried.writes == []
    with redis.Redis(port=stand.recordings["redis"].port, password=stand.variables["STAGING_REDISCLI_AUTH"]) as client:
        client.set("drill:seen", "1", ex=1)
    url = stand.variables["STAGING_DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as database, contextlib.suppress(psycopg.Error):
        database.execute("DELETE FROM bookings WHERE false")
    for part in ("api_1", "third_parties", "aws"):
        httpx.post(f"http://127.0.0.1:{stand.recordings[part].port}/seen", content=b"x", trust_env=False)
    assert {"Redis SET", "SQL DELETE", "api_1 POST /seen", "aws POST /seen", "third_parties POST /seen"} <= set(
        stand.writes()
    )
