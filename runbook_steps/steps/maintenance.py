"""Routine maintenance: logs that age, dependencies that drift, backups that are damaged, holes that are looked for."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_bdd import given, then

from runbook_steps.engine.model import Result
from runbook_steps.engine.pytest_side.command_steps import answer_of
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.operations.log_events import log_events
from runbook_steps.steps.attacks import must_tell
from runbook_steps.steps.scaling import eventually

DAY_S = 86400
OLD, FRESH, EVIDENCE = "app.log.drill-10", "app.log.drill-1", "security.log.drill-10"
LINE = '{"event": "drill", "text": "must be readable in a review"}\n'
REVIEWED = '{"name": "beautycort-api", "lockfileVersion": 3, "packages": {"express": "4.21.2"}}\n'
ATTACKER = "203.0.113.77"  # RFC 5737, for documentation


@pytest.fixture
def old_logs(environment: Callable[[], Mapping[str, str]]) -> Generator[Path, None, None]:
    """The folder of the logs; what a drill put there is removed afterwards."""
    folder = Path(environment()["LOG_DIR"])
    yield folder
    for name in (OLD, f"{OLD}.gz", FRESH, EVIDENCE):
        (folder / name).unlink(missing_ok=True)


@given("logs were rotated ten days ago, and one yesterday")
def logs_were_rotated(target: Target, old_logs: Path, cannot_be_seen: Callable[[str], None]) -> None:
    if not target.facts.disposable:
        cannot_be_seen("which logs are old is seen by the command: none is made for a look")
        return
    for name, days in ((OLD, 10), (FRESH, 1), (EVIDENCE, 10)):
        (old_logs / name).write_text(LINE, "utf-8")
        then_s = time.time() - days * DAY_S
        os.utime(old_logs / name, (then_s, then_s))


@then("the old application log can still be read, compressed")
def old_log_is_compressed(target: Target, old_logs: Path, cannot_be_seen: Callable[[str], None]) -> None:
    if target.facts.disposable:
        assert not (old_logs / OLD).exists()
        assert gzip.decompress((old_logs / f"{OLD}.gz").read_bytes()).decode() == LINE
    else:
        cannot_be_seen("what was in a log before is not known")


@then("the open logs, the security log and the log of yesterday are as they were")
def other_logs_are_untouched(target: Target, old_logs: Path, api: httpx.Client) -> None:
    if target.facts.disposable:
        assert [(old_logs / name).read_text("utf-8") for name in (FRESH, EVIDENCE)] == [LINE, LINE]
    before = (old_logs / "app.log").stat().st_size
    api.get("/api/providers", params={"limit": 1}).raise_for_status()
    eventually(lambda: (old_logs / "app.log").stat().st_size > before, "the application writes to its open log")


@given("somebody updated a dependency on the host")
def somebody_updated(
    target: Target, tmp_path: Path, variables: dict[str, str], cannot_be_seen: Callable[[str], None]
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("APP_REPOSITORY is the checkout of the application: the command tells whether it differs")
        return  # APP_REPOSITORY is the checkout of the application
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text(REVIEWED, "utf-8")
    author = ("-c", "user.name=Drill", "-c", "user.email=drill@beautycort.example")
    for words in (("init", "-q"), ("add", "-A"), (*author, "commit", "-q", "-m", "reviewed")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True, timeout=30)
    (tmp_path / "package-lock.json").write_text(REVIEWED.replace("4.21.2", "5.9.9"), "utf-8")
    variables["APP_REPOSITORY"] = str(tmp_path)


@then("the lock file is the one that was reviewed")
def lock_file_is_reviewed(variables: dict[str, str], environment: Callable[[], Mapping[str, str]]) -> None:
    folder = Path(environment()["APP_REPOSITORY"])
    shown = subprocess.run(
        ["git", "-C", str(folder), "show", "HEAD:package-lock.json"],
        check=True, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert shown.stdout == (folder / "package-lock.json").read_text("utf-8")
    if "APP_REPOSITORY" in variables:
        assert shown.stdout == REVIEWED


@then("the report names the damaged backup and no other")
def report_names_the_damaged(last_result: Result, variables: dict[str, str]) -> None:
    bad = [row for row in answer_of(last_result)["backups"] if not row["success"]]
    assert [variables["BACKUP_LOCATION"]] == [row["location"] for row in bad]
    assert all(row["error"] for row in bad)


@then("the report of the scan names no vulnerability")
def scan_names_no_hole(workspace: Path) -> None:
    results = json.loads((workspace / "scan.json").read_text("utf-8")).get("Results", [])
    assert [hole["VulnerabilityID"] for result in results for hole in result.get("Vulnerabilities", [])] == []


@then("the slowest endpoint comes first")
def slowest_first(last_result: Result, api: httpx.Client) -> None:
    rows: list[dict[str, Any]] = api.get("/api/metrics").raise_for_status().json()["by_endpoint"]
    assert rows, "no request was counted: no endpoint can be told from another"
    times = [float(line.split()[0]) for line in last_result.stdout.splitlines()]
    assert times == sorted(times, reverse=True)
    assert len(times) == min(5, len(rows))


@given("somebody probed paths that no customer requests")
def somebody_looked_for_a_hole(target: Target, api: httpx.Client, environment: Callable[[], Mapping[str, str]]) -> None:
    log = Path(environment()["LOG_DIR"]) / "security.log"
    if target.facts.disposable:
        for path in ("/.env", "/wp-login.php"):
            api.get(path, headers={"X-Forwarded-For": ATTACKER})
        eventually(lambda: ATTACKER in log.read_text("utf-8"), "the security log tells of it")
    else:
        must_tell(log)


@then("the review names the client that probed the API")
def review_names_the_client(
    results: list[Result], target: Target, environment: Callable[[], Mapping[str, str]]
) -> None:
    lines = results[-1].stdout.splitlines()
    events = log_events(Path(environment()["LOG_DIR"], "security.log"))
    assert events, "the security log is empty: it tells nothing"
    counted = sum(int(line.split()[0]) for line in lines)
    if not target.facts.disposable:  # its clients go on meanwhile
        assert 0 < counted <= len(events)
    else:
        assert counted == len(events)
        named = [line.split() for line in lines if line.endswith(ATTACKER)]
        assert named
        assert sum(int(words[0]) for words in named) >= len(("/.env", "/wp-login.php"))
