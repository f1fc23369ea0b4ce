"""The one interface every target has. Steps, faults and the engine know nothing else of a target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

from runbook_steps.engine.model import TargetFacts

COMMAND_MARK = "RUNBOOKS_COMMAND_MARK"
"""The variable that every process of a scenario's command carries: `<pid of the run>-<random>`."""


@runtime_checkable
class ServiceControl(Protocol):
    """Hands on the processes of a disposable target; faults use it, procedures never do.

    Service names: `postgres`, `redis`, `nginx`, `api_1` … `api_N`, `third_parties`, `aws`.
    Every method raises TargetError, naming the service, when it cannot do what it says.
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
        """Stop, then start."""

    def reload(self, service: str) -> None:
        """Read its configuration anew; returns when nothing is answered with the old one any more."""

    def scale(self, slots: int) -> None:
        """Exactly that many API slots run, the first ones, and the proxy knows them."""


@runtime_checkable
class Target(Protocol):
    """A system that scenarios run on."""

    @property
    def name(self) -> str:
        """`embedded`, `containers`, `staging`, `production`: what evidence is filed under."""

    @property
    def facts(self) -> TargetFacts:
        """What a plan needs to know."""

    @property
    def control(self) -> ServiceControl | None:
        """Hands on the processes; None on a live target."""

    def start(self, parts: Iterable[str]) -> None:
        """Make the parts (and what they need) ready, in parallel, waiting by condition; idempotent.

        Parts: `postgres`, `redis`, `nginx`, `api`, `aws`, `kubernetes`, `third_parties`. Raises TargetError.
        """

    def environment(self) -> Mapping[str, str]:
        """The whole environment a command gets, PATH included; nothing else is inherited."""

    def secrets(self) -> frozenset[str]:
        """The values that must never be seen in an output."""

    def versions(self) -> Mapping[str, str]:
        """Part → version, as the part itself tells it."""

    def close(self) -> None:
        """Stop and clean what this process started; idempotent; never raises for what is already gone."""
