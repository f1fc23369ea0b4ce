"""What every part of a guided run shares: who is there, what is led through, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from runbook_steps.engine.guided.brief import Brief
from runbook_steps.engine.guided.past import Past
from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.model import Command, Outcome
from runbook_steps.engine.proof.evidence_file import SKIPPED, now
from runbook_steps.engine.run.reads import only_reads

__all__ = ["INTERRUPTED_EXIT", "Desk"]

INTERRUPTED_EXIT = 130


@dataclass
class Desk:
    """One run at one terminal. `proof` runs and records; `number` is the step that is open, counted from 0.

    `changed`: a command began that may have changed something, so that an undo is needed. `went_on`: the person went
    on without the situation, or without a command; a check behind that may have nothing to compare with.
    `unproven`: a check did not hold behind that. `begin_at` is the first step that is not left out.
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
    warned: bool = False

    def reads(self, command: Command) -> bool:
        """Whether the command is known to change nothing, whatever its procedure may do."""
        return self.brief.procedure.risk.rank == 0 or only_reads(command, self.brief.readers)

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
        while not (said := self.screen.read(question)):
            self.screen.say("  a few words, for whoever reads the journal; q stops", "dim")
        if said.casefold() == "q":
            raise self.stopped("stopped")
        return said

    def stopped(self, why: str) -> BaseException:
        """What ends the run."""
        return pytest.exit.Exception(f"{why} by {self.who}; what ran stands in the journal", INTERRUPTED_EXIT)
