"""`pytest features/` as people run it: on the real target, killed in the middle, with planted secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.proof.evidence_file import load_evidence, read_journal

ROOT = Path(__file__).parents[2]
REDIS = "features/application/redis-out-of-memory.feature"
PLANTED = "S3cr3t-in-URL"


class Run:
    """One `pytest features/…` with journal and evidence in folders of its own."""

    def __init__(self, folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
        self.evidence = folder / "evidence"
        self.journals = folder / "journal"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        command += ["--evidence-dir", str(self.evidence), "--journal-dir", str(self.journals)]
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **(environ or {})}
            )

    def wait_for(self, condition: Callable[[], object], limit_s: float = 120.0) -> None:
        """Until it is true; the run must not end before."""
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)

    def journal(self) -> str:
        """What the journal holds by now."""
        return "".join(file.read_text() for file in sorted(self.journals.glob("*.jsonl")))


KEEPER = "runbook_steps.stand_in.embedded.keeper"


def folder_of(run: subprocess.Popen[bytes]) -> str:
    """The folder of the target that a run started: its keeper is a child, with the folder as argument."""
    children = psutil.Process(run.pid).children(recursive=True)
    commands = [child.cmdline() for child in children]
    (folder,) = {words[words.index(KEEPER) + 1] for words in commands if KEEPER in words}  # its reaper is a fork
    return folder


def living_in(folder: str) -> list[list[str]]:
    """The processes that belong to a target: its HOME lies in the target's folder, or an argument does."""
    found = []
    for process in psutil.process_iter():
        try:
            words, home = process.cmdline(), process.environ().get("HOME", "")
        except psutil.Error:
            continue
        if words and (home.startswith(folder) or any(folder in word for word in words)):
            found.append(words)
    return found


def test_a_killed_run_leaves_nothing_but_its_journal(tmp_path: Path, eventually: Callable[..., None]) -> None:
    """Kill -9 in mid-scenario: processes and folder go away, the journal is readable up to the last step."""
    run = Run(tmp_path, REDIS)
    run.wait_for(lambda: run.journal().count('"step finished"') >= 2)
    own = folder_of(run.process)
    assert len(living_in(own)) > 5

    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()

    eventually(lambda: not Path(own).exists())
    eventually(lambda: living_in(own) == [])
    (journal,) = run.journals.glob("*.jsonl")
    record = read_journal(journal)[-1]
    assert Outcome.INTERRUPTED is record.outcome
    assert Outcome.PASSED is record.steps[0].outcome


@pytest.mark.slow
def test_a_planted_secret_appears_nowhere(tmp_path: Path) -> None:
    """Not in the output, the journal, the evidence or the site, nor in any process's arguments."""
    planted = {
        "RUNBOOKS_EMBEDDED_PASSWORD": PLANTED,
        "REDIS_URL": f"redis://:{PLANTED}@localhost:1/0",
        "DATABASE_URL": f"postgres://beautycort:{PLANTED}@localhost:1/beautycort",
        "JWT_SECRET": f"{PLANTED}-and-more-to-be-long-enough",
        "BACKUP_ENCRYPTION_KEY": PLANTED,
    }
    no_speed = (
        "-k",
        "not healthy",
    )  # nothing that judges how busy this machine is: to look at all processes costs much
    run = Run(tmp_path, REDIS, "features/health/daily-check.feature", *no_speed, environ=planted)
    seen: list[list[str]] = []
    while run.process.poll() is None:
        for process in psutil.process_iter(["cmdline"]):
            if any(PLANTED in argument for argument in process.info["cmdline"] or ()):
                seen.append(process.info["cmdline"])
        time.sleep(0.1)
    assert run.process.returncode == 0, run.log.read_text()
    assert seen == []

    holding = [file.name for file in tmp_path.rglob("*") if file.is_file() and PLANTED in file.read_text()]
    assert holding == []
    records = load_evidence(run.evidence / "embedded.json").records.values()
    assert {Outcome.PASSED} == {record.outcome for record in records}


def test_two_runs_side_by_side_do_not_collide(tmp_path: Path) -> None:
    """Each has its own target, and both are green."""
    runs = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        runs.append(Run(tmp_path / name, REDIS, "-k", "losing"))
    assert [run.process.wait(timeout=240) for run in runs] == [0, 0], [run.log.read_text() for run in runs]


def test_a_killed_run_takes_its_commands_along(tmp_path: Path, eventually: Callable[..., None]) -> None:
    """A command that hangs, and its child in another session, do not outlive a kill -9 of pytest."""
    feature, long = tmp_path / "hang.feature", f"{os.getpid()}0"  # no other run's
    feature.write_text(
        "@risk_readonly @needs_redis\nFeature: Hang\n\n  Scenario: It hangs\n    When I hang (within 10 minutes):\n"
        f'      """bash\n      setsid sleep {long} & sleep {long}\n      """\n    Then it ends with exit code 0\n'
    )
    run = Run(tmp_path, str(feature), "--rootdir", str(ROOT))

    def sleeping() -> int:
        return sum(process.info["cmdline"] == ["sleep", long] for process in psutil.process_iter(["cmdline"]))

    run.wait_for(lambda: sleeping() == 2)
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    eventually(lambda: sleeping() == 0)
