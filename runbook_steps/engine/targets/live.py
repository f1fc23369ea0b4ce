"""A live target, reached by URLs. Nothing here starts, stops or breaks anything.

A house says in a subclass which settings it has, what its parts are called, and how they are asked and locked.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Self

import psutil
from filelock import FileLock, Timeout

from runbook_steps.engine.errors import ConfigurationError, Position, RefusedError, TargetError
from runbook_steps.engine.model import Command, Risk, TargetFacts
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.listens import silent_at
from runbook_steps.engine.targets.live_settings import (
    LiveSettings,
    guessed_words,
    live_environment,
    load_live_settings,
    secret_words,
)
from runbook_steps.engine.targets.places import places_of
from runbook_steps.engine.targets.protocol import TargetLock
from runbook_steps.engine.targets.published import said_by_the_pages
from runbook_steps.engine.targets.reachable import Reached

__all__ = ["LiveTarget", "search_folders"]

_STEADY_LIMIT_S = 60.0
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_OWN = "runbooks-live-"


class _FileLock:
    """A lock of this machine's."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def refuse_lost(self) -> None:
        """Raises RefusedError when its file was taken away: another run may have begun."""
        if not Path(self._lock.lock_file).exists():
            raise RefusedError(f"the lock {self._lock.lock_file} was removed: stopped, another run may have begun")

    def release(self) -> None:
        """Gives it back; idempotent."""
        self._lock.release()


