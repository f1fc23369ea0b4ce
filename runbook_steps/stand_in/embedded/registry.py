"""Which runs there are on this machine, alive or dead; making a new one, clearing what a dead one left.

A run is a folder. Its keeper, and then its reaper, hold a lock in it: a run whose lock is free is dead.
Folders are found in the usual temporary places, and by pointers in the runner's state folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runbook_steps.engine.errors import ConfigurationError, TargetError
from runbook_steps.engine.settings import find_root
from runbook_steps.stand_in.embedded.account import reachable, server_account
from runbook_steps.stand_in.embedded.clearing import clear
from runbook_steps.stand_in.embedded.layout import (
    LAYOUT_FILE,
    PORT_NAMES,
    Layout,
    draw_secrets,
    read_layout,
)
from runbook_steps.stand_in.embedded.ports import hold_ports
from runbook_steps.stand_in.embedded.processes import start_mark
from runbook_steps.stand_in.embedded.service import private_file
from runbook_steps.stand_in.embedded.wire import LONGEST_SOCKET_PATH

__all__ = ["NewRun", "checkout", "find", "forget", "live_runs", "new_run", "one_at_a_time", "state_folder", "sweep"]

_PREFIX = "beautycort-run-"
_LOCK = "lock"
_UNFINISHED_S = 60.0  # a folder without a lock file is somebody's first moment, up to this age
_FOLDERS = ("pids", "bin", "home", "tmp", "logs", "output", "api")


@dataclass(frozen=True)
class Run:
    """A run that was found; `layout` is None when it cannot be read any more."""

    directory: Path
    layout: Layout | None
    alive: bool


@dataclass(frozen=True)
class NewRun:
    """A run without a keeper yet: the lock and the ports are to be handed to it, then closed here."""

    layout: Layout
    lock_fd: int
    ports: tuple[socket.socket, ...]

    @property
    def held_fds(self) -> tuple[int, ...]:
        """What the keeper inherits."""
        return (self.lock_fd, *(port.fileno() for port in self.ports))

    def let_go(self) -> None:
        """Closes this process's copies."""
        os.close(self.lock_fd)
        for port in self.ports:
            port.close()


def new_run(
    name: str,
    *,
    owned: bool,
    rate_limit: int,
    images: Mapping[str, str] | None = None,
    superuser_owner: bool = False,
) -> NewRun:
    """Makes the folder, draws secrets, takes ports. Secrets are fixed by RUNBOOKS_EMBEDDED_PASSWORD when set.

    Raises ConfigurationError when no temporary folder is usable, NotRunnableHere.
    """
    account = server_account()
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_base(account)))
    fresh = directory / f"{_LOCK}.new"
    lock_fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock_fd, fcntl.LOCK_EX)
    fresh.rename(directory / _LOCK)  # never to be seen unlocked: a sweep would take the run for dead
    for folder in _FOLDERS:
        (directory / folder).mkdir(mode=0o700)
    if account is not None:  # passable for the servers' account, readable for nobody else
        os.chown(directory, -1, account[1])
        directory.chmod(0o710)
    ports = hold_ports(PORT_NAMES)
    layout = Layout(
        name=name,
        directory=directory,
        ports={port: sock.getsockname()[1] for port, sock in ports.items()},
        secrets=draw_secrets(os.environ.get("RUNBOOKS_EMBEDDED_PASSWORD") or None),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        owner_pid=os.getpid() if owned else None,
        owner_start=(start_mark(os.getpid()) or "") if owned else "",
        account=account,
        rate_limit=rate_limit,
        images=images,
        checkout=checkout(),
        superuser_owner=superuser_owner,
    )
    private_file(directory / LAYOUT_FILE, layout.to_json())
    _remember(layout)
    return NewRun(layout, lock_fd, tuple(ports.values()))


def checkout() -> str:
    """The project that is worked in: a target is for its steps and its releases."""
    try:
        return str(find_root(Path.cwd()))
    except ConfigurationError:
        return str(Path.cwd().resolve())


# -- where ------------------------------------------------------------------------------------------


