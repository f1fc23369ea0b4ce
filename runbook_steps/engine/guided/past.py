"""Going on where a guided run stopped: what ran is not repeated, and what has changed since is refused."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from runbook_steps.engine.errors import JournalError, RefusedError
from runbook_steps.engine.model import Outcome, Procedure, Risk, ScenarioRecord, StepRecord
from runbook_steps.engine.proof.evidence_file import journal_lines, read_journal
from runbook_steps.engine.proof.rests_on import changed_sources
from runbook_steps.engine.run.guide import UndoWish
from runbook_steps.engine.run.reads import only_reads
from runbook_steps.engine.run.recorder import COMMAND_BEGAN
from runbook_steps.engine.run.undo import Undo

__all__ = ["Past", "events_of", "held", "read_past"]


@dataclass(frozen=True)
class Past:
    """A guided run that stopped. `owner` is the process id that its undos carry.

    `began` are the steps whose command began in this run, `before` is the run that it went on with: what that one
    knows of a step that this one never came to, or only asked for, still holds. `gone_on` is the journal of the run
    that went on with this one last, `running` the process that still writes this one.
    `places` are marks of where the target was.
    """

    journal: str
    record: ScenarioRecord
    owner: str
    kept: int
    undone: bool
    began: frozenset[int] = frozenset()
    before: Past | None = None
    gone_on: str = ""
    running: int = 0
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def ever_began(self) -> frozenset[int]:
        """The steps whose command began, in this run or in one before it."""
        return self.began | (self.before.ever_began if self.before else frozenset())

    def step(self, number: int) -> StepRecord | None:
        """The command of that step, when it began in a procedure that changes something: it is not simply run again.

        One that was only shown, asked for or skipped never began.
        """
        if self.record.risk is Risk.READONLY:
            return None
        if number not in self.began:
            return self.before.step(number) if self.before else None
        step = self.record.steps[number]
        return step if step.command is not None else None

    def ended_undo(self, procedure: Procedure, number: int) -> str:
        """The command that went through and behind which the undo of that step has no way back; empty for none."""
        for behind, step in enumerate(procedure.steps[number:], number):
            past = self.step(behind) if step.command and step.command.ends_undo else None
            if step.command and past and past.outcome in {Outcome.PASSED, Outcome.ATTESTED}:
                return step.command.purpose
        return ""

    def moved(self, places: Mapping[str, str]) -> tuple[str, ...]:
        """The variables that say another place than when it ran; a journal that tells none is believed."""
        names = sorted(self.places.keys() | places.keys()) if self.places else []
        return tuple(name for name in names if self.places.get(name) != places.get(name))

    def owns(self, undo: Undo) -> bool:
        """Whether that run, or one that it went on with, kept the undo."""
        own = undo.owner.partition("-")[0] == self.owner and undo.scenario == self.record.scenario
        return own or (self.before is not None and self.before.owns(undo))

    def notes(self, number: int) -> tuple[str, ...]:
        """What was noted of that step, the newest run first."""
        return self.record.steps[number].notes + (self.before.notes(number) if self.before else ())

    def changed(self, procedure: Procedure, readers: Sequence[str]) -> bool:
        """Whether a command began that may have changed something."""
        commands = [procedure.steps[number].command for number in self.ever_began]
        return any(command is not None and not only_reads(command, readers) for command in commands)

    def refuse(
        self,
        procedure: Procedure,
        sources: Mapping[str, str],
        target: str,
        left: tuple[Undo, ...],
        readers: Sequence[str] = (),
    ) -> None:
        """Raises RefusedError when there is nothing to go on with, or it is not the same any more."""
        record, anew = self.record, "start it anew, without --resume"
        if self.running:
            raise RefusedError(f"{self.journal}: process {self.running} still runs it; go on there, or end that first")
        if self.gone_on:
            raise RefusedError(f"{self.journal}: {self.gone_on} went on with it, and knows what was done: resume that")
        if record.outcome is Outcome.PASSED:
            raise RefusedError(f"{self.journal}: “{record.scenario}” went through; {anew}")
        if record.target != target:
            raise RefusedError(
                f"{self.journal}: it ran on {record.target}, not on {target}: add --target {record.target}"
            )
        if record.text_hash != procedure.text_hash:
            raise RefusedError(f"{self.journal}: the text of “{record.scenario}” has changed since it ran; {anew}")
        if changed := changed_sources(record.sources, sources):
            raise RefusedError(f"{self.journal}: changed since “{record.scenario}” ran: {changed}; {anew}")
        if any(undo.begun for undo in left if self.owns(undo)):
            raise RefusedError(
                f"{self.journal}: the undo of “{record.scenario}” began, and did not end well; {anew}: "
                "that carries it out first"
            )
        if not self.changed(procedure, readers):
            return  # an undo that is gone had nothing to undo
        if self.undone or (self.kept and not any(self.owns(undo) for undo in left)):
            raise RefusedError(f"{self.journal}: what “{record.scenario}” changed was undone; {anew}")


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Keeps a journal from being resumed in two terminals at once. Raises RefusedError when another one has it.

    Held before it is read: who comes a moment later must read what was done meanwhile. The system lets go of it when
    the process ends, however that is. What cannot be opened is left to the reading, which says why; what cannot be
    held, on a file system without locks, is refused: nobody could tell.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            _hold(path, stack.enter_context(path.open("rb")).fileno())
        yield


def _hold(path: Path, file: int) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        if not _gone_on(path):  # else that run is named, by `refuse`
            raise RefusedError(f"{path.name}: another terminal resumes it just now; go on there") from error
    except OSError as error:
        why = f"{path}: it cannot be held, so that another terminal might resume it as well ({error.strerror})"
        raise RefusedError(f"{why}; keep the journals where locks work") from error


def read_past(path: Path) -> Past:
    """The run that a journal tells of, and those before it that it went on with, from the same folder.

    Raises JournalError for a journal of no guided run, and for one that is missing.
    """
    records = read_journal(path)
    events = events_of(path)
    started: Mapping[str, Any] = next((e for e in events if e.get("event") == "run started"), {})
    if "guided" in started and not records:
        instead = started["guided"].get("resumed")
        raise JournalError(f"{path}: stopped before its first step; {f'resume {instead}' if instead else 'start anew'}")
    if "guided" not in started:
        raise JournalError(f"{path} is not the journal of a guided run; `runbooks journal {path}` shows what it is")
    record = records[-1]
    names = [event.get("event") for event in events]
    went_on_with = started["guided"].get("resumed")
    before = read_past(path.with_name(Path(went_on_with).name)) if went_on_with else None
    left = not {UndoWish.NEVER, UndoWish.POINTLESS}.isdisjoint(map(str, names))
    return Past(
        journal=path.name,
        record=record,
        owner=record.run.split("-")[1],
        kept=0 if left else names.count("undo recorded") or (before.kept if before else 0),
        # by the run itself; “undone for a killed run” tells what it did for another one
        undone=any(e.get("event") == "undone" and not e.get("problem") for e in events),
        before=before,
        gone_on=_gone_on(path),
        places=started["guided"].get("places", {}),
        running=_running(record.run.split("-")[1], str(started["at"])),
        began=frozenset(
            int(e["step"]) for e in events if e.get("event") == COMMAND_BEGAN and e.get("step") is not None
        ),
    )


def _gone_on(path: Path) -> str:
    """The journal beside it of the run that went on last with that one; empty when none came to a step."""
    for newer in sorted(path.parent.glob("*.jsonl"), reverse=True):
        if newer.name <= path.name:
            break
        first = next(iter(events_of(newer)[:1]), {}) if path.name in _first_line(newer) else {}
        guided = first.get("guided")
        if isinstance(guided, dict) and guided.get("resumed") == path.name and read_journal(newer):
            return _gone_on(newer) or newer.name
    return ""


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def _running(pid: str, since: str) -> int:
    """That process, when it is the one that began to write then; a later one has only its number. 0 for none."""
    try:
        process = psutil.Process(int(pid))
        return process.pid if process.create_time() <= datetime.fromisoformat(since).timestamp() else 0
    except (psutil.Error, ValueError):
        return 0


def events_of(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a journal."""
    found = []
    for line in journal_lines(path):
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line of a killed run; `read_journal` has refused any other
        found.append(event)
    return found
