"""The host that is watched in a drill: small, and as busy and full as what lives on it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from runbook_steps.stand_in.monitoring.watched_host import MEMORY, OTHERS, WatchedHost, held_by, wanted_s

GONE = 2**22 + 1
"""More than Linux numbers processes."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[WatchedHost]:
    """One that writes when it is told to."""
    made = WatchedHost(tmp_path / "host")
    yield made
    made.close()


@contextmanager
def process(program: str) -> Iterator[int]:
    """A process at work; its id."""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as made:
        assert made.stdout is not None
        assert made.stdout.readline() == b"ready\n"
        yield made.pid
        made.kill()


def seconds(host: WatchedHost) -> tuple[float, float]:
    """Ticks that its processor was busy and idle."""
    host.write()
    words = (host.procfs / "stat").read_text("utf-8").splitlines()[0].split()
    return float(words[1]), float(words[4])


def left(host: WatchedHost) -> int:
    """Bytes of memory that are available."""
    host.write()
    lines = dict(line.split(":") for line in (host.procfs / "meminfo").read_text("utf-8").splitlines())
    return int(lines["MemAvailable"].removesuffix("kB")) * 1024


def test_an_idle_host_is_idle_and_has_room(host: WatchedHost) -> None:
    """Whatever the machine does that runs the drill."""
    busy, idle = seconds(host)
    assert (busy, left(host)) == (0, MEMORY - OTHERS)
    time.sleep(0.05)
    assert seconds(host)[1] > idle
    assert (host.procfs / "1/mounts").read_text("utf-8") == ""


def test_a_process_that_wants_the_processor_makes_it_busy(host: WatchedHost) -> None:
    """Also while it waits for one, because others burden the machine: on its own host it would have run."""
    with process("print('ready', flush=True)\nwhile True: pass") as spinning:
        before = seconds(host)
        host.has(process=spinning)
        end = time.monotonic() + 30
        while seconds(host)[0] - before[0] < 50:
            assert time.monotonic() < end, "a loop makes no processor busy"
            time.sleep(0.1)
        busy, idle = (now - then for now, then in zip(seconds(host), before, strict=True))
    assert busy > idle
    after = seconds(host)[0]
    time.sleep(0.1)
    assert seconds(host)[0] == after


def test_what_a_process_holds_is_not_left_for_others_until_it_ends(host: WatchedHost) -> None:
    """And never is less than nothing left."""
    with process("kept = b'x' * 30_000_000; print('ready', flush=True); input()") as big:
        host.has(process=big)
        assert left(host) < MEMORY - OTHERS - 30_000_000
    assert left(host) == MEMORY - OTHERS
    with process(f"kept = b'x' * {MEMORY}; print('ready', flush=True); input()") as bigger:
        host.has(process=bigger)
        assert left(host) == 0


def test_a_volume_counts_as_a_disk_as_long_as_it_is_there(host: WatchedHost, tmp_path: Path) -> None:
    """The alerts read no file systems in memory, and a drill's lies there."""
    volume = tmp_path / "logs"
    volume.mkdir()
    host.has(volume=volume)
    host.write()
    assert (host.procfs / "1/mounts").read_text("utf-8") == f"/dev/logs1 {volume} ext4 rw 0 0\n"
    volume.rmdir()
    host.write()
    assert (host.procfs / "1/mounts").read_text("utf-8") == ""


def test_a_volume_that_nobody_may_look_into_any_more_is_gone(
    host: WatchedHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way leads through its process, and is refused as that one ends; the host goes on being written."""

    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    host.has(volume=tmp_path)
    monkeypatch.setattr(Path, "exists", refused)
    host.write()
    assert (host.procfs / "1/mounts").read_text("utf-8") == ""


def test_a_process_that_is_gone_wants_and_holds_nothing() -> None:
    """It is no error either: a procedure has ended it."""
    assert (wanted_s(GONE), held_by(GONE)) == (0, 0)


def test_it_is_written_anew_until_it_is_closed(host: WatchedHost) -> None:
    """Nobody has to ask."""
    host.write()
    host.run()
    before, end = (host.procfs / "stat").read_text("utf-8"), time.monotonic() + 30
    while (host.procfs / "stat").read_text("utf-8") == before:
        assert time.monotonic() < end, "the file is not written anew"
        time.sleep(0.05)
    host.close()
    last = (host.procfs / "stat").read_text("utf-8")
    time.sleep(0.3)
    assert (host.procfs / "stat").read_text("utf-8") == last
