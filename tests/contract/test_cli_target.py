"""`runbooks target`: a target that stays, for hand work."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.conftest import Eventually

Runbooks = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
NAME = f"cli-test-{zlib.crc32(bytes(ROOT)):x}"  # the same in every worker, another in every checkout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An empty home, as on a machine that is new to us."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.mktemp("home")), "LANG": "C.UTF-8"}


@pytest.fixture(scope="module")
def runbooks(environment: dict[str, str]) -> Iterator[Runbooks]:
    """Runs `runbooks target …`; what it has left running is taken down."""
    program = str(Path(sys.executable).with_name("runbooks"))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, "target", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    yield run
    run("down", "--name", NAME)


@pytest.fixture(scope="module")
def up(runbooks: Runbooks) -> subprocess.CompletedProcess[str]:
    """A target with Redis and PostgreSQL."""
    done = runbooks("up", "redis", "postgres", "--name", NAME)
    assert done.returncode == 0, done.stderr
    return done


def test_nothing_up_is_said_clearly(runbooks: Runbooks) -> None:
    """Each command says what to do, with exit code 4, and `env` prints nothing to eval."""
    for command in (["env"], ["status"], ["down"], ["restart", "redis"], ["logs", "redis"]):
        done = runbooks(*command, "--name", "nobody-started-this")
        assert (done.returncode, done.stdout) == (4, ""), command
        assert "start it with `runbooks target up`" in done.stderr


def test_up_says_how_to_use_it(up: subprocess.CompletedProcess[str]) -> None:
    """The line to eval stands there."""
    assert f'eval "$(runbooks target env --name {NAME})"' in up.stdout


@pytest.mark.usefixtures("up")
def test_up_again_adds_what_is_missing(runbooks: Runbooks) -> None:
    """The same target, the same processes, one part more."""
    before = status(runbooks)["services"]

    done = runbooks("up", "third_parties", "--name", NAME)
    after = status(runbooks)["services"]

    assert done.returncode == 0, done.stderr
    assert before["redis"]["pid"] == after["redis"]["pid"]
    assert after["third_parties"]["state"] == "running"


@pytest.mark.usefixtures("up")
def test_a_target_of_another_checkout_is_left_alone(
    runbooks: Runbooks, environment: dict[str, str], tmp_path: Path
) -> None:
    """Neither joined nor removed from there, also not with `--all`; it says whose it is."""
    for file in ("pyproject.toml", "mkdocs.yml"):
        shutil.copy(ROOT / file, tmp_path)
    program = str(Path(sys.executable).with_name("runbooks"))
    for arguments in (["up", "redis", "--name", NAME], ["down", "--name", NAME], ["down", "--all"]):
        done = subprocess.run(
            [program, "target", *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        if "--all" in arguments:
            assert (done.returncode, done.stdout) == (0, "no target is up\n"), done.stderr
        else:
            assert (done.returncode, f"{NAME} is up for {ROOT}" in done.stderr) == (3, True), done.stderr
    assert status(runbooks)["services"]["redis"]["state"] == "running"


def status(runbooks: Runbooks) -> dict[str, dict[str, dict[str, object]]]:
    """`status --format json`."""
    document: dict[str, dict[str, dict[str, object]]] = json.loads(
        runbooks("status", "--name", NAME, "--format", "json").stdout
    )
    return document


@pytest.mark.usefixtures("up")
def test_env_can_be_evaluated(runbooks: Runbooks, environment: dict[str, str]) -> None:
    """`eval` and then plain psql; the other forms hold the same variables."""
    runbooks_program = Path(sys.executable).with_name("runbooks")
    line = f'eval "$({runbooks_program} target env --name {NAME})" && psql -Atc "SELECT current_database()"'
    done = subprocess.run(
        ["/bin/bash", "-euc", line], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    as_json = json.loads(runbooks("env", "--name", NAME, "--format", "json").stdout)
    as_dotenv = runbooks("env", "--name", NAME, "--format", "dotenv").stdout

    assert (done.returncode, done.stdout) == (0, "beautycort\n"), done.stderr
    assert as_json["RUNBOOKS_TARGET"] == "embedded"
    assert set(as_json) == {row.partition("=")[0] for row in as_dotenv.splitlines()}


@pytest.mark.usefixtures("up")
def test_a_dead_service_shows_and_restarts(runbooks: Runbooks, eventually: Eventually) -> None:
    """Killed by pid: status exits with 1 and says dead; restart brings it back."""
    os.kill(int(str(status(runbooks)["services"]["redis"]["pid"])), signal.SIGKILL)
    eventually(lambda: runbooks("status", "--name", NAME).returncode == 1)  # its keeper has noticed
    seen = runbooks("status", "--name", NAME)

    restarted = runbooks("restart", "redis", "--name", NAME)

    assert (seen.returncode, "dead" in seen.stdout) == (1, True)
    assert restarted.returncode == 0, restarted.stderr
    assert runbooks("status", "--name", NAME).returncode == 0


@pytest.mark.usefixtures("up")
def test_logs_are_the_services_own(runbooks: Runbooks) -> None:
    """The last lines that it wrote; a service that is none is refused."""
    assert "ready to accept connections" in runbooks("logs", "postgres", "--name", NAME).stdout
    assert runbooks("logs", "../run", "--name", NAME).returncode == 2


@pytest.mark.usefixtures("up")
def test_a_running_target_can_be_joined(
    runbooks: Runbooks, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`attach` gives the same system, and reading it does not end it."""
    monkeypatch.setenv("HOME", environment["HOME"])
    target = EmbeddedTarget.attach(NAME)

    assert target.control.pid("redis") == status(runbooks)["services"]["redis"]["pid"]
    assert NAME in runbooks("list").stdout


def test_a_bad_name_is_refused(runbooks: Runbooks) -> None:
    """A name is a word: it becomes part of a file name."""
    done = runbooks("up", "--name", "../etc")

    assert done.returncode == 2
    assert "no good name" in done.stderr


@pytest.mark.usefixtures("up")
def test_down_removes_it(runbooks: Runbooks) -> None:
    """After `down` nothing of it is there, and a second `down` says so."""
    directory = Path(str(status(runbooks)["directory"]))

    assert runbooks("down", "--name", NAME).returncode == 0
    assert not directory.exists()
    assert runbooks("down", "--name", NAME).returncode == 4
