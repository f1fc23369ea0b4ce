"""The host that the node exporter reads in a drill: one processor and little memory, so that a fault fills it soon.

The machine that runs drills is no measure: other drills burden it, and nobody may use up all of it. What is read is
real: the processor time, the memory and the file systems of the processes that live on this host. Its size is made.
Its files have the form of Linux' `/proc` (man 5 proc), which the exporter reads by `--path.procfs`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

__all__ = ["MEMORY", "OTHERS", "WatchedHost"]

MEMORY = 128 * 1024 * 1024  # bytes
OTHERS = 80 * 1024 * 1024  # bytes that everything else on it holds
_TICKS = os.sysconf("SC_CLK_TCK")  # per second: the unit of /proc/stat
_BETWEEN_S = 0.2
_KIB = 1024


@dataclass
class _Clock:
    """Seconds of the one processor since the host was started."""

    began: float = field(default_factory=time.monotonic)
    busy: float = 0.0
    known: dict[int, float] = field(default_factory=dict)
    """Process → the seconds of it that are already counted."""


class WatchedHost:
    """`folder` is private and made by this. Call `write` once before it is read, then `run`; `close` ends it."""

    def __init__(self, folder: Path) -> None:
        self.procfs = folder / "proc"
        (self.procfs / "1").mkdir(parents=True)
        self._clock = _Clock()
        self._processes: tuple[int, ...] = ()
        self._volumes: tuple[Path, ...] = ()
        self._over = threading.Event()
        self._writer = threading.Thread(target=self._go_on, name="watched-host", daemon=True)

    def run(self) -> None:
        """Writes anew five times a second, until `close`."""
        self._writer.start()

    def close(self) -> None:
        """Ends it; idempotent."""
        self._over.set()
        if self._writer.is_alive():
            self._writer.join()

    def has(self, *, process: int | None = None, volume: Path | None = None) -> None:
        """A process runs on this host from now on, or a file system is mounted in it. What is gone counts nothing."""
        if process is not None:
            self._clock.known[process] = wanted_s(process)
            self._processes = (*self._processes, process)
        if volume is not None:
            self._volumes = (*self._volumes, volume)

    def write(self) -> None:
        """The three files, each at once and whole."""
        alive = [each for each in self._processes if psutil.pid_exists(each)]
        self._put("stat", self._stat(alive))
        self._put("meminfo", meminfo(MEMORY, MEMORY - OTHERS - sum(held_by(each) for each in alive)))
        self._put("1/mounts", mounts([each for each in self._volumes if is_there(each)]))

    def _go_on(self) -> None:
        while not self._over.wait(_BETWEEN_S):
            self.write()

    def _stat(self, alive: list[int]) -> str:
        clock, elapsed = self._clock, time.monotonic() - self._clock.began
        for process in alive:
            wanted = wanted_s(process)
            clock.busy += max(0.0, wanted - clock.known.get(process, wanted))
            clock.known[process] = wanted
        clock.busy = min(clock.busy, elapsed)  # one processor is never busier than busy
        return stat(clock.busy, elapsed - clock.busy)

    def _put(self, name: str, text: str) -> None:
        made = self.procfs / f"{name}.new"
        made.write_text(text, "utf-8")
        made.rename(self.procfs / name)


def wanted_s(process: int) -> float:
    """Seconds in which it ran or waited for a processor: on a host of its own it would have run. 0 when it is gone."""
    with contextlib.suppress(OSError, ValueError):
        tasks = Path(f"/proc/{process}/task").iterdir()
        ran_and_waited = [(each / "schedstat").read_text("utf-8").split()[:2] for each in tasks]
        return sum(int(ran) + int(waited) for ran, waited in ran_and_waited) / 1e9
    with contextlib.suppress(psutil.Error):  # a kernel without these statistics
        times = psutil.Process(process).cpu_times()
        return float(times.user + times.system)
    return 0.0


def held_by(process: int) -> int:
    """Bytes of memory that it holds; 0 when it is gone."""
    with contextlib.suppress(psutil.Error):
        return int(psutil.Process(process).memory_info().rss)
    return 0


def is_there(volume: Path) -> bool:
    """Whether it is still mounted. The way into a process that just ended is refused before it is gone."""
    with contextlib.suppress(OSError):
        return volume.exists()
    return False


def stat(busy_s: float, idle_s: float) -> str:
    """`/proc/stat` of one processor, from the seconds that it was busy and idle."""
    fields = f"{int(busy_s * _TICKS)} 0 0 {int(idle_s * _TICKS)} 0 0 0 0 0 0"
    return f"cpu  {fields}\ncpu0 {fields}\nctxt 0\nbtime 1\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n"


def meminfo(total: int, available: int) -> str:
    """`/proc/meminfo`, from bytes; never less than nothing is left."""
    left = max(0, available) // _KIB
    return f"MemTotal: {total // _KIB:>12} kB\nMemFree: {left:>12} kB\nMemAvailable: {left:>12} kB\n"


def mounts(volumes: list[Path]) -> str:
    """`/proc/1/mounts`: each as a file system on a disk, which the alerts read. A drill's lies in memory."""
    return "".join(f"/dev/logs{number} {volume} ext4 rw 0 0\n" for number, volume in enumerate(volumes, 1))
