"""A situation that is broken on purpose: nothing arranged, a lie about it, twice as bad; cleared all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import FaultError
from runbook_steps.engine.mutation.meddled import MeddledSituation, WatchedSituation
from runbook_steps.engine.run.situation import Observation


class Litter:
    """A file that lies about, or two."""

    name = "litter"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def arrange(self) -> None:
        """One."""
        (self._folder / "one").touch()

    def observe(self) -> Observation:
        """What lies there."""
        found = sorted(file.name for file in self._folder.iterdir())
        return Observation(bool(found), ", ".join(found))

    def clear(self) -> None:
        """Nothing lies there."""
        for file in self._folder.iterdir():
            file.unlink()


class WorseLitter(Litter):
    """One that can be worse."""

    def worse(self) -> None:
        """Two."""
        self.arrange()
        (self._folder / "two").touch()


def situation(way: Break, *, here: bool = True) -> MeddledSituation:
    """Broken in that way."""
    return MeddledSituation(disposable=True, tell=lambda *_, **__: None, way=way, here=lambda: here)


def test_a_fault_that_is_not_arranged_is_missed_by_an_honest_look(tmp_path: Path) -> None:
    """Its own observation tells."""
    with pytest.raises(FaultError, match="not there"):
        situation(Break.NO_FAULT).arrange(Litter(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_lie_ends_when_it_is_cleared(tmp_path: Path) -> None:
    """The fault is there and is denied; that it is gone is not."""
    broken = situation(Break.LYING)
    with pytest.raises(FaultError, match="a lie: one"):
        broken.arrange(Litter(tmp_path))
    broken.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_fault_that_can_be_is_worse(tmp_path: Path) -> None:
    """One that cannot is as it was."""
    assert situation(Break.WORSE_FAULT).arrange(WorseLitter(tmp_path)).detail == "one, two"
    WorseLitter(tmp_path).clear()
    assert situation(Break.WORSE_FAULT).arrange(Litter(tmp_path)).detail == "one"


def test_only_the_step_that_is_meant_is_broken(tmp_path: Path) -> None:
    """Another step of the scenario arranges as ever."""
    assert situation(Break.NO_FAULT, here=False).arrange(Litter(tmp_path)).present


def test_what_is_arranged_is_watched(tmp_path: Path) -> None:
    """And whether it can be worse."""
    told: list[bool] = []

    def tell(*_: Any, **__: Any) -> None:
        """Nothing is written down."""

    watched = WatchedSituation(disposable=True, tell=tell, tell_arranged=told.append)
    watched.arrange(Litter(tmp_path))
    watched.arrange(WorseLitter(tmp_path))
    watched.undo()
    assert told == [False, True]
