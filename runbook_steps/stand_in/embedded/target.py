"""`EmbeddedTarget`: the embedded servers behind the one interface that every target has."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from runbook_steps.engine.errors import ConfigurationError, TargetError
from runbook_steps.engine.model import Command, Risk, TargetFacts
from runbook_steps.engine.targets.protocol import TargetLock
from runbook_steps.engine.targets.reachable import Reached
from runbook_steps.stand_in.embedded import registry, tools
from runbook_steps.stand_in.embedded.binaries import python
from runbook_steps.stand_in.embedded.clearing import clear
from runbook_steps.stand_in.embedded.control import EmbeddedControl
from runbook_steps.stand_in.embedded.environment import command_environment
from runbook_steps.stand_in.embedded.layout import Layout, read_layout
from runbook_steps.stand_in.embedded.parts import PARTS
from runbook_steps.stand_in.embedded.wire import REFUSALS_FILE, TOKEN_FILE, ask, write_token

__all__ = ["EmbeddedTarget"]

NAME = "embedded"
DEFAULT_RATE_LIMIT = 100  # requests per minute and client, as production's nginx has it
_KEEPER_START_S = 15.0
_CLOSE_S = 5.0


class _NobodyElse:
    """The lock of a target that nobody else can reach."""

    def refuse_lost(self) -> None:
        """It cannot be lost."""

    def release(self) -> None:
        """Nothing to give back."""


class EmbeddedTarget:
    """Real servers on this machine, started when first needed, gone when closed or when this process ends.

    Made with `create`; a detached one, of `runbooks target up`, is joined with `attach`.
    """

    def __init__(
        self, *, name: str, allowed: Risk, rate_limit: int, owned: bool, superuser_owner: bool = False
    ) -> None:
        self._name = name
        self._allowed = allowed
        self._rate_limit = rate_limit
        self._owned = owned
        self._superuser_owner = superuser_owner
        self._layout: Layout | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._owner_pipe: int | None = None
        self._started: set[str] = set()
        self._closed = False
        self._attached = False
        self.start_timings: dict[str, dict[str, float]] = {}
        self.start_total_s = 0.0

    @classmethod
    def create(
        cls,
        *,
        allowed: Risk = Risk.DESTRUCTIVE,
        name: str = NAME,
        rate_limit: int | None = None,
        detached: bool = False,
        superuser_owner: bool = False,
    ) -> Self:
        """A new target; nothing is started and nothing written yet.

        `rate_limit` is nginx's, requests per minute and client (RUNBOOKS_EMBEDDED_RATE_LIMIT, else production's 100).
        Raises ConfigurationError. A detached one outlives this process, until `runbooks target down`.
        `superuser_owner`: for tests alone, that arrange with a superuser or attack as one. A drill has an owner as
        production has it, or it proves what production refuses.
        """
        text = os.environ.get("RUNBOOKS_EMBEDDED_RATE_LIMIT") or str(DEFAULT_RATE_LIMIT)
        if not (text.isascii() and text.isdigit()) or not int(text):
            raise ConfigurationError(f"RUNBOOKS_EMBEDDED_RATE_LIMIT is {text!r}: requests per minute, above 0")
        limit = rate_limit or int(text)
        return cls(name=name, allowed=allowed, rate_limit=limit, owned=not detached, superuser_owner=superuser_owner)

    @classmethod
    def attach(cls, name: str = NAME, *, allowed: Risk = Risk.DESTRUCTIVE) -> Self:
        """The detached target of that name. Raises TargetError when none is up."""
        target = cls(name=name, allowed=allowed, rate_limit=DEFAULT_RATE_LIMIT, owned=False)
        target._layout = registry.find(name)
        target._attached = True
        return target

    # -- the interface ------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """What evidence is filed under."""
        return NAME

    @property
    def facts(self) -> TargetFacts:
        """Everything may be broken here; what is a stand-in is named."""
        return TargetFacts(
            name=NAME,
            disposable=True,
            allowed=self._allowed,
            tools=tools.available(),
            emulated=tools.emulated(),
            hidden=(str(self._layout.directory / TOKEN_FILE),) if self._layout else (),
            sockets=(str(self._layout.control_socket),) if self._layout else (),
            refusals=str(self._layout.directory / REFUSALS_FILE) if self._layout else "",
        )

    @property
    def control(self) -> EmbeddedControl:
        """Hands on the processes."""
        return EmbeddedControl(self._ask)

    def start(self, parts: Iterable[str]) -> None:
        """Make the parts, and what they need, ready; idempotent. Raises TargetError, NotRunnableHere."""
        answer = self._ask("start_parts", parts=sorted(set(parts)))
        self.start_timings |= answer["timings"]
        self.start_total_s = answer["total_s"]

    def environment(self) -> Mapping[str, str]:
        """The whole environment a command gets, PATH included."""
        return command_environment(self.layout)

    def secrets(self) -> frozenset[str]:
        """The values that must never be seen in an output."""
        return self.layout.secrets.values()

    def guesses(self) -> frozenset[str]:
        """Every secret of it is one."""
        return frozenset()

    def versions(self) -> Mapping[str, str]:
        """Part → version, of the parts that run, as the part itself tells it."""
        running = {name for name, state in self.control.status().items() if state["pid"]}
        return tools.versions(self.layout, running)

    @property
    def parts(self) -> frozenset[str]:
        """Everything that the platform has."""
        return frozenset(PARTS)

    def steady_state(self) -> Command | None:
        """A drill breaks it on purpose: nothing is asked."""

    def lock(self, run: str) -> TargetLock:
        """It belongs to one run alone."""
        del run
        return _NobodyElse()

    def reachable(self, environment: Mapping[str, str]) -> Iterator[Reached]:
        """Its services, as its keeper sees them."""
        del environment
        for service, state in self.control.status().items():
            yield Reached(service, state["state"] == "running", str(state["state"]))

    def close(self) -> None:
        """Stop and clean; idempotent. A target that was joined with `attach` is stopped as well."""
        layout, self._layout, self._closed = self._layout, None, True
        if layout is None:
            return
        with contextlib.suppress(TargetError):
            ask(layout.control_socket, "shutdown", timeout_s=_CLOSE_S)
        self._wait_for_keeper(layout)
        if layout.directory.exists():
            clear(layout.directory)
        registry.forget(layout.directory)

    def images(self) -> Mapping[str, str] | None:
        """The images that the services run in; None when they are processes of this machine."""
        return None

    # -- more ---------------------------------------------------------------------------------------
    @property
    def layout(self) -> Layout:
        """Folders, ports and secrets of the run; the first look opens the run. Raises TargetError."""
        if self._layout is None:
            if self._closed:
                raise TargetError("this embedded target is closed: create another")
            self._open()
        if self._layout is None:  # pragma: no cover - _open sets it or raises
            raise AssertionError
        return self._layout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, operation: str, **values: Any) -> Any:
        return ask(self.layout.control_socket, operation, **values)

    def _open(self) -> None:
        """Clears what dead runs left, makes the run's folder, starts its keeper."""
        registry.sweep()
        run = registry.new_run(
            self._name,
            owned=self._owned,
            rate_limit=self._rate_limit,
            images=self.images(),
            superuser_owner=self._superuser_owner,
        )
        try:
            write_token(run.layout.directory)
            tools.install(run.layout)
            self._start_keeper(run)
            self._layout = run.layout
            self._wait_until_it_answers(run.layout)
        except BaseException:
            self._layout = run.layout
            run.let_go()
            self.close()
            self._closed = False
            raise
        run.let_go()

    def _start_keeper(self, run: registry.NewRun) -> None:
        arguments = [python(), "-P", "-m", "runbook_steps.stand_in.embedded.keeper", str(run.layout.directory)]
        fds = list(run.held_fds)
        reading: int | None = None
        if self._owned:
            reading, self._owner_pipe = os.pipe()
            fds.append(reading)
            arguments += ["--owner-fd", str(reading)]
        with run.layout.service_log("keeper").open("ab") as log:
            self._keeper = subprocess.Popen(
                arguments,
                cwd=run.layout.directory,
                env=_keeper_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=fds,
                start_new_session=True,
            )
        if reading is not None:
            os.close(reading)

    def _wait_until_it_answers(self, layout: Layout) -> None:
        end = time.monotonic() + _KEEPER_START_S
        while True:
            try:
                ask(layout.control_socket, "status", timeout_s=_KEEPER_START_S)
            except TargetError:
                died = self._keeper is not None and self._keeper.poll() is not None
                if died or time.monotonic() > end:
                    log = layout.service_log("keeper")
                    tail = log.read_text("utf-8", errors="replace").strip().splitlines()[-10:]
                    raise TargetError("the embedded target did not start:\n" + "\n".join(tail)) from None
                time.sleep(0.005)
            else:
                return

    def _wait_for_keeper(self, layout: Layout) -> None:
        if self._keeper is not None:
            try:
                self._keeper.wait(timeout=_CLOSE_S)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()
            self._keeper = None
        elif self._attached:
            end = time.monotonic() + _CLOSE_S
            while _keeper_lives(layout.directory) and time.monotonic() < end:
                time.sleep(0.005)
        if self._owner_pipe is not None:  # last: closing it is what tells the keeper that we are gone
            os.close(self._owner_pipe)
            self._owner_pipe = None


def _keeper_environment() -> dict[str, str]:
    """Where the cluster's template is cached is decided by the runner's HOME; no secret is needed."""
    of_the_engine = ("DOCKER_", "TESTCONTAINERS_", "RYUK_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"HOME", "XDG_CACHE_HOME", "TMPDIR"} or name.startswith(of_the_engine)
    }
    return {**kept, "PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "Asia/Amman"}


def _keeper_lives(directory: Path) -> bool:
    try:
        read_layout(directory)
    except TargetError:
        return False
    return True
