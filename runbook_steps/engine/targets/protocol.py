"""The one interface every target has. Steps, faults and the engine know nothing else of a target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

from runbook_steps.engine.model import Command, Risk, TargetFacts
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.reachable import Reached

COMMAND_MARK = "RUNBOOKS_COMMAND_MARK"
"""The variable that every process of a scenario's command carries: `<pid of the run>-<random>`."""


@runtime_checkable
class ServiceControl(Protocol):
    """Hands on the processes of a disposable target; faults use it, procedures never do.

    A target decides what its services are called. Every method raises TargetError, naming the service, when it
    cannot do what it says.
    """

    def services(self) -> tuple[str, ...]:
        """The names of all services, running or not."""

    def pid(self, service: str) -> int | None:
        """The process id, None when it is not running."""

    def start(self, service: str) -> None:
        """Start it and return when it is ready; nothing to do when it runs."""

    def stop(self, service: str) -> None:
        """Stop it in order and return when it is gone; nothing to do when it is stopped."""

    def restart(self, service: str) -> None:
        """Stop, then start: a container keeps the settings that it was created with."""

    def recreate(self, slots: Iterable[str]) -> None:
        """New containers for these API slots, all at once: they take up settings and release as they are now."""

    def reload(self, service: str) -> None:
        """Read its configuration anew; returns when nothing is answered with the old one any more."""

    def scale(self, slots: int) -> None:
        """Exactly that many API slots run, the first ones, and the proxy knows them."""

    def settle(self) -> None:
        """Before a scenario, by the engine alone: as in a calm minute, when no limit remembers who asked before."""


class TargetLock(Protocol):
    """Held by one changing run of a live target."""

    def refuse_lost(self) -> None:
        """Raises RefusedError when it is no longer held."""

    def release(self) -> Any:
        """Gives it back; idempotent."""


@runtime_checkable
class Target(Protocol):
    """A system that scenarios run on."""

    @property
    def name(self) -> str:
        """What evidence is filed under, like `staging`."""

    @property
    def facts(self) -> TargetFacts:
        """What a plan needs to know."""

    @property
    def control(self) -> ServiceControl | None:
        """Hands on the processes; None on a live target."""

    @property
    def parts(self) -> frozenset[str]:
        """The parts that it has; a scenario that needs another one cannot run on it."""

    def start(self, parts: Iterable[str]) -> None:
        """Make the parts (and what they need) ready, in parallel, waiting by condition; idempotent.

        Their names are those of `parts`, which `@needs_` tags name. Raises TargetError.
        """

    def environment(self) -> Mapping[str, str]:
        """The whole environment a command gets, PATH included; nothing else is inherited."""

    def secrets(self) -> frozenset[str]:
        """The values that must never be seen in an output."""

    def guesses(self) -> frozenset[str]:
        """Of `secrets`, those that are hidden only because nothing tells what they are."""

    def versions(self) -> Mapping[str, str]:
        """Part → version, as the part itself tells it."""

    def steady_state(self) -> Command | None:
        """The command that ends with 0 when a live target is as it should be; None when nothing is known to ask."""

    def lock(self, run: str) -> TargetLock:
        """Keeps every other changing run away from a live target. Raises RefusedError naming who has it."""

    def reachable(self, environment: Mapping[str, str]) -> Iterator[Reached]:
        """Asks each part whether it is there, and with which rights, reading only; `environment` is held to that."""

    def close(self) -> None:
        """Stop and clean what this process started; idempotent; never raises for what is already gone."""


class TargetMaker(Protocol):
    """What an entry point of `runbooks.targets` names."""

    def __call__(self, name: str, settings: Settings, allow: Risk | None, /) -> Target:
        """The target, not started; `allow` is the highest risk asked for, None for its own default.

        Raises ConfigurationError, TargetError.
        """