def _remove_left_folders() -> None:
    """Those of killed runs of this account: their names say whose they were."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_OWN}*-*"):
        owner = folder.name.removeprefix(_OWN).partition("-")[0]
        with contextlib.suppress(OSError):
            ours = folder.lstat().st_uid == os.geteuid() and folder.is_dir() and not folder.is_symlink()
            if ours and owner.isdecimal() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)


class LiveTarget:
    """HOME and TMPDIR of its commands are private and removed by `close`. Made with `make`.

    `kind` are its settings, `part_settings` those any of which says that a part is there, `addresses` the variable
    whose URL must answer for a part, `as_it_is_set` the scripts before programs that know no variable for what the
    settings say: `{program}` is the real one. Without a subclass every part of the project is taken to be there.
    """

    control = None
    kind: ClassVar[type[LiveSettings]] = LiveSettings
    part_settings: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    addresses: ClassVar[Mapping[str, str]] = {}
    as_it_is_set: ClassVar[Mapping[str, str]] = {}

    def __init__(self, name: str, live: LiveSettings, settings: Settings, allowed: Risk) -> None:
        """Raises ConfigurationError when nothing is configured."""
        self._name = name
        self._live = live
        self._settings = settings
        self._allowed = allowed
        self._environment = self.variables()
        self._home: Path | None = None
        self._guesses: frozenset[str] | None = None
        if not self.parts or not self._environment:
            raise ConfigurationError(self.nothing_configured())

    @classmethod
    def make(cls, name: str, settings: Settings, allow: Risk | None) -> Self:
        """What an entry point of `runbooks.targets` names. Raises ConfigurationError."""
        live = load_live_settings(cls.kind, name, settings.targets.get(name, {}), settings.root)
        return cls(name, live, settings, allow or Risk.READONLY)

    # ── what a house may say otherwise ───────────────────────────────────────────────────────────

    def variables(self) -> dict[str, str]:
        """The vocabulary of a command, as far as the settings say something. Raises ConfigurationError."""
        return live_environment(self._live)

    def own_commands(self) -> Mapping[str, str]:
        """Name → script of the commands that this machine lacks and the house brings; they are `emulated`."""
        return {}

    def explained(self) -> frozenset[str]:
        """Names of variables that the house explains, without the prefix, and whose values are no secrets."""
        return frozenset()

    def lock(self, run: str) -> TargetLock:
        """One changing run at a time, of this machine's. Raises RefusedError when another one has it."""
        del run
        file = self._settings.work_dir.parent / "locks" / f"{self._name}.lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise RefusedError(f"another run changes this target: it holds {file}. Wait for it, or end it") from None
        return _FileLock(lock)

    def reachable(self, environment: Mapping[str, str]) -> Iterator[Reached]:
        """Asks every part that has an address whether it listens. Reads only, never raises for what is away."""
        for part, variable in self.addresses.items():
            if not environment.get(variable):
                yield Reached(part, None, f"not configured ({variable} is not set)")
            else:
                problem = self._silent(part)
                yield Reached(part, not problem, problem or "listens")

    def nothing_configured(self) -> str:
        """What is said of a target that no setting is there for."""
        return f"{self._name} is not configured: set {self._name.upper()}_… in the environment or in .env.{self._name}"

    # ── the interface ────────────────────────────────────────────────────────────────────────────

    @property
    def name(self) -> str:
        """What evidence is filed under."""
        return self._name

    @property
    def parts(self) -> frozenset[str]:
        """The parts that are configured."""
        if not self.part_settings:
            return frozenset(self._settings.parts)
        said = {name for name in type(self._live).model_fields if _said(getattr(self._live, name))}
        return frozenset(part for part, names in self.part_settings.items() if said & set(names))

    @property
    def facts(self) -> TargetFacts:
        """Live: Given only observes; nothing is emulated, and what is not configured is not there."""
        own = self.own_commands()
        return TargetFacts(
            name=self._name,
            disposable=False,
            allowed=self._allowed,
            tools=commands_on_path() | own.keys(),
            emulated=dict.fromkeys(own, "shim of this project"),
            parts=self.parts,
            marks=self._settings.marks,
            places=places_of(self._environment),
        )

    def start(self, parts: Iterable[str]) -> None:
        """Looks that the parts listen. Raises TargetError naming those that do not."""
        silent = [found for part in sorted(set(parts) & self.parts) if (found := self._silent(part))]
        if silent:
            raise TargetError(f"{'; '.join(dict.fromkeys(silent))}. `runbooks target check {self._name}` tells more")

    def steady_state(self) -> Command | None:
        """`steady_state` of the settings."""
        text = self._settings.steady_state
        return Command(text, "bash", "look at the steady state", Position("-", 0), _STEADY_LIMIT_S) if text else None

    def environment(self) -> Mapping[str, str]:
        """What the settings say, a PATH, and folders of its own."""
        home = self._own_folder()
        return {
            **self._environment,
            "PATH": os.pathsep.join((str(home / "first"), *search_folders(), str(home / "bin"))),
            "HOME": str(home / "home"),
            "TMPDIR": str(home / "tmp"),
            "LANG": "C.UTF-8",
            "TZ": self._settings.time_zone.key,
            "RUNBOOKS_TARGET": self._name,
        }

    def secrets(self) -> frozenset[str]:
        """Every secret of the settings, and what may be one."""
        return secret_words(self._live) | self.guesses()

    def guesses(self) -> frozenset[str]:
        """Values of variables that nobody explains, but for words that the pages say themselves.

        Those stand in names of scenarios and in what commands print: hidden there, they made evidence unreadable, and
        found there, a run red.
        """
        if self._guesses is None:
            found = guessed_words(self._live, self.explained()) if self._live.more else frozenset()
            self._guesses = found - said_by_the_pages(found, self._settings.root)
        return self._guesses

    def versions(self) -> Mapping[str, str]:
        """Nothing is asked of a live target before a procedure does."""
        return {}

    def close(self) -> None:
        """Removes the private folder; idempotent."""
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def _own_folder(self) -> Path:
        if self._home is None:
            _remove_left_folders()
            self._home = Path(tempfile.mkdtemp(prefix=f"{_OWN}{os.getpid()}-"))
            for name in ("home", "tmp", "bin", "first"):
                (self._home / name).mkdir(mode=0o700)
            for name, script in self.as_it_is_set.items():
                if program := shutil.which(name, path=os.pathsep.join(search_folders())):
                    first = self._home / "first" / name
                    first.write_text(script.format(program=shlex.quote(program)), "utf-8")
                    first.chmod(0o700)
            for name, script in self.own_commands().items():
                (self._home / "bin" / name).write_text(script, "utf-8")
                (self._home / "bin" / name).chmod(0o700)
        return self._home

    def _silent(self, part: str) -> str:
        """What does not answer there, empty when it does."""
        url = self._environment.get(self.addresses.get(part, ""), "")
        if not url:
            return ""
        silent = silent_at(url)
        return f"{part} does not answer at {silent}" if silent else ""


def _said(value: object) -> bool:
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return bool(text)


def search_folders() -> tuple[str, ...]:
    """Where the commands of a live target are looked for: this environment's, then the system's."""
    return (str(Path(sys.executable).parent), *_SYSTEM_FOLDERS)


def commands_on_path() -> frozenset[str]:
    """The names of all executables there."""
    names: set[str] = set()
    for folder in search_folders():
        try:
            names.update(e.name for e in os.scandir(folder) if os.access(e.path, os.X_OK) and not e.is_dir())
        except OSError:
            continue
    return frozenset(names)
