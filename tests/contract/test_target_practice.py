"""`runbooks target break` and `heal`: what is broken for practice is really broken, and healed whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.embedded.wire import ask

ROOT = Path(__file__).parents[2]
NAME = f"practice-test-{zlib.crc32(bytes(ROOT)):x}"  # the same in every worker, another in every checkout
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))
Runbooks = Callable[..., subprocess.CompletedProcess[str]]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`runbooks target …`."""
    return subprocess.run(
        [RUNBOOKS, "target", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def kept() -> Iterator[EmbeddedTarget]:
    """A target with the database and Redis."""
    done = run("up", "postgres", "redis", "--name", NAME)
    assert done.returncode == 0, done.stderr
    yield EmbeddedTarget.attach(NAME)
    run("down", "--name", NAME)


@pytest.fixture(autouse=True)
def nothing_broken(kept: EmbeddedTarget) -> Iterator[None]:
    """Each test leaves it healed."""
    yield
    run("heal", "--name", NAME)
    assert broken(kept) is None


def broken(kept: EmbeddedTarget) -> dict[str, object] | None:
    """What the keeper says is broken."""
    found: dict[str, object] | None = ask(kept.layout.control_socket, "broken")
    return found


def state(kept: EmbeddedTarget, service: str) -> str:
    """As the keeper sees it."""
    return str(kept.control.status()[service]["state"])


def test_every_fault_has_a_name() -> None:
    """And the runbook that practises it; for a machine too. No target is needed."""
    told = run("break", "--list")
    assert told.returncode == 0, told.stderr
    assert "application/redis-connections:\n  redis is down\n" in told.stdout
    rows = json.loads(run("break", "--format", "json").stdout)
    assert len(rows) > 60
    assert len({row["fault"] for row in rows}) == len(rows)
    assert {"fault", "runbook", "scenario"} == set(rows[0])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("break", "redis is dwon", "--name", NAME), 2, "did you mean “redis is down”?"),
        (("break", "is down", "--name", NAME), 2, "\n  redis is down"),
        (("break", "redis is down", "--name", "staging"), 3, "staging is live"),
        (("break", "redis is down", "--name", "production"), 3, "production is live"),
        (("break", "redis is down", "--name", "nobody-started-this"), 4, "no target named"),
        (("heal", "--name", "nobody-started-this"), 4, "no target named"),
    ],
)
def test_what_is_not_broken_is_said(arguments: tuple[str, ...], code: int, said: str) -> None:
    """With an exit code of its own, and in one place."""
    done = run(*arguments)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_it_is_broken_until_it_is_healed(kept: EmbeddedTarget) -> None:
    """One at a time; a second heal has nothing to do. It is no proof, and leaves none."""
    before = sorted((ROOT / "build/journal").glob("*.jsonl"))
    done = run("break", "redis is down", "--name", NAME)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"broken on {NAME}: redis is down\n")
    assert f"runbooks target heal --name {NAME}" in done.stdout
    assert state(kept, "redis") != "running"
    second = run("break", "an application has taken every connection", "--name", NAME)
    assert (second.returncode, "“redis is down” is broken already" in second.stderr) == (3, True)
    healed = json.loads(run("heal", "--name", NAME, "--format", "json").stdout)
    assert healed == {"target": NAME, "healed": "redis is down"}
    assert state(kept, "redis") == "running"
    assert run("heal", "--name", NAME).stdout == f"nothing is broken on {NAME}\n"
    assert sorted((ROOT / "build/journal").glob("*.jsonl")) == before


def test_what_holds_it_may_be_killed(kept: EmbeddedTarget, eventually: Callable[..., None]) -> None:
    """The keeper makes everything anew, at the same addresses with the same secrets."""
    before = kept.environment()
    done = run("break", "redis is down", "--name", NAME, "--format", "json")
    assert json.loads(done.stdout)["fault"] == "redis is down"
    held = broken(kept)
    assert held is not None
    os.kill(int(str(held["pid"])), signal.SIGKILL)
    eventually(lambda: broken(kept) is None, 120.0)
    assert state(kept, "redis") == "running"
    assert state(kept, "postgres") == "running"
    assert kept.environment() == before


def test_who_breaks_it_may_be_killed_in_the_middle(kept: EmbeddedTarget, eventually: Callable[..., None]) -> None:
    """Nobody listens to what is broken then: it is healed at once."""
    breaking = subprocess.Popen(
        [RUNBOOKS, "target", "break", "an application has taken every connection", "--name", NAME],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    eventually(lambda: broken(kept) is not None, 120.0)
    breaking.kill()
    if breaking.wait() == 0:  # it was broken sooner, and stays so
        run("heal", "--name", NAME)
    eventually(lambda: broken(kept) is None, 120.0)
    assert state(kept, "postgres") == "running"
