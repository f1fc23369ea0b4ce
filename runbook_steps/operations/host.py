"""What of a host is used up, and by what: processor, memory, disk. Reads `/proc` and file systems; changes nothing."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from runbook_steps.engine.errors import RefusedError

__all__ = ["Process", "biggest_files", "disk_of", "held_files", "measure", "oom_kills", "suspect"]

CPU_LIMIT_PERCENT = 80.0  # production-interfaces.md, "Alert thresholds"
MEMORY_LIMIT_PERCENT = 85.0  # the same
DISK_LIMIT_PERCENT = 90.0  # the same document, "rollback-manager": disk < 90 %
_WORDS = 3
_KEPT = re.compile(
    r"\b(?:postgres|postmaster|redis-server|valkey-server|nginx|dockerd|containerd|containerd-shim\S*|kubelet|systemd|"
    r"init|sshd|pgbouncer)\b"
)


@dataclass(frozen=True)
class Process:
    """One process over an interval. `cpu_percent` is of one core, memory in bytes, growth in bytes a second."""

    pid: int
    command: str
    cpu_percent: float
    memory: int
    growth: float


@dataclass(frozen=True)
class Disk:
    """One file system: percent used of its space and of its inodes, and bytes."""

    path: str
    used_percent: float
    inodes_percent: float
    size: int
    free: int


@dataclass(frozen=True)
class HeldFile:
    """A file that was deleted and is still open: its space is not free. `handle` leads to it."""

    pid: int
    command: str
    handle: str
    size: int


def measure(seconds: float) -> tuple[Process, ...]:
    """Every process that lives through the interval."""
    before = {process.pid: _reading(process) for process in psutil.process_iter()}
    began = time.monotonic()
    time.sleep(seconds)
    return tuple(_changes(before, time.monotonic() - began))


def growing(seconds: float, times: int) -> tuple[Process, ...]:
    """The processes that grew in each of so many intervals: most grow in one, a leak in all.

    First the one that grew most each time: what only starts takes most of its memory in one or two intervals.
    """
    rounds = [{process.pid: process for process in measure(seconds)} for _ in range(times)]
    grown = [
        replace(last, growth=sum(each[pid].growth for each in rounds) / times)
        for pid, last in rounds[-1].items()
        if all(pid in each and each[pid].growth > 0 for each in rounds)
    ]
    return tuple(sorted(grown, key=lambda process: -min(each[process.pid].growth for each in rounds)))


def _reading(process: psutil.Process) -> tuple[float, int, float] | None:
    """Processor seconds, bytes, and when it was started: a pid may be used again."""
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss, process.create_time()
    return None


def _changes(before: dict[int, tuple[float, int, float] | None], took: float) -> Iterator[Process]:
    for process in psutil.process_iter():
        earlier, now = before.get(process.pid), _reading(process)
        if earlier is None or now is None or earlier[2] != now[2] or process.pid == os.getpid():
            continue
        yield Process(
            pid=process.pid,
            command=_command(process),
            cpu_percent=round(100 * (now[0] - earlier[0]) / took, 1),
            memory=now[1],
            growth=round((now[1] - earlier[1]) / took),
        )


def suspect(processes: Iterable[Process], word: str) -> Process:
    """The one process with this in its command. Raises RefusedError when it is none, several, or one to keep.

    What the platform lives on is never ended as a suspect: databases, proxies, the container engine, the system.
    """
    if not word.strip():
        raise RefusedError("name the process: an empty word fits every process")
    found = [process for process in processes if word in process.command]
    if not found:
        raise RefusedError(f"no process has {word!r} in its command: nothing to end")
    if len(found) > 1:
        named = ", ".join(f"{process.pid} {process.command}" for process in found[:5])
        raise RefusedError(f"{len(found)} processes have {word!r} in their command: {named}. Name one more exactly")
    if kept := _KEPT.search(found[0].command):
        raise RefusedError(f"{found[0].command!r} ({found[0].pid}) is {kept[0]}: it has a runbook of its own")
    if found[0].pid <= 1:
        raise RefusedError("that is the first process of the system")
    return found[0]


def _command(process: psutil.Process) -> str:
    """The first words: enough to know it by. What looks like a setting or an address may be secret and is left out."""
    with contextlib.suppress(psutil.Error):
        words = [word for word in process.cmdline() if "=" not in word and "://" not in word]
        return " ".join([Path(words[0]).name, *words[1:_WORDS]])[:80] if words else process.name()
    return "?"


def oom_kills() -> int | None:
    """How many processes the kernel has killed for want of memory since it started; None when it does not tell."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text("ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return None


def disk_of(path: Path) -> Disk:
    """The file system that a path is on. Raises OSError. Percentages as df has them: of what a user may fill."""
    found = os.statvfs(path)
    used = found.f_blocks - found.f_bfree
    inodes = found.f_files - found.f_ffree
    return Disk(
        path=str(path),
        used_percent=round(100 * used / max(1, used + found.f_bavail), 1),
        inodes_percent=round(100 * inodes / max(1, found.f_files), 1),
        size=found.f_blocks * found.f_frsize,
        free=found.f_bavail * found.f_frsize,
    )


def biggest_files(path: Path, count: int) -> tuple[tuple[int, str], ...]:
    """(bytes on disk, path) of the biggest regular files below a path, on its own file system only."""
    device = path.lstat().st_dev
    found: list[tuple[int, str]] = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if _on(device, Path(folder, name))]
        for name in names:
            file = Path(folder, name)
            with contextlib.suppress(OSError):
                status = file.lstat()
                if status.st_dev == device and stat.S_ISREG(status.st_mode):
                    found.append((status.st_blocks * 512, str(file)))
    return tuple(sorted(found, reverse=True)[:count])


def _on(device: int, folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return folder.lstat().st_dev == device
    return False


def held_files(path: Path) -> tuple[HeldFile, ...]:
    """The deleted but open files on the file system of a path, the biggest first; of processes one may look into."""
    device = path.stat().st_dev
    found: list[HeldFile] = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            for handle in Path(f"/proc/{process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    status = handle.stat()
                    if status.st_dev == device and status.st_nlink == 0 and status.st_size:
                        found.append(HeldFile(process.pid, _command(process), str(handle), status.st_blocks * 512))
    return tuple(sorted(found, key=lambda file: -file.size))
