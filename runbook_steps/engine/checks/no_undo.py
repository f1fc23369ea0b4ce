"""The changes that nothing takes back, each with its place; none of them breaks a rule. Pure."""

from __future__ import annotations

from runbook_steps.engine.errors import FeatureError, SourceError
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.run.plan import points_of_no_return

__all__ = ["without_undo"]


def without_undo(project: Project) -> list[SourceError]:
    """In the order of the files."""
    return [FeatureError(p.position, f"{p.name} ({p.risk})") for _, p in points_of_no_return(project.runbooks)]
