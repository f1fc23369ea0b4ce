"""Root and ordinary users: PostgreSQL never runs as root, and nobody needs to be root."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.account import reachable

NOBODY = 65534
WHOLE = """
    import json, os
    from runbook_steps.stand_in.embedded import EmbeddedTarget

    with EmbeddedTarget.create() as target:
        target.start({"postgres", "redis", "aws", "nginx"})
        running = [name for name, state in target.control.status().items() if state["pid"]]
        mode = oct(target.layout.directory.stat().st_mode & 0o777)
        print(json.dumps({"uid": os.geteuid(), "running": sorted(running), "mode": mode}))
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="not runnable here: only root has another account")


@needs_root
def test_roots_database_runs_as_somebody_else(embedded: EmbeddedTarget) -> None:
    """With an account that can pass the folder, and read nothing in it but the cluster."""
    embedded.start({"postgres"})
    pid = embedded.control.pid("postgres")
    assert pid is not None
    uid = psutil.Process(pid).uids().effective

    assert uid == pwd.getpwnam("nobody").pw_uid
    assert embedded.layout.directory.stat().st_mode & 0o777 == 0o710
    assert {0o600} == {file.stat().st_mode & 0o777 for file in embedded.layout.directory.glob("*.json")}


@needs_root
@pytest.mark.skipif(
    not reachable(Path(sys.executable).resolve(), (NOBODY, NOBODY)),
    reason="not runnable here: this interpreter lies in a folder that is closed to other accounts",
)
def test_an_ordinary_user_with_an_empty_home_needs_nothing_more(tmp_path: Path) -> None:
    """All parts start and end; no cache, no state, no privilege."""
    tmp_path.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WHOLE)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["uid"], seen["mode"]) == (NOBODY, "0o700")
    assert seen["running"] == ["api_1", "api_2", "aws", "nginx", "postgres", "redis", "third_parties"]


@needs_root
def test_a_project_closed_to_others_works_for_root(tmp_path: Path) -> None:
    """PostgreSQL's account cannot enter such a project: it gets its programs inside the run."""
    from runbook_steps.stand_in.embedded.account import server_binaries
    from runbook_steps.stand_in.embedded.binaries import postgres_bin

    closed = tmp_path / "closed" / "site"
    closed.mkdir(parents=True)
    install = postgres_bin().parent
    subprocess.run(["cp", "-a", str(install.parent), str(closed)], check=True)
    closed.parent.chmod(0o700)
    account = (NOBODY, NOBODY)
    private = Path(tmp_path) / "run"
    private.mkdir()

    programs = server_binaries(closed / install.parent.name / install.name / "bin", private, account)

    assert programs.is_relative_to(private)
    assert (programs / "initdb").exists()
