"""What an exception means for a scenario, in the words of `Outcome`, and how it is told."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

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
    """What went wrong, in one line of words: ours and an assertion speak for themselves, others are introduced.

    A client that got no answer names its service; anything else is a mistake of the step, told with its place.
    """
    said = str(error).strip() or type(error).__name__
    if isinstance(error, AssertionError | RunbookError) or not isinstance(error, Exception):
        return said
    kind, first = type(error).__name__, said.splitlines()[0]
    if service := _SERVICES.get(type(error).__module__.partition(".")[0]):
        return f"could not look, {service} gave no good answer: {first} ({kind})"
    if isinstance(error, OSError):
        return f"could not look: {first} ({kind})"
    return f"the step itself is at fault{_place(error)}: {kind}: {first}"


_SERVICES = {"psycopg": "PostgreSQL", "redis": "Redis", "httpx": "HTTP", "botocore": "AWS", "boto3": "AWS"}


def _place(error: BaseException) -> str:
    """The innermost line of a step or fault that led there; empty when none did."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/site-packages/" not in f.filename]
    own = [f for f in frames if f"{os.sep}engine{os.sep}" not in f.filename]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""
