"""What undoes a change, written down before the change is made, so that even a killed run can be undone.

One file per change, mode 0600, below `build/undo/<target>/`. A scenario that passes removes its own; one that
fails or is interrupted carries it out; what a killed run left is carried out by the next start on that target.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from runbook_steps.engine.errors import JournalError, RunbookError
from runbook_steps.engine.model import Command, Position, Result
from runbook_steps.engine.text.atomic_file import write_atomically

__all__ = ["Undo", "Undone", "left_behind", "record_undo"]

_SCHEMA = 1
Runner = Callable[[Command, Mapping[str, str]], Result]


@dataclass(frozen=True)
class Undone:
    """What came of an undo: `problem` is empty when it was carried out."""

    scenario: str
    purpose: str
    problem: str = ""


@dataclass(frozen=True)
class Undo:
    """One recorded undo. `variables` are the procedure's parameters at that moment, `problem` why it failed before.

    `begun`: it was begun once, and did not come to its good end. `copies` are files of the same undo: the run that
    goes on with another writes its own, and may be killed before it removes the other's.
    """

    file: Path
    scenario: str
    command: Command
    variables: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    problem: str = ""
    begun: bool = False
    copies: tuple[Path, ...] = ()

    def carry_out(self, run: Runner) -> Undone:
        """Runs the command and removes the file; a command that fails keeps it, to be tried again."""
        if problem := self._remember(begun=True):  # who resumes that run must know that its changes may be gone
            return Undone(self.scenario, self.command.purpose, f"was not begun: {problem}; {self.file} is kept")
        try:
            result = run(self.command, self.variables)
        except JournalError:
            raise  # what is not written down is not done
        except RunbookError as error:
            self._remember(problem=f"could not be run: {error}")
            return Undone(self.scenario, self.command.purpose, f"could not be run ({error}); {self.file} is kept")
        if result.exit_code == 0:
            try:
                self.forget()
            except JournalError as error:
                return Undone(self.scenario, self.command.purpose, f"was carried out, but {error}")
            return Undone(self.scenario, self.command.purpose)
        how = "ran out of time" if result.timed_out else f"ended with exit code {result.exit_code}"
        self._remember(problem=f"could not be undone: {how}")
        return Undone(self.scenario, self.command.purpose, f"{how}; {self.file} is kept, run again to try again")

    def _remember(self, **what: object) -> str:
        """Writes down that it was begun, or failed; why that could not be, empty when it was.

        What failed is not tried once more by a run that only reads.
        """
        try:
            document = json.loads(self.file.read_text("utf-8"))
            write_atomically(self.file, json.dumps({**document, **what}, ensure_ascii=False))
        except (OSError, ValueError) as error:
            return f"that cannot be written down ({getattr(error, 'strerror', None) or error})"
        return ""

    def discard(self, who: str, reason: str, at: str) -> None:
        """A person says that it is not needed any more, or was done by hand; that is kept. Raises JournalError."""
        line = {"at": at, "by": who, "reason": reason, "scenario": self.scenario, "purpose": self.command.purpose}
        log = self.file.with_name("discarded.jsonl")
        try:
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as out:
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise JournalError(f"{log} cannot be written: {error.strerror}; the undo is still due") from error
        self.forget()

    def same_as(self, other: Undo) -> bool:
        """Whether another run, which this one went on with or which went on with it, kept the same undo."""
        same = (self.scenario, self.command.text) == (other.scenario, other.command.text)
        return same and self.owner != other.owner

    def forget(self) -> None:
        """The change is meant to stay, or is undone. Raises JournalError where a file stays: it would be due again."""
        for file in (*self.copies, self.file):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise JournalError(
                    f"the undo “{self.command.purpose}” is not due any more, and {file} cannot be removed: "
                    f"{error.strerror}; discard it (`runbooks target undos`) before the next run carries it out"
                ) from error


def record_undo(folder: Path, scenario: str, command: Command, variables: Mapping[str, str]) -> Undo:
    """Writes the undo down, synced to disk. Raises JournalError when it cannot: then nothing may be changed."""
    mark = f"{os.getpid()}-{psutil.Process().create_time():.2f}"
    file = folder / f"{mark}-{uuid.uuid4().hex[:8]}.json"
    document = {
        "schema": _SCHEMA,
        "scenario": scenario,
        "owner": mark,
        "command": {
            "text": command.text,
            "media_type": command.media_type,
            "purpose": command.purpose,
            "file": command.position.path,
            "line": command.position.line,
            "timeout_s": command.timeout_s,
        },
        "variables": dict(variables),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(file, json.dumps(document, ensure_ascii=False))  # half an undo would keep everybody out
    except OSError as error:
        raise JournalError(f"the undo cannot be written to {file}: {error.strerror}; nothing was changed") from error
    return Undo(file, scenario, command, dict(variables), mark)


def left_behind(folder: Path) -> tuple[Undo, ...]:
    """The undos of runs whose process is gone, the newest first. Raises JournalError for a file that cannot be read."""
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    found: list[Undo] = []
    for undo in (undo for undo in map(_read, files) if not _alive(undo.owner)):
        same = next((each for each in found if each.same_as(undo)), None)
        if same is None:
            found.append(undo)
        else:
            at, both = found.index(same), (*same.copies, undo.file)
            found[at] = replace(same, copies=both, begun=same.begun or undo.begun)
    return tuple(found)


def _read(file: Path) -> Undo:
    try:
        document: dict[str, Any] = {"schema": None, **json.loads(file.read_text("utf-8"))}
        written = document["command"]
        command = Command(
            text=str(written["text"]),
            media_type=str(written["media_type"]),
            purpose=str(written["purpose"]),
            position=Position(str(written["file"]), int(written["line"])),
            timeout_s=float(written["timeout_s"]),
        )
        variables, problem = dict(document["variables"]), str(document.get("problem", ""))
        owner, begun = str(document["owner"]), document.get("begun") is True
        return Undo(file, str(document["scenario"]), command, variables, owner, problem, begun)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise JournalError(
            f"{file}: an undo that a killed run left cannot be read ({error}); undo by hand, then delete the file"
        ) from error


def _alive(owner: str) -> bool:
    pid, _, started = owner.partition("-")
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == started
    except (psutil.Error, ValueError):
        return False
