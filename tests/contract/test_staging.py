"""`pytest --target staging` on a stand-in reached by URLs only, with a recording proxy before each service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.stand import ROOT, Stand


@pytest.mark.slow
def test_a_run_on_staging_sends_not_one_write(stand: Stand, tmp_path: Path) -> None:
    """Every scenario there is; what was sent is judged from the wire, not by our own guard."""
    seen = stand.requests_so_far()
    done = stand.run(tmp_path, "features/")
    assert done.returncode == 0, done.stdout[-6000:]
    evidence = json.loads((tmp_path / "evidence/staging.json").read_text())
    outcomes = {record["outcome"] for record in evidence["scenarios"]}
    assert outcomes <= {"passed", "not applicable now", "not runnable here"}
    assert "passed" in outcomes

    assert stand.writes() == []
    assert stand.written_through_the_proxy(seen) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--allow", "destructive"], "add --confirm staging if that is meant"),
        (["--allow", "destructive", "--confirm", "production"], "add --confirm staging if that is meant"),
        (["--allow", "destructive", "--confirm", "staging"], "it has no window set; --now overrides"),
        (["--allow", "mutating", "-n", "2"], "changes to staging run one after another: leave out -n"),
    ],
)
def test_a_change_needs_an_explicit_yes(stand: Stand, tmp_path: Path, arguments: list[str], said: str) -> None:
    """Nothing runs; the message says what is missing."""
    done = stand.run(tmp_path, "features/health/daily-check.feature", *arguments)
    assert (done.returncode, said in done.stdout + done.stderr) == (3, True), done.stdout + done.stderr


def test_production_is_never_changed_by_a_run(stand: Stand, tmp_path: Path) -> None:
    """With every yes there is."""
    variables = {name.replace("STAGING_", "PRODUCTION_"): value for name, value in stand.variables.items()}
    arguments = ["--target", "production", "--allow", "destructive", "--confirm", "production", "--now"]
    done = stand.run(tmp_path, "features/health/daily-check.feature", *arguments, **variables)
    assert done.returncode == 3
    assert "a verification run never changes production" in done.stdout + done.stderr


def test_an_unreachable_service_is_named_in_one_line(stand: Stand, tmp_path: Path) -> None:
    """Which, where, and what to do next; exit code 4."""
    done = stand.run(
        tmp_path, "features/health/daily-check.feature", STAGING_API_BASE_URL="https://u:geheim@127.0.0.1:1"
    )
    said = done.stdout + done.stderr
    assert done.returncode == 4
    assert "does not answer at 127.0.0.1:1 (Connection refused). `runbooks target check staging` tells more" in said
    assert "geheim" not in said


def test_nothing_configured_is_said_in_one_line(tmp_path: Path) -> None:
    """Which variables to set."""
    bare = Stand({}, {}, tmp_path)
    done = bare.run(tmp_path, "features/health/daily-check.feature")
    assert done.returncode == 4
    assert "staging is not configured: set STAGING_API_BASE_URL" in done.stdout + done.stderr


def test_check_tells_what_is_reachable_and_with_which_rights(stand: Stand) -> None:
    """Every part, the user, and what it may write; nothing secret."""
    program = str(Path(sys.executable).with_name("runbooks"))
    done = subprocess.run(
        [program, "target", "check", "staging", "--format", "json"],
        cwd=ROOT,
        env={**os.environ, **stand.variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    cluster = ("kubernetes",) if "STAGING_KUBECONFIG" in stand.variables else ()
    assert {part["part"]: part["good"] for part in document["parts"]} == dict.fromkeys(
        ("api", "postgres", "redis", "aws", "logs", *cluster), True
    )
    assert "as beautycort: a superuser" in done.stdout
    for name in ("STAGING_PGPASSWORD", "STAGING_REDISCLI_AUTH", "STAGING_AWS_SECRET_ACCESS_KEY"):
        assert stand.variables[name] not in done.stdout
