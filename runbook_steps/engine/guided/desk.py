"""What every part of a guided run shares: who is there, what is led through, and how far it has come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from runbook_steps.engine.guided.brief import Brief
from runbook_steps.engine.guided.channel import Channel
from runbook_steps.engine.guided.past import Past
from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.model import Command, Outcome, Risk
from runbook_steps.engine.proof.evidence_file import SKIPPED, now
from runbook_steps.engine.run.reads import only_reads
from runbook_steps.engine.text.terminal import printable

__all__ = ["INTERRUPTED_EXIT", "Desk"]

INTERRUPTED_EXIT = 130


@dataclass
class Desk:
    """One run at one terminal. `proof` runs and records; `number` is the step that is open, counted from 0.

    `changed`: a command began that may have changed something, so that an undo is needed. `went_on`: the person went
    on without the situation, or without a command; a check behind that may have nothing to compare with.
    `ending` is a command that began and takes the way back of what is kept away.
    `unproven`: a check did not hold behind that. `begin_at` is the first step that is not left out. `channel` is told
    of each change.
    """

    brief: Brief
    screen: Screen
    who: str
    past: Past | None
    proof: Any
    begin_at: int = 0
    number: int = 0
    changed: bool = False
    running: bool = False
    went_on: bool = False
    unproven: bool = False
    ending: str = ""
    warned: bool = False
    channel: Channel | None = None

    def reads(self, command: Command) -> bool:
        """Whether the command is known to change nothing, whatever its procedure may do."""
        return self.brief.procedure.risk.rank == 0 or only_reads(command, self.brief.readers)

    def risk_of(self, command: Command) -> Risk:
        """Its own, at most that of its procedure."""
        return Risk.READONLY if self.reads(command) else self.brief.procedure.risk

    def tell(self, text: str) -> None:
        """Posts it to the incident's channel, where there is one; what did not arrive is said here."""
        if self.channel is None:
            return
        self.channel.post(printable(self.screen.redact(f"{self.brief.target.name}: {text}")))
        self.tell_lost(self.channel.failed())

    def tell_lost(self, texts: Iterable[str]) -> None:
        """What the channel did not get."""
        for text in texts:
            self.screen.say(f"  the channel was not told, tell it yourself: {text}", "yellow")

    def tell_of(self, command: Command, what: str) -> None:
        """Posts what became of a command, when it may have changed something."""
        if not self.reads(command):
            self.tell(f"“{command.purpose}”: {what} ({self.who})")

    def record(self, outcome: Outcome, note: str) -> None:
        """Closes the step that is open, with a word on it."""
        self.proof.recorder.note(note)
        self.proof.recorder.step_finished(outcome)

    def skipped(self, why: str = "") -> None:
        """Who, when and why: whoever resumes this run, or reads its report, must know."""
        why = why or self.said("  Why is it skipped?")
        self.record(Outcome.NOT_REACHED, f"{SKIPPED} {self.who} at {now()}: {why}")

    def said(self, question: str) -> str:
        """Some words; asks until there are."""
        while not (said := self.screen.text(question)):
            self.screen.say("  a few words, for whoever reads the journal; q stops", "dim")
        if said.casefold() == "q":
            raise self.stopped()
        return said

    def stopped(self, why: str = "") -> BaseException:
        """What ends the run: the person, or what is said."""
        why = why or f"stopped by {self.who}"
        return pytest.exit.Exception(f"{why}; what ran stands in the journal", INTERRUPTED_EXIT)
