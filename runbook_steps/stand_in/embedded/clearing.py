"""Leaving nothing: ends the processes of a run, whoever started them, and removes its folder."""

from __future__ import annotations

import contextlib
import ctypes
import json
import shutil
import sys
from pathlib import Path

import psutil

from runbook_steps.engine.targets.protocol import COMMAND_MARK
from runbook_steps.stand_in.embedded.layout import LAYOUT_FILE, Layout
from runbook_steps.stand_in.embedded.processes import end_all, members, read_marks

__all__ = ["clear", "clear_state"]

_IPC_RMID = 0  # linux/ipc.h
_SHM_LINE, _SHM_FIELDS = 6, 2  # postmaster.pid: its seventh line is "key id" of the shared memory


def clear(directory: Path, *, grace_s: float = 0.0) -> list[str]:
    """Ends what runs there (after the grace for what is ending already) and removes the folder; idempotent.

    Gives the names of the processes it found.
    """
    pgdata = directory / "postgres" / "data"
    _remove_containers(directory)
    found = [*members(read_marks(directory / "pids"), pgdata), *_commands(directory)]
    names = []
    for process in found:
        with contextlib.suppress(psutil.Error):
            names.append(process.name())
    end_all(found, grace_s)
    _remove_shared_memory(pgdata / "postmaster.pid")
    shutil.rmtree(directory, ignore_errors=True)
    if directory.exists():  # something wrote in the meantime
        shutil.rmtree(directory, ignore_errors=True)
    return names


def clear_state(layout: Layout) -> None:
    """Of a run whose services are stopped: what they, and commands, have written; ends what commands left running."""
    end_all(_commands(layout.directory), 0.0)
    state = (
        layout.pgdata,
        layout.wal_archive,
        layout.directory / "redis",
        layout.nginx,
        layout.ca_bundle.parent,
        layout.kubernetes,
    )
    for folder in state:
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (layout.releases.parent, layout.logs, layout.home, layout.tmp):  # these are there from the start
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    (layout.directory / "postgres-password").unlink(missing_ok=True)


def _remove_containers(directory: Path) -> None:
    """Of a run whose services are containers; others never ask for an engine."""
    with contextlib.suppress(OSError, ValueError):
        if json.loads((directory / LAYOUT_FILE).read_text("utf-8")).get("images"):
            from runbook_steps.stand_in.containers.engine import remove_containers  # noqa: PLC0415 - costly

            remove_containers(directory)


def _commands(directory: Path) -> list[psutil.Process]:
    """What commands of scenarios left running on this target. A person's shell has no command mark."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environ = process.environ()
            here = Path(environ.get("HOME", "/")).is_relative_to(directory)
            if here and COMMAND_MARK in environ:
                found.append(process)
    return found


def _remove_shared_memory(pid_file: Path) -> None:
    """A killed PostgreSQL leaves a small System V segment; its number stands in postmaster.pid."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = pid_file.read_text("utf-8").splitlines()[_SHM_LINE].split()
        if len(fields) == _SHM_FIELDS:
            ctypes.CDLL(None).shmctl(int(fields[1]), _IPC_RMID, None)
