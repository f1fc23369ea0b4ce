"""What an exception means for a scenario, in the words of `Outcome`, and how it is told."""

from __future__ import annotations

from runbook_steps.engine.errors import CommandTimedOut, NotApplicableNow, NotRunnableHere, RunbookError
from runbook_steps.engine.model import Outcome

__all__ = ["message_of", "outcome_of"]


def outcome_of(error: BaseException) -> Outcome:
    """The word for it; FAILED for everything that has no word of its own."""
    match error:
        case CommandTimedOut():
            return Outcome.TIMED_OUT
        case NotApplicableNow():
            return Outcome.NOT_APPLICABLE
        case NotRunnableHere():
            return Outcome.NOT_RUNNABLE
        case KeyboardInterrupt() | SystemExit():
            return Outcome.INTERRUPTED
        case _:
            return Outcome.FAILED


def message_of(error: BaseException) -> str:
    """What went wrong, with the kind of the error unless it is one of ours or an assertion."""
    said = str(error).strip() or type(error).__name__
    return said if isinstance(error, AssertionError | RunbookError) else f"{type(error).__name__}: {said}"
