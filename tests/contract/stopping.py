"""Stops a guided run at a chosen point and in a chosen way, goes on with it, and says what is wrong with the outcome.

The person who goes on does what the page says: looks before anything that began runs again, and lets run what never
began. What was done stands in the ledger, so that nobody has to believe the run.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from runbook_steps.engine.guided.past import events_of
from runbook_steps.engine.run.recorder import COMMAND_BEGAN
from tests.contract.person import Person

__all__ = ["PROCEDURES", "Point", "Procedure", "Stage", "feature_of", "points", "try_point"]

LIMIT_S = 120.0
ENDS = ("kill", "term", "hang-up", "ctrl-c", "ctrl-d", "q")
_QUESTIONS = {
    "before": re.compile(r"\[l\] look: .*\[q\] stop: $"),
    "failed": re.compile(r"\[t\] try again .*: $"),
    "command": re.compile(r"\[r\] run .*: $"),
    "name": re.compile(r"Type (?P<name>\S+) to run it, q to stop: $"),
    "manual": re.compile(r"Done\? .*: $"),
    "undo": re.compile(r"Undo it now\? .*: $"),
    "said": re.compile(r"What did you see\? $"),
    "go on": re.compile(r"Go on\? .*: $"),
}


@dataclass(frozen=True)
class Procedure:
    """`shape` is a letter a step: a capital is the undo of the change behind it, `m` a person's, `?` only reads."""

    name: str
    risk: str
    shape: str

    @property
    def changes(self) -> tuple[str, ...]:
        """The names that must stand in the ledger in the end."""
        return tuple(step for step in self.shape if step in "abcd")

    @property
    def undos(self) -> int:
        """How many are kept ready."""
        return sum(step.isupper() for step in self.shape)


PROCEDURES = (
    Procedure("Two changes, one taken back", "mutating", "Aa?b?"),
    Procedure("Three changes, two taken back", "destructive", "AaBbc?"),
    Procedure("Changes around a person", "mutating", "amb?"),
    Procedure("One change of the database", "mutating", "Aa?"),
    Procedure("Two changes of the database", "destructive", "AaBb?"),
)


class Stage(Protocol):
    """Where procedures run."""

    def lines(self) -> list[str]:
        """What was written, in order."""

    def runs(self, scenario: str, *arguments: str) -> Person:
        """A guided run at a terminal."""

    def journal(self) -> Path:
        """The newest."""

    def undos(self) -> list[Path]:
        """Those that are kept ready."""


def feature_of(procedures: Sequence[Procedure], write: Callable[[str], str], read: str) -> str:
    """The feature of those procedures; `write(word)` is the command that writes a word, `read` one that reads."""
    lines = ["Feature: Notes", ""]
    for each in procedures:
        lines += [f"  @risk_{each.risk}", f"  Scenario: {each.name}"]
        keyword = "When"
        for number, step in enumerate(each.shape):
            if step == "m":
                lines.append(f"    {keyword} a person tells the others")
            else:
                word = {"?": f"look, for the {number}. time"}.get(step, f"make the change {step}")
                said = f"I get ready to undo {step.lower()}" if step.isupper() else f"I {word}"
                text = read if step == "?" else write(f"undo-{step.lower()}")
                if step.islower():
                    text = f"{write(f'begin-{step}')}; sleep 0.4; {write(step)}"
                lines += [f"    {keyword} {said}:", '      """bash', f"      {text}", '      """']
            keyword = "And"
        lines += ["    Then it ends with exit code 0", ""]
    return "\n".join(lines)


@dataclass(frozen=True)
class Point:
    """Where and how a run is stopped: at its `count`-th question, so long behind the answer, or while a change runs."""

    procedure: Procedure
    moment: str
    count: int
    delay_s: float
    end: str
    undo: str

    def __str__(self) -> str:
        where = f"{self.moment} {self.count}+{self.delay_s:.2f}s"
        return f"{self.procedure.name} · {where} · {self.end} · undo {self.undo or 'now'}"


