"""Refusals that several commands share: a role nobody has, and feedback that cannot be read."""

from __future__ import annotations

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.project.project import CONTACTS, Project
from runbook_steps.engine.sources.feedback_file import FEEDBACK
from runbook_steps.engine.sources.page_head import suggestion

__all__ = ["refuse_broken_feedback", "refuse_unknown_role"]


def refuse_unknown_role(project: Project, role: str) -> None:
    """Raises ConfigurationError for a role that is not in the contacts."""
    if role not in project.contacts:
        hint = suggestion(role, list(project.contacts)) or f"; known: {', '.join(project.contacts)}"
        raise ConfigurationError(f"{role!r} is no role of {CONTACTS}{hint}")


def refuse_broken_feedback(project: Project) -> None:
    """Raises what is wrong with the file: nobody may take it for an empty one."""
    for problem in project.problems:
        if problem.position.path == FEEDBACK:
            raise problem
