"""A procedure as pytest-bdd runs it: its own objects, made of ours, so that no feature is read a second time."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.parser import Feature, Scenario
from pytest_bdd.parser import Step as BddStep

from runbook_steps.engine.model import Procedure, Runbook, Step

__all__ = ["SCENARIO", "as_scenario", "run_steps"]

SCENARIO = pytest.StashKey[Scenario]()

# the package has a function of the module's name, so the module is asked for by its own
_pytest_bdd: Any = importlib.import_module("pytest_bdd.scenario")


@dataclass(frozen=True)
class _Table:
    """A step's table as pytest-bdd asks for it."""

    rows: tuple[tuple[str, ...], ...]

    def raw(self) -> list[list[str]]:
        """The rows of cells, header first."""
        return [list(row) for row in self.rows]


class RunningStep(BddStep):
    """A step with its number in the scenario, counted from 0: every hook tells by it which one it is about."""

    def __init__(self, number: int, step: Step) -> None:
        table: Any = _Table(step.table) if step.table else None
        super().__init__(
            name=step.text,
            type=step.role.value,
            indent=0,
            line_number=step.position.line,
            keyword=step.keyword,
            datatable=table,
            docstring=step.command.text if step.command else step.said,
        )
        self.number = number
        self.step = step


def as_scenario(runbook: Runbook, procedure: Procedure, path: Path) -> Scenario:
    """The scenario, or the row of an outline, for pytest-bdd and its reports."""
    feature = Feature(
        scenarios=OrderedDict(),
        filename=str(path),
        rel_filename=runbook.feature_path,
        language="en",
        keyword="Feature",
        name=runbook.name,
        tags=set(),
        background=None,
        line_number=1,
        description=runbook.description,
    )
    return Scenario(
        feature=feature,
        keyword="Scenario",
        name=procedure.name,
        line_number=procedure.position.line,
        steps=[RunningStep(number, step) for number, step in enumerate(procedure.steps)],
        tags=set(procedure.tags),
        description=procedure.description,
    )


def run_steps(request: pytest.FixtureRequest) -> None:
    """What pytest calls for a scenario: pytest-bdd goes through its steps."""
    __tracebackhide__ = True
    scenario = request.node.stash[SCENARIO]
    _pytest_bdd._execute_scenario(scenario.feature, scenario, request)  # noqa: SLF001 - its loop over the steps