def points(procedures: Sequence[Procedure], number: int, seed: int) -> tuple[Point, ...]:
    """That many points, evenly over procedures and ways to end; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for index in range(number):
        procedure = procedures[index % len(procedures)]
        end = ENDS[index // len(procedures) % len(ENDS)]
        moment = "question" if end == "q" else chance.choice(["question", "answered", "running", "running"])
        asked = len([step for step in procedure.shape if not step.isupper()])
        count = chance.randint(1, len(procedure.changes) if moment == "running" else asked)
        found.append(Point(procedure, moment, count, chance.uniform(0, 0.6), end, chance.choice(["", "l", "n"])))
    return tuple(found)


@dataclass
class Drive:
    """One run at a terminal, answered question by question."""

    stage: Stage
    person: Person
    undo: str = ""
    asked: int = 0
    answered_to: int = 0
    repeated: list[str] = field(default_factory=list)

    def question(self) -> str:
        """The kind of the next question; `ended` when there is none any more."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            over = self.person.process.poll() is not None
            seen = self.person.seen
            last = seen[self.answered_to :].rpartition("\n")[2]
            for kind, pattern in _QUESTIONS.items():
                if pattern.search(last):
                    return kind
            if over:
                return "ended"
            time.sleep(0.05)
        raise AssertionError(f"neither a question nor an end within {LIMIT_S:g} s:\n{self.person.seen}")

    def answer(self, kind: str) -> None:
        """What a careful person says."""
        if kind not in {"undo", "go on"}:
            self.asked += 1
        said = {"command": "r", "manual": "y", "said": "it is there", "go on": "y", "failed": "q"}.get(kind, "")
        if kind == "undo":
            said = self.undo
        if kind == "name":
            found = _QUESTIONS["name"].search(self.person.seen.rpartition("\n")[2])
            said = found["name"] if found else ""
        if kind == "before":
            said = self._looked_at()
        self.answered_to = len(self.person.seen)
        self.person.types(said)

    def _looked_at(self) -> str:
        """It is done when its last word stands in the ledger; else it runs again."""
        shown = re.findall(r"And I make the change (\w)|When I make the change (\w)", self.person.seen)
        change = "".join(shown[-1])
        done = change in self.stage.lines()
        if not done:
            self.repeated.append(change)
        return "d" if done else "r"


def try_point(stage: Stage, point: Point, *, again: Point | None = None) -> list[str]:
    """What is wrong with it, in words; empty when nothing is. `again` is where the run that goes on is stopped too."""
    problems: list[str] = []
    procedure = point.procedure
    allow = ("--allow", procedure.risk)
    code, undone = _stopped(stage, point, allow, procedure.name, problems)
    if again is not None and code != 0 and not undone:
        code, undone = _stopped(stage, again, (*allow, "--resume", str(stage.journal())), "", problems)
    if code == 0 or undone:
        return problems + _judged(stage, procedure, code, undone=undone)
    with stage.runs("", *allow, "--resume", str(stage.journal())) as person:
        drive = Drive(stage, person, "l")
        while (kind := drive.question()) != "ended":
            drive.answer(kind)
        code = person.ends()
    return problems + [f"{said}\n{person.seen}" for said in _judged(stage, procedure, code, undone=False)]


def _stopped(
    stage: Stage, point: Point, arguments: Sequence[str], scenario: str, problems: list[str]
) -> tuple[int, bool]:
    """The exit code, and whether what was done was undone; what is wrong right behind the stop goes to `problems`."""
    before = stage.lines()
    with stage.runs(scenario, *arguments) as person:
        drive = Drive(stage, person, point.undo)
        stopped = False
        while (kind := drive.question()) != "ended":
            if not stopped and _is_there(drive, point, "question"):
                stopped = True
                _end(person, point.end, at_question=True)
                drive.answered_to = len(person.seen)
                if point.end == "hang-up":
                    break
                continue
            drive.answer(kind)
            if not stopped and (_is_there(drive, point, "answered") or _begins(stage, person, point, kind)):
                stopped = True
                time.sleep(point.delay_s)
                _end(person, point.end, at_question=False)
                if point.end == "hang-up":
                    break
        code = person.ends(LIMIT_S)
    if f"“{point.procedure.name}” passed" in person.seen:
        code = 0  # it was over when the stop came: nothing is left to go on with, and nothing may be missing
    behind = stage.lines()
    undone = any(line.startswith("undo-") for line in behind[len(before) :])
    problems += _right_behind(stage, point, code, undone=undone, seen=person.seen)
    return code, undone


