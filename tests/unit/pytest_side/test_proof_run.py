"""Before each scenario the target is made ready, and a stand-in settles."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import runbook_steps
from runbook_steps.engine.model import Risk, TargetFacts
from runbook_steps.engine.pytest_side.proof_run import ProofRun
from runbook_steps.engine.run.plan import RunPlan
from runbook_steps.engine.settings import Settings

PLANNED = RunPlan(commands={}, parts=("desk",))
PERSON: Any = SimpleNamespace(takes_over=lambda _: False, goes_on_although_red=lambda _: True)


class Told:
    """A target that keeps what it was told; `hands`: it is a stand-in."""

    name = "told"

    def __init__(self, *, hands: bool) -> None:
        self.said: list[str] = []
        self.facts = TargetFacts("told", hands, Risk.READONLY, tools=frozenset())
        self.control = SimpleNamespace(settle=lambda: self.said.append("settle")) if hands else None

    def start(self, parts: list[str]) -> None:
        self.said.append(f"start {' '.join(parts)}")

    def secrets(self) -> frozenset[str]:
        return frozenset()

    guesses = secrets


def said_to(target: Any, tmp_path: Path, *, guide: Any = None, planned: RunPlan | None = PLANNED) -> list[str]:
    """What a run says to it before a scenario, or before the first one when nothing is planned yet."""
    run = ProofRun(Settings(tmp_path), target, run="r", worker="", environ={}, guide=guide)
    run.start_target(planned)
    said: list[str] = target.said
    return said


def test_a_stand_in_settles_before_each_scenario(tmp_path: Path) -> None:
    """When what it needs is there; not before it is known which scenario comes."""
    assert said_to(Told(hands=True), tmp_path) == ["start desk", "settle"]
    assert said_to(Told(hands=True), tmp_path, planned=None) == ["start "]


@pytest.mark.parametrize(("hands", "guide"), [(False, None), (True, PERSON)])
def test_nothing_else_is_settled(tmp_path: Path, guide: Any, *, hands: bool) -> None:
    """A live target never; what a person works on is left as it is found."""
    assert said_to(Told(hands=hands), tmp_path, guide=guide) == ["start desk"]


def test_nothing_settles_within_a_scenario() -> None:
    """No step, fault or operation: only the engine, between two of them."""
    house = Path(runbook_steps.__file__).parent
    saying = {file.relative_to(house).as_posix() for file in house.rglob("*.py") if ".settle()" in file.read_text()}
    assert saying == {"engine/pytest_side/proof_run.py"}
