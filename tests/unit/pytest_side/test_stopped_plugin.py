"""A proof session that is killed or interrupted in the middle: what its journal and its evidence hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import read_journal
from tests.unit.pytest_side.proof_project import LONGEST_S, evidence, scenario, write


def test_a_killed_run_leaves_a_readable_journal(project: pytest.Pytester) -> None:
    """After kill -9 in mid-step the journal tells everything up to that step."""
    write(
        project,
        scenario("touch started; sleep 60", tail="Then it ends with exit code 0").replace(
            "    When", '    When I begin:\n      """bash\n      echo begun\n      """\n    And', 1
        ),
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "features/"], cwd=project.path, stdout=subprocess.DEVNULL
    )
    journal = _wait_for_journal(project.path, '"step started"', times=2)
    sleeper = psutil.Process(run.pid).children(recursive=True)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    for process in sleeper:
        process.kill()
    (record,) = read_journal(journal)
    assert Outcome.INTERRUPTED is record.outcome
    assert [s.outcome for s in record.steps] == [Outcome.PASSED, Outcome.INTERRUPTED, Outcome.NOT_REACHED]
    assert record.steps[0].stdout == "begun\n"


def test_ctrl_c_is_interrupted(project: pytest.Pytester) -> None:
    """Ctrl-C in mid-step is recorded as `interrupted`, and its command ends."""
    write(project, scenario("sleep 60"))
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "features/"], cwd=project.path, stdout=subprocess.DEVNULL
    )
    _wait_for_journal(project.path, '"step started"', times=1)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=LONGEST_S) == 2
    assert [s.outcome for s in evidence(project)["features/a.feature::S"].steps] == [
        Outcome.INTERRUPTED,
        Outcome.NOT_REACHED,
    ]


def _wait_for_journal(root: Path, text: str, *, times: int) -> Path:
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        for file in (root / "build/journal").glob("*.jsonl"):
            if file.read_text().count(text) >= times:
                return file
        time.sleep(0.02)
    raise AssertionError(f"no journal with {times} × {text}")
