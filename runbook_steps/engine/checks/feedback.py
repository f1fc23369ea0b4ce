"""What is wrong with the feedback: a remark on a runbook that is not there, or by nobody who is known. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.project.project import CONTACTS, Project
from runbook_steps.engine.sources.feedback_file import FEEDBACK
from runbook_steps.engine.sources.page_head import suggestion

__all__ = ["feedback_problems"]


def feedback_problems(project: Project) -> Iterator[PageError]:
    """Of the open remarks; what was dealt with is history, and may name who and what is gone."""
    fronts = [runbook.front_matter for runbook in project.runbooks if runbook.front_matter]
    whole = not project.unreadable and len(fronts) == len([each for each in project.runbooks if each.page_path])
    ids = [name for front in fronts for name in (front.id, *front.former_ids)]
    for remark in project.feedback.values():
        if remark.resolved:
            continue
        at = Position(FEEDBACK, remark.line)
        if whole and remark.runbook not in ids:
            yield PageError(
                at, f"remark {remark.number}: no runbook has the id “{remark.runbook}”{suggestion(remark.runbook, ids)}"
            )
        if project.contacts and remark.by not in project.contacts:
            hint = suggestion(remark.by, list(project.contacts))
            yield PageError(at, f"remark {remark.number}: “{remark.by}” is no role of {CONTACTS}{hint}")