def _bases() -> list[Path]:
    return list(dict.fromkeys(Path(base) for base in (tempfile.gettempdir(), "/tmp", "/var/tmp")))  # noqa: S108


def _base(account: tuple[int, int] | None) -> Path:
    for base in _bases():
        fits = len(str(base)) + len(f"/{_PREFIX}12345678/control.sock") <= LONGEST_SOCKET_PATH
        if fits and os.access(base, os.W_OK | os.X_OK) and reachable(base / "x", account):
            return base
    raise ConfigurationError(
        "no usable temporary folder: it must be writable, short (at most 60 characters)"
        " and, for root, open to other accounts; set TMPDIR to one"
    )


def state_folder() -> Path:
    """The runner's own folder for pointers to runs, mode 0700. Raises ConfigurationError."""
    for folder in _state_candidates():
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = folder.lstat()
            if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and os.access(folder, os.W_OK):
                folder.chmod(0o700)
                return folder
    raise ConfigurationError("no folder to keep the state in: set XDG_STATE_HOME to one that you own")


def _state_candidates() -> Iterator[Path]:
    if os.environ.get("XDG_STATE_HOME"):
        yield Path(os.environ["XDG_STATE_HOME"]) / "beautycort-runbooks"
    if os.environ.get("HOME"):
        yield Path(os.environ["HOME"]) / ".local" / "state" / "beautycort-runbooks"
    yield Path(tempfile.gettempdir()) / f"beautycort-runbooks-{os.geteuid()}"


def _remember(layout: Layout) -> None:
    with contextlib.suppress(ConfigurationError, OSError):
        pointer = state_folder() / f"{layout.directory.name}.json"
        private_file(pointer, json.dumps({"name": layout.name, "directory": str(layout.directory)}))


def forget(directory: Path) -> None:
    """Removes the pointer to a run that has ended."""
    for folder in _state_candidates():
        with contextlib.suppress(OSError):
            (folder / f"{directory.name}.json").unlink(missing_ok=True)


# -- which ------------------------------------------------------------------------------------------


def _folders() -> Iterator[Path]:
    found = [folder for base in _bases() for folder in base.glob(f"{_PREFIX}*")]
    for state in _state_candidates():
        for pointer in state.glob(f"{_PREFIX}*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                found.append(Path(json.loads(pointer.read_text("utf-8"))["directory"]))
    for folder in dict.fromkeys(found):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            if ours and folder.name.startswith(_PREFIX):
                yield folder


@contextlib.contextmanager
def _dead(directory: Path) -> Iterator[bool]:
    """Whether the run is dead; while it is looked at nobody else may clear it."""
    try:
        fd = os.open(directory / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            yield time.time() - directory.lstat().st_mtime > _UNFINISHED_S
            return
        yield False
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(fd)


def live_runs() -> list[Run]:
    """Every run of this user that lives, oldest first."""
    runs = []
    for folder in _folders():
        with _dead(folder) as dead:
            if dead:
                continue
        with contextlib.suppress(TargetError):
            runs.append(Run(folder, read_layout(folder), alive=True))
    return sorted(runs, key=lambda run: run.layout.created if run.layout else "")


def find(name: str) -> Layout:
    """The living, detached run of that name. Raises TargetError that says how to start one."""
    runs = [run.layout for run in live_runs() if run.layout is not None and run.layout.owner_pid is None]
    for layout in runs:
        if layout.name == name:
            return layout
    others = f" (there is {', '.join(layout.name for layout in runs)}: `--name`)" if runs else ""
    raise TargetError(f"no target named {name!r} is up{others}: start it with `runbooks target up`")


@contextlib.contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Two `target up` of one name wait for each other."""
    with (state_folder() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sweep() -> list[Path]:
    """Clears every dead run: its processes, then its folder. Gives the folders."""
    cleared = []
    for folder in _folders():
        with _dead(folder) as dead:
            if dead:
                clear(folder)
                forget(folder)
                cleared.append(folder)
    for state in _state_candidates():
        for pointer in state.glob(f"{_PREFIX}*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                if not Path(json.loads(pointer.read_text("utf-8"))["directory"]).exists():
                    pointer.unlink(missing_ok=True)
    return cleared
