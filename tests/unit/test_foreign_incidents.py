"""The incidents of the foreign staging lead to procedures that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from runbook_steps.engine.project.project import load_project
from tests.foreign_staging.incidents import INCIDENTS

PROJECT = load_project(Path(__file__).parents[2])


@pytest.mark.parametrize("name", INCIDENTS)
def test_its_procedure_is_one_of_its_page(name: str) -> None:
    """By the beginning of its name: a scenario that was renamed is told here, not by a staging of minutes."""
    incident = INCIDENTS[name]
    (book,) = [each for each in PROJECT.runbooks if each.front_matter and each.front_matter.id == incident.runbook]
    assert len([each.name for each in book.procedures if each.name.startswith(incident.scenario)]) == 1
