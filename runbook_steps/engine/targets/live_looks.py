"""What a step gets of a live target: variables that say when they are missing, and no hands on its processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from runbook_steps.engine.errors import NotRunnableHere

__all__ = ["NoHands", "Variables"]


class Variables(dict[str, str]):
    """The environment. One that is not set makes a scenario *not runnable here*, and names what to set."""

    def __init__(self, target: str, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self._target = target

    def __missing__(self, name: str) -> NoReturn:
        """Raises NotRunnableHere."""
        raise NotRunnableHere(f"{self._target} sets no {name}: set {self._target.upper()}_{name}, and look again")


class NoHands:
    """A ServiceControl that controls nothing: a live target's processes are looked at from outside only."""

    def __init__(self, target: str) -> None:
        self._target = target

    def services(self) -> tuple[str, ...]:
        """None that this could reach."""
        return ()

    def pid(self, service: str) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse(f"the process of {service} cannot be seen")

    def start(self, service: str) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse(f"{service} is not ours to start")

    def stop(self, service: str) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse(f"{service} is not ours to stop")

    def restart(self, service: str) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse(f"{service} is not ours to restart")

    def recreate(self, slots: Iterable[str]) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse(f"{', '.join(slots)} are not ours to recreate")

    def reload(self, service: str) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse(f"{service} is not ours to reload")

    def scale(self, slots: int) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse(f"instances are not ours to start or stop, {slots} or any number")

    def settle(self) -> NoReturn:
        """Raises NotRunnableHere."""
        self._refuse("its limits are not ours to reset")

    def _refuse(self, why: str) -> NoReturn:
        raise NotRunnableHere(f"{self._target} is live: {why}")
