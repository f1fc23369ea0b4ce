"""What an exception means for a scenario, in the words of `Outcome`, and how it is told."""

from __future__ import annotations

import json
import os
import re
import sysconfig
import traceback
from pathlib import Path

from runbook_steps.engine.errors import CommandTimedOut, NotApplicableNow, NotRunnableHere, RunbookError
from runbook_steps.engine.model import Outcome
from runbook_steps.engine.text.not_held import not_held

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
        case Exception() if _of_a_pooler(error):
            return Outcome.NOT_RUNNABLE
        case KeyboardInterrupt() | SystemExit():
            return Outcome.INTERRUPTED
        case _:
            return Outcome.FAILED


def message_of(error: BaseException) -> str:
    """What went wrong, in one line of words: ours and an assertion speak for themselves, others are introduced.

    A client that got no answer names its service. What was read and is not as a step reads it is told in words, with
    the place; anything else is a mistake of the step.
    """
    said = str(error).strip() or type(error).__name__
    if isinstance(error, AssertionError):
        return _of_a_check(said)
    if isinstance(error, RunbookError) or not isinstance(error, Exception):
        return said
    kind, first = type(error).__name__, said.splitlines()[0]
    if service := _SERVICES.get(type(error).__module__.partition(".")[0]):
        return _of_a_service(error, service, first)
    if isinstance(error, OSError):
        return f"could not look: {first} ({kind})"
    if words := _not_as_expected(error):
        return f"could not look, {words}{_place(error)}"
    return f"the step itself is at fault{_place(error)}: {kind}: {first}"


def _of_a_service(error: Exception, service: str, first: str) -> str:
    if pooler := _of_a_pooler(error):
        return f"PostgreSQL cannot be looked at here: it is reached by {pooler}"
    code = getattr(error, "sqlstate", None)
    said = f"SQLSTATE {code}" if code else type(error).__name__
    return f"could not look, {service} gave no good answer: {first} ({said})"


def _of_a_pooler(error: Exception) -> str:
    """Why the guard opened no session to look by: the way to the database is missing, and nothing failed."""
    return not_held(str(error)) if type(error).__module__.partition(".")[0] == "psycopg" else ""


def _not_as_expected(error: Exception) -> str:
    """What an error says of the thing that was read; empty when it says more of the step that reads."""
    match error:
        case json.JSONDecodeError():
            words = f"is no JSON: it begins with {error.doc[:40]!r}"
        case KeyError():
            words = f"has no {error.args[0] if error.args else ''!r}"
        case IndexError():
            words = "is empty, or shorter than it should be"
        case ZeroDivisionError():
            words = "counts nothing: there is no share of it"
        case TypeError() if "NoneType" in str(error):
            words = "says nothing (null) where something should be"
        case ValueError() | TypeError():
            words = f"is not what it should be: {(str(error) or 'no word').splitlines()[0]}"
        case _:
            return ""
    return f"what was read {words}"


def _of_a_check(said: str) -> str:
    """What pytest makes of a bare `assert` is for authors: a person reads what was found."""
    lines = [line for line in said.splitlines() if not _FOR_AUTHORS.search(line)]
    first, *rest = lines or ["AssertionError"]
    if first == "AssertionError":
        first = "a check did not hold, and does not say what it found"
    elif first.startswith("assert "):
        condition = first.removeprefix("assert ")
        first = "nothing was found" if condition in _NOTHING else f"this does not hold: {condition}"
    return "\n".join([first, *rest]).rstrip()


_FOR_AUTHORS = re.compile(r"^\s*(?:Use -v+ to|\.\.\.Full output truncated|Full diff:$)|, use '-vv' to show")
_NOTHING = frozenset({"{}", "[]", "()", "set()", "''", '""', "None", "False", "0"})
_SERVICES = {"psycopg": "PostgreSQL", "redis": "Redis", "httpx": "HTTP", "botocore": "AWS", "boto3": "AWS"}


def _place(error: BaseException) -> str:
    """The innermost line of a step or fault that led there; empty when none did."""
    foreign = ("/site-packages/", sysconfig.get_path("stdlib") + os.sep)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not any(each in f.filename for each in foreign)]
    own = [f for f in frames if f"{os.sep}engine{os.sep}" not in f.filename]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""
