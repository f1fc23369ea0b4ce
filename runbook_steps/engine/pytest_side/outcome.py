"""What an exception means for a scenario, those of pytest too."""

from __future__ import annotations

import pytest

from runbook_steps.engine.model import Outcome
from runbook_steps.engine.run.outcome_of_error import outcome_of

__all__ = ["outcome_in_pytest"]


def outcome_in_pytest(error: BaseException) -> Outcome:
    """A skip is not runnable here, `pytest.exit` an interruption; for the rest see `outcome_of`."""
    if isinstance(error, pytest.skip.Exception):
        return Outcome.NOT_RUNNABLE
    if isinstance(error, pytest.exit.Exception):
        return Outcome.INTERRUPTED
    return outcome_of(error)
