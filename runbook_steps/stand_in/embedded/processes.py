"""Starting processes that cannot outlive the keeper, telling pids apart, ending whole sessions."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

__all__ = ["Mark", "as_account", "become_subreaper", "end_all", "members", "read_marks", "start_mark"]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Mark:
    """A service's process as it was started: it leads a session of its own, whose number is its pid."""

    service: str
    pid: int
    start: str

    def write(self, folder: Path) -> None:
        """Writes it where a later run finds it."""
        (folder / f"{self.service}.json").write_text(json.dumps({"pid": self.pid, "start": self.start}))


def read_marks(folder: Path) -> list[Mark]:
    """All marks there; one that was half written is left out."""
    marks = []
    for file in folder.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            values = json.loads(file.read_text())
            marks.append(Mark(file.stem, int(values["pid"]), str(values["start"])))
    return marks


def start_mark(pid: int) -> str | None:
    """When the process started, as the system tells it: a reused pid has another. None when there is none."""
    try:
        if _LIBC is not None:  # Linux
            # the command's name, in brackets, may hold anything: count the fields behind it
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if fields[0] == "Z" else fields[19]
        return str(psutil.Process(pid).create_time())
    except (OSError, psutil.Error):
        return None


def members(marks: Iterable[Mark], pgdata: Path) -> list[psutil.Process]:
    """Every living process of the marked sessions, and of a PostgreSQL on that cluster."""
    sessions = {mark.pid for mark in marks if mark.pid > 1 and start_mark(mark.pid) in (None, mark.start)}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            ours = os.getsid(process.pid) in sessions or _serves(process, pgdata)
            if ours and start_mark(process.pid) is not None:
                found.append(process)
    return found


def _serves(process: psutil.Process, pgdata: Path) -> bool:
    # backends have sessions of their own; all of them work in the cluster's folder
    return process.name() == "postgres" and process.cwd() == str(pgdata)


def as_account(account: tuple[int, int] | None) -> dict[str, Any]:
    """Arguments for Popen: run as that (uid, gid), without supplementary groups, and die with the parent."""
    arguments: dict[str, Any] = {"preexec_fn": die_with_parent}
    if account is not None:
        arguments |= {"user": account[0], "group": account[1], "extra_groups": []}
    return arguments


def die_with_parent() -> None:
    """In a new child: be killed when the parent dies, even by kill -9. After the change of account."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def become_subreaper() -> None:
    """Orphans of our children become our children: a dead nginx's workers cannot hide."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_all(processes: list[psutil.Process], grace_s: float) -> None:
    """Waits for them to end by themselves, then kills what is left."""
    alive = _wait(processes, grace_s)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait(alive, 2.0)


def _wait(processes: list[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Those that still run at the limit. A zombie has ended, whenever its parent looks at it."""
    end = time.monotonic() + limit_s
    alive = [process for process in processes if start_mark(process.pid) is not None]
    while alive and time.monotonic() < end:
        time.sleep(0.005)
        alive = [process for process in alive if start_mark(process.pid) is not None]
    return alive
