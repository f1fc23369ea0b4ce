"""Scenarios that cannot fail by what stands in them: a change that changes nothing, a bound below all counts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.model import Command, Risk, Role, Runbook

__all__ = ["idle_problems"]

_SAYS_NOTHING = re.compile(r"\s*(?:(?:true|:|echo|printf)(?:\s[^|<>`$;&]*)?|#.*|)\s*")
_NO_BOUND = re.compile(r"\b(?:at least|not less than|no fewer than) 0(?![.\d])|\b0 or more\b", re.IGNORECASE)


def idle_problems(runbook: Runbook) -> Iterator[FeatureError]:
    """What proves nothing, with file and line."""
    for procedure in runbook.procedures:
        acts = [command for command in procedure.commands if not command.undo]
        if procedure.risk is not Risk.READONLY and acts and all(map(_idle, acts)):
            message = f"“{procedure.name}” is @risk_{procedure.risk}, and none of its commands does anything"
            yield FeatureError(procedure.position, message)
        for step in procedure.steps:
            if step.role is Role.THEN and _NO_BOUND.search(step.text):
                yield FeatureError(step.position, f"“{step.text}” is true of every count: name one that can be missed")


def _idle(command: Command) -> bool:
    """Whether every line of it only says something."""
    if command.media_type != "bash":
        return False
    return all(_SAYS_NOTHING.fullmatch(line) for line in command.text.split("\n"))
