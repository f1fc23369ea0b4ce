"""What the engine asks of the one who guides a person through a procedure; a drill has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from runbook_steps.engine.run.undo import Undo

__all__ = ["Guidance", "UndoWish"]


class UndoWish(StrEnum):
    """What a person wants of an undo that is kept ready: the event of the journal, where it is not done now."""

    NOW = "undo wanted"
    LATER = "undo kept"
    NEVER = "undo left to a person"
    POINTLESS = "undo pointless"


class Guidance(Protocol):
    """Between the engine and the person at the terminal."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the journal: who it is, and which run is resumed."""

    def told(self, line: str) -> None:
        """Hears each line that was written into the journal, in its order."""

    def output(self, stream: str, data: bytes) -> None:
        """What a command prints, as it comes; an empty `data` ends the stream. Called from other threads."""

    def undo_wanted(self, undos: Sequence[Undo]) -> UndoWish:
        """Asks what becomes of the undo of what did not go through, or only in part."""

    def goes_on_although_red(self, checks: Sequence[str]) -> bool:
        """Asks once whether to go on although these checks of the steady state are red."""

    def takes_over(self, undo: Undo) -> bool:
        """Whether this run goes on where a killed one stopped, and so keeps its undo."""
