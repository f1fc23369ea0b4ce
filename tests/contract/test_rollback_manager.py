"""`beautycort rollback-manager rollback`: what goes wrong on the way, and that somebody always serves."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from runbook_steps.faults.broken_deployment import BrokenDeployment, make_release
from runbook_steps.operations.releases import Releases
from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Eventually, Shell

FAST = "--tries 2 --pause 100ms --watch 200ms"
ROLLBACK = f"beautycort rollback-manager rollback 'errors' --yes embedded {FAST} --format json"


@pytest.fixture
def upstream(whole: EmbeddedTarget) -> Path:
    """The proxy's list of slots."""
    return whole.layout.nginx / "upstream.d" / "slots.conf"


@pytest.fixture
def deployed(whole: EmbeddedTarget, upstream: Path) -> Iterator[Releases]:
    """Version 1.3.0, broken, on both slots, recorded; undone afterwards."""
    releases = Releases.from_environ(whole.environment())
    urls = {slot: whole.layout.slot_url(slot) for slot in ("api_1", "api_2")}
    fault = BrokenDeployment(
        whole.control, releases.folder, upstream, urls, lambda version: releases.record(version, "", "test", None)
    )
    fault.arrange()
    yield releases
    fault.clear()


@pytest.fixture
def versions(whole: EmbeddedTarget) -> Callable[[], list[str]]:
    """Gives what the slots say they run."""
    return lambda: [
        httpx.get(whole.layout.slot_url(slot) + "/api/version", timeout=10).json()["version"]
        for slot in ("api_1", "api_2")
    ]


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON result."""
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def serves(whole: EmbeddedTarget) -> int:
    """What the proxy answers."""
    return httpx.get(f"{whole.layout.api_base_url}/api/health", verify=False, timeout=10).status_code  # noqa: S501


def test_a_rollback_without_a_previous_release_changes_nothing(
    whole: EmbeddedTarget, shell: Shell, versions: Callable[[], list[str]]
) -> None:
    """Nothing recorded: it says so and what to do instead."""
    whole.start({"api"})
    done = shell(ROLLBACK)
    assert done.returncode == 1
    assert report_of(done)["error"].startswith("no previous release: nothing but 1.1.0 is recorded")
    assert versions() == ["1.1.0", "1.1.0"]


def test_a_previous_release_that_cannot_start_leaves_the_other_half_serving(
    whole: EmbeddedTarget, shell: Shell, deployed: Releases, versions: Callable[[], list[str]]
) -> None:
    """The step fails, later ones are not reached, customers are served; mended, the same command ends it."""
    first = deployed.of("1.1.0") / "release.env"
    good = first.read_text("utf-8")
    first.write_text(good + "JWT_SECRET=short\n", "utf-8")
    try:
        done = shell(ROLLBACK)
    finally:
        first.write_text(good, "utf-8")
    report = report_of(done)
    statuses = {step["name"]: step["status"] for step in report["steps"]}
    assert done.returncode == 1
    assert statuses["Application Rollback"] == "failed"
    assert statuses["Resume Traffic"] == "not reached"
    assert serves(whole) == 200
    assert shell(ROLLBACK).returncode == 0
    assert versions() == ["1.1.0", "1.1.0"]


def test_a_rollback_stops_at_its_time_limit(whole: EmbeddedTarget, shell: Shell, deployed: Releases) -> None:
    """The result says that the time is over, and customers are served."""
    del deployed
    done = shell(ROLLBACK + " --limit 50ms")
    assert done.returncode == 1
    assert "longest it may take" in report_of(done)["error"] or "did not end within" in report_of(done)["error"]
    assert serves(whole) == 200


def test_a_longer_limit_than_15_minutes_is_no_option(shell: Shell, whole: EmbeddedTarget) -> None:
    """Exit code 2."""
    del whole
    done = shell(ROLLBACK + " --limit 16m")
    assert (done.returncode, done.stderr) == (2, "error: --limit: 15m is the longest a rollback may take\n")


def test_a_killed_rollback_leaves_service_up_and_goes_on(  # noqa: PLR0917 - fixtures
    whole: EmbeddedTarget,
    shell: Shell,
    deployed: Releases,
    upstream: Path,
    versions: Callable[[], list[str]],
    eventually: Eventually,
) -> None:
    """Killed while half of the slots get no requests: the other half serves; the same command ends it."""
    del deployed
    with subprocess.Popen(["/bin/bash", "-c", f"exec {ROLLBACK}"], env=whole.environment()) as killed:
        eventually(lambda: " down;" in upstream.read_text("utf-8"), 30)
        killed.send_signal(signal.SIGKILL)
    assert serves(whole) == 200
    done = shell(ROLLBACK)
    assert (done.returncode, report_of(done)["finalStatus"]) == (0, "rolled back to 1.1.0")
    assert versions() == ["1.1.0", "1.1.0"]
    assert " down;" not in upstream.read_text("utf-8")


def test_only_the_option_restores_the_backup_from_before(whole: EmbeddedTarget, shell: Shell, upstream: Path) -> None:
    """A reason that names the database restores nothing; with the option what was written since is gone."""
    releases = Releases.from_environ(whole.environment())
    assert shell("beautycort database-backup backup --format json").returncode == 0
    releases.record("1.1.0", "", "test", None)
    make_release(releases.folder, "1.3.0", "")
    urls = {slot: whole.layout.slot_url(slot) for slot in ("api_1", "api_2")}
    fault = BrokenDeployment(
        whole.control, releases.folder, upstream, urls, lambda v: releases.record(v, "", "test", None), mistake=""
    )
    fault.arrange()
    try:
        with psycopg.connect(whole.layout.database_url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE written_by_the_bad_release ()")
        reason = ROLLBACK.replace("'errors'", "'migration 42 of the database destroyed prices'")
        asked = shell(reason.replace("--yes embedded", "--with-database"))
        assert asked.returncode == 3
        assert "every booking, payment and customer since then is lost" in asked.stderr
        done = shell(reason)
        steps = {step["name"]: step["status"] for step in report_of(done)["steps"]}
        assert (done.returncode, steps["Database Rollback"]) == (0, "skipped")
        fault.clear()
        fault.arrange()
        done = shell(f"PREPARED_DATABASE=beautycort {reason} --with-database")
        steps = {step["name"]: step["status"] for step in report_of(done)["steps"]}
        assert (steps["Pre-rollback Validation"], steps["Stop Traffic"]) == ("failed", "not reached")
        assert "beautycort is the live database" in report_of(done)["error"]
        done = shell(f"{reason} --with-database")
        steps = {step["name"]: step["status"] for step in report_of(done)["steps"]}
        assert (done.returncode, steps["Database Rollback"]) == (0, "completed")
        with psycopg.connect(whole.layout.database_url(), autocommit=True) as connection:
            row = connection.execute("SELECT to_regclass('written_by_the_bad_release') IS NULL").fetchone()
        assert row == (True,)
    finally:
        fault.clear()
        (releases.folder / "releases.jsonl").unlink(missing_ok=True)
        shell("beautycort database-backup discard-old --yes embedded")
