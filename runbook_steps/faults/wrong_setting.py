"""A setting that is wrong: written to the env file of the API, and taken up by slots that are created anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runbook_steps.engine.errors import FaultError, TargetError
from runbook_steps.engine.run.situation import Observation
from runbook_steps.engine.targets.protocol import ServiceControl

__all__ = ["WrongSetting"]

ALL_SLOTS = ("api_1", "api_2")  # what a target starts with


class WrongSetting:
    """`file` holds KEY=VALUE lines that override the environment of a slot that is created.

    Only `slots` start again with it. `look` tells by the platform's own behaviour whether the setting is in force.
    """

    def __init__(
        self,
        name: str,
        control: ServiceControl,
        file: Path,
        settings: Mapping[str, str],
        look: Callable[[], Observation],
        *,
        slots: Sequence[str] = ALL_SLOTS,
    ) -> None:
        self._name = name
        self._control = control
        self._file = file
        self._settings = settings
        self._look = look
        self._slots = slots
        self._before: str | None = None

    @property
    def name(self) -> str:
        """What is wrong, in the words of an operator."""
        return self._name

    def arrange(self) -> None:
        """Adds the settings and creates the slots anew; one that refuses to start with them stays down."""
        try:
            self._before = self._file.read_text("utf-8")
        except OSError as error:
            raise FaultError(f"{self._file} cannot be read: {error.strerror}") from error
        added = "".join(f"{key}={value}\n" for key, value in self._settings.items())
        self._file.write_text(self._before + added, "utf-8")
        self._restart(self._slots, refusing=True)

    def observe(self) -> Observation:
        """Asks the platform."""
        return self._look()

    def clear(self) -> None:
        """Puts the file back; restarts every slot if it was not put back by the procedure, or is still in force."""
        if self._before is None:
            return
        changed = self._file.read_text("utf-8") != self._before
        self._file.write_text(self._before, "utf-8")
        if changed or self._look().present:
            self._restart(ALL_SLOTS, refusing=False)

    def _restart(self, slots: Sequence[str], *, refusing: bool) -> None:
        """All at once; `refusing` lets one that does not start with the setting stay down."""

        def one(slot: str) -> None:
            try:
                self._control.recreate([slot])
            except TargetError:
                if not refusing:
                    raise

        with ThreadPoolExecutor(len(slots)) as pool:
            list(pool.map(one, slots))
