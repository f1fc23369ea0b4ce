"""Whoever is killed, nothing is left: no process, no port, no folder, no shared memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from runbook_steps.stand_in.embedded import registry
from runbook_steps.stand_in.embedded.layout import Layout, read_layout
from tests.contract.conftest import Eventually
from tests.contract.test_embedded_target import processes_of, refused

OWNER = """
    import sys, time
    from runbook_steps.stand_in.embedded import EmbeddedTarget

    target = EmbeddedTarget.create()
    target.start({"postgres", "redis"})
    target.control.start("nginx")
    print(target.layout.directory, flush=True)
    try:
        time.sleep(600)
    finally:
        target.close()
"""


class Owner:
    """A process that owns a target, as a test run does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.layout: Layout = read_layout(Path(process.stdout.readline().strip()))
        self.keeper = psutil.Process(process.pid).children()[0]
        self.reaper = next(child for child in self.keeper.children() if "keeper" in " ".join(child.cmdline()))
        self.services = [child for child in self.keeper.children(recursive=True) if child != self.reaper]

    def nothing_left(self) -> bool:
        """No living process, no folder, no open port."""
        alive = [process for process in (self.keeper, self.reaper, *self.services) if _lives(process)]
        return (
            not alive
            and not self.layout.directory.exists()
            and not processes_of(self.layout.directory)
            and all(refused(port) for port in self.layout.ports.values())
        )


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def owner() -> Iterator[Owner]:
    """Started, with PostgreSQL, Redis and nginx running."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:
        yield Owner(process)
        process.kill()


def kill(*processes: psutil.Process) -> None:
    """As `kill -9` does, without looking what else there is."""
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)


def test_a_killed_owner_leaves_nothing(owner: Owner, eventually: Eventually) -> None:
    """Kill -9 of the test run: the keeper sees it and ends everything at once."""
    assert len(owner.services) >= 5  # PostgreSQL's and nginx's children among them
    owner.process.kill()

    eventually(owner.nothing_left)


def test_ctrl_c_leaves_nothing(owner: Owner, eventually: Eventually) -> None:
    """An interrupted owner closes its target."""
    owner.process.send_signal(signal.SIGINT)

    eventually(owner.nothing_left)


def test_a_killed_keeper_leaves_nothing(owner: Owner, eventually: Eventually) -> None:
    """The services die with the keeper; the reaper removes the folder."""
    kill(owner.keeper)

    eventually(owner.nothing_left)


def test_owner_and_keeper_killed_leave_nothing(owner: Owner, eventually: Eventually) -> None:
    """The reaper is enough."""
    kill(owner.keeper, psutil.Process(owner.process.pid))

    eventually(owner.nothing_left)


def test_a_hung_keeper_is_no_hold(owner: Owner, eventually: Eventually) -> None:
    """A stopped keeper that cannot see its owner die is ended by the reaper."""
    owner.keeper.suspend()
    owner.process.kill()

    eventually(owner.nothing_left)


def test_the_next_start_clears_what_all_of_them_left(owner: Owner, eventually: Eventually) -> None:
    """Reaper, keeper and owner killed at once: nobody is left to clear but the next start, ours or another worker's."""
    kill(owner.reaper, owner.keeper, psutil.Process(owner.process.pid))
    owner.process.wait()
    eventually(lambda: not _lives(owner.keeper) and not _lives(owner.reaper))

    def cleared_by_a_start() -> bool:
        """A start leaves to the next one what somebody else is looking at just then, as another worker may be."""
        registry.sweep()
        return owner.nothing_left()

    eventually(cleared_by_a_start)


def test_the_living_are_not_swept(owner: Owner) -> None:
    """Another run's folder is left alone while anybody keeps it."""
    assert owner.layout.directory not in registry.sweep()
    assert owner.layout.directory in [run.directory for run in registry.live_runs()]


@pytest.mark.skipif(not Path("/proc/sysvipc/shm").exists(), reason="not runnable here: no /proc/sysvipc/shm")
def test_killed_databases_leave_no_shared_memory(owner: Owner, eventually: Eventually) -> None:
    """PostgreSQL's segment goes as well, though PostgreSQL cannot remove it any more."""
    pid_file = owner.layout.pgdata / "postmaster.pid"
    segment = pid_file.read_text().splitlines()[6].split()[1]
    assert segment in _segments()
    kill(owner.keeper)
    eventually(owner.nothing_left)

    assert segment not in _segments()


def _segments() -> set[str]:
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}
