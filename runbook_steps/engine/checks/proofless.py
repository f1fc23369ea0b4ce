"""Everything in a project that cannot turn red, found without running it."""

from __future__ import annotations

from collections.abc import Iterator

from runbook_steps.engine.checks.idle import idle_problems
from runbook_steps.engine.checks.vacuous import vacuous_checks
from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.sources.python_steps import load_catalog

__all__ = ["without_proof"]


def without_proof(project: Project) -> Iterator[FeatureError]:
    """Of its features, its steps and its faults; the engine's own steps are its tests' to look at."""
    for runbook in project.runbooks:
        yield from idle_problems(runbook)
    folders = [package.replace(".", "/") for package in project.settings.rests_on]
    for problem in vacuous_checks(load_catalog(project.settings), folders):
        if (project.root / problem.position.path).is_file():
            yield problem
