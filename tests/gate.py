"""What the proof against hostile scenarios needs of a machine: skipped loudly without it, a failure in the gate."""

from __future__ import annotations

import os

import pytest

from runbook_steps.engine.guards.services.guard import can_lock_down

__all__ = ["GATE", "NEEDS_LOCK", "not_tried"]

GATE = "RUNBOOKS_GATE"
"""The variable that `.ci/run` sets: what cannot be tried is a failure there."""


def not_tried() -> str:
    """What is not tried on this machine, and why; empty when all of it is."""
    if can_lock_down():
        return ""
    return "NOT TRIED: the hostile scenarios and the kernel's lock, because this kernel has no Landlock with TCP rules"


NEEDS_LOCK = pytest.mark.skipif(bool(not_tried()) and GATE not in os.environ, reason=not_tried() or "never")