def _is_there(drive: Drive, point: Point, moment: str) -> bool:
    return point.moment == moment and drive.asked + (moment == "question") >= point.count


def _begins(stage: Stage, person: Person, point: Point, kind: str) -> bool:
    """Whether the change at which it is to be stopped runs now, or is over: waits behind an answer that runs it."""
    if point.moment != "running" or kind not in {"command", "name"}:
        return False
    wanted = f"begin-{point.procedure.changes[point.count - 1]}"
    end = time.monotonic() + LIMIT_S
    at = len(person.seen)
    while time.monotonic() < end and person.process.poll() is None:
        if wanted in stage.lines():
            return True
        if any(pattern.search(person.seen[at:].rpartition("\n")[2]) for pattern in _QUESTIONS.values()):
            return False  # it is another command's turn
        time.sleep(0.02)
    return False


def _end(person: Person, end: str, *, at_question: bool) -> None:
    with contextlib.suppress(ProcessLookupError):
        if end == "q" and at_question:
            person.types("q")
        elif end == "ctrl-c":
            person.presses_ctrl_c()
        elif end == "ctrl-d":
            person.presses("\x04")
        elif end == "hang-up":
            person.hangs_up()
        else:
            os.kill(person.process.pid, signal.SIGKILL if end == "kill" else signal.SIGTERM)


def _right_behind(stage: Stage, point: Point, code: int, *, undone: bool, seen: str) -> Iterator[str]:
    """Of a run that was stopped, and not gone on with yet."""
    lines = stage.lines()
    begun = any(line.startswith("begin-") for line in lines)
    done = all(change in lines for change in point.procedure.changes)
    if code == 0 and not done:
        yield f"exit code 0 with {lines}\n{seen}"
    if undone and not (begun or _a_change_began(stage, point.procedure)):
        yield f"undone although nothing began: {lines}\n{seen}"
    kept = point.procedure.undos and begun and not undone and code != 0
    left_to_a_person = "Left as it is. By hand" in seen
    if kept and not left_to_a_person and not stage.undos():
        yield f"the undo is lost: {lines}\n{seen}"


def _a_change_began(stage: Stage, procedure: Procedure) -> bool:
    """By the journal: a command that was cut off before its first word has begun all the same."""
    began = (event["step"] for event in events_of(stage.journal()) if event["event"] == COMMAND_BEGAN)
    return any(procedure.shape[step] in procedure.changes for step in began)


def _judged(stage: Stage, procedure: Procedure, code: int, *, undone: bool) -> list[str]:
    """Of the run that went on last."""
    lines = stage.lines()
    wrong = [
        f"{change} was made {lines.count(change)} times" for change in procedure.changes if lines.count(change) > 1
    ]
    twice = [line for line in set(lines) if line.startswith("undo-") and lines.count(line) > 1]
    wrong += [f"{line} was done twice" for line in twice]
    if undone:
        return wrong + ([f"undone, and yet kept: {stage.undos()}"] if stage.undos() else [])
    missing = [change for change in procedure.changes if change not in lines]
    if missing and code == 0:
        wrong.append(f"exit code 0, and {missing} was never made")
    if code != 0:
        wrong.append(f"a run that went on to its end ended with {code}; {missing} is missing")
    if code == 0 and stage.undos():
        wrong.append(f"everything went through, and an undo is kept: {stage.undos()}")
    return [f"{each}: {lines}" for each in wrong]
