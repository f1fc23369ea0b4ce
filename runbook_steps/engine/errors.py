"""Every error this package raises on purpose.

    RunbookError
    ├── SourceError              a page or a feature is wrong; always carries file and line
    │   ├── FeatureError         a feature cannot be parsed, or breaks a rule of the house
    │   └── PageError            a page cannot be read, or breaks a rule of the house
    ├── ConfigurationError       a variable, a setting or an option is missing or wrong
    ├── RefusedError             the plan says no: risk not allowed, no confirmation, wrong target
    ├── TargetError              a target cannot be reached, started or stopped
    │   ├── NotRunnableHere      a needed tool or part is missing on this machine (named)
    │   └── NotApplicableNow     the situation of the scenario is absent on a live target
    ├── FaultError               a fault could not be arranged, observed or cleared
    ├── CommandFailed            a command ended with another exit code than expected
    │   └── CommandTimedOut      a command passed its time limit and was killed with its children
    ├── CheckFailed              something observable is not as it should be
    ├── JournalError             a journal cannot be written or read
    │   └── EvidenceError        an evidence file is broken, foreign or of another schema version
    └── OperationError           an operation of the house refuses or fails; carries its exit code

Messages are written for the person who reads them at night: what is wrong, then what to do next.
They never hold a secret's value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Position:
    """A place in a source file: `path` relative to the project, `line` counted from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class RunbookError(Exception):
    """The root: catching it catches everything this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class SourceError(RunbookError):
    """A page or feature is wrong. `str()` is `file:line: message`."""

    exit_code = 2

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(f"{position}: {message}")
        self.position = position
        self.message = message


class FeatureError(SourceError):
    """A feature cannot be parsed, or breaks a rule of the house."""


class PageError(SourceError):
    """A page cannot be read, or breaks a rule of the house."""


class ConfigurationError(RunbookError):
    """A variable, a setting or an option is missing or wrong."""

    exit_code = 2


class RefusedError(RunbookError):
    """The plan says no, with its reason: nothing was run."""

    exit_code = 3


class TargetError(RunbookError):
    """A target cannot be reached, started or stopped."""

    exit_code = 4


class NotRunnableHere(TargetError):
    """A needed tool or part is missing on this machine; the message names it."""


class NotApplicableNow(TargetError):
    """The situation a scenario starts from is absent on a live target."""


class FaultError(RunbookError):
    """A fault could not be arranged, observed or cleared."""


class CommandFailed(RunbookError):
    """A command ended with another exit code than expected."""


class CommandTimedOut(CommandFailed):
    """A command passed its time limit and was killed with its children."""


class RiskExceeded(CommandFailed):
    """A command tried more than the risk of its procedure permits, and was not let do it."""


class CheckFailed(RunbookError):
    """Something observable is not as it should be: the message tells expected and actual."""


class JournalError(RunbookError):
    """A journal cannot be written or read."""


class EvidenceError(JournalError):
    """An evidence file is broken, foreign or of another schema version."""


class OperationError(RunbookError):
    """An operation of the house refuses or fails."""
