"""What the contract tests share: one embedded target a session, and the way to run a command on it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runbook_steps.stand_in.embedded import EmbeddedTarget
from tests.contract.database_backup_support import Shop
from tests.contract.stand import Stand, stood_in

Shell = Callable[..., subprocess.CompletedProcess[str]]
Eventually = Callable[..., None]


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedTarget]:
    """The target; a test starts the parts it needs: `embedded.start({"redis"})`.

    With a superuser for its owner, unlike every drill: these tests arrange with it what an owner may not, drop and make
    databases with every extension, and attack the guard as somebody whom the server refuses nothing.
    """
    with EmbeddedTarget.create(superuser_owner=True) as target:
        yield target


@pytest.fixture(scope="session")
def whole(embedded: EmbeddedTarget) -> EmbeddedTarget:
    """The target with every part."""
    embedded.start({"postgres", "redis", "third_parties", "aws", "api", "nginx"})
    return embedded


QUICK_RUN = 1000  # requests a minute: every scenario one behind the other, which nobody does to a real staging


@pytest.fixture(scope="module")
def behind_the_stand() -> Iterator[EmbeddedTarget]:
    """A target of its own, without the traffic and the faults of other tests.

    Its owner is a superuser: the guard must hold a live target also where the server would refuse nothing.
    """
    with EmbeddedTarget.create(rate_limit=QUICK_RUN, superuser_owner=True) as target:
        target.start({"postgres", "redis", "third_parties", "aws", "api", "nginx"})
        if shutil.which("kubectl"):
            target.start({"kubernetes"})
        yield target


@pytest.fixture(scope="module")
def stand(behind_the_stand: EmbeddedTarget) -> Iterator[Stand]:
    """That target as a stand-in for staging: URLs, a recording before each service."""
    with stood_in(behind_the_stand, kubernetes=shutil.which("kubectl") is not None) as found:
        yield found


@pytest.fixture
def shell(embedded: EmbeddedTarget, tmp_path: Path) -> Shell:
    """Runs a line of bash in the target's environment, in an empty folder."""

    def run(line: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-eu", "-o", "pipefail", "-c", line],
            env={**embedded.environment(), **variables},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def eventually() -> Eventually:
    """Asks until it is true, at most that many seconds."""

    def ask(condition: Callable[[], object], limit_s: float = 60.0) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < end, f"not true after {limit_s} s"
            time.sleep(0.01)

    return ask


@pytest.fixture(scope="module")
def full(embedded: EmbeddedTarget) -> Iterator[Shop]:
    """A shop whose database no test changes."""
    with Shop.opened(embedded) as opened:
        yield opened


@pytest.fixture
def shop(full: Shop) -> Shop:
    """The same database with an empty bucket."""
    for key in full.objects():
        full.s3.delete_object(Bucket=full.bucket, Key=key)
    return full
