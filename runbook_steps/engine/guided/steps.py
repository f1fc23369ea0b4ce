"""One step at a time, with a person: shown, asked for, done, and told how it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runbook_steps.engine.errors import NotApplicableNow, NotRunnableHere
from runbook_steps.engine.guided.brief import NO_UNDO, Brief
from runbook_steps.engine.guided.past import Past
from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.model import Command, Outcome, Result, Role, Step, StepRecord
from runbook_steps.engine.proof.evidence_file import SKIPPED, WENT_ON, now
from runbook_steps.engine.run.outcome_of_error import message_of
from runbook_steps.engine.run.reads import only_reads

__all__ = ["INTERRUPTED_EXIT", "GuidedSteps"]

INTERRUPTED_EXIT = 130
_KEYS = {"r": "run", "h": "by hand", "s": "skip", "?": "show more", "q": "stop"}
_BEFORE = "[l] look: what must be true  [r] run it again  [d] it is done: go on behind it  [s] skip  [q] stop"
_SHOWN = 10  # lines of each stream
Call = Callable[[], object]


class GuidedSteps:
    """The steps of one scenario, in their order. `proof` runs and records them."""

    def __init__(self, brief: Brief, screen: Screen, who: str, past: Past | None, proof: Any) -> None:
        self._brief = brief
        self._screen = screen
        self._who = who
        self._past = past
        self._proof = proof
        self._number = 0
        self._went_on = False
        self.unproven = False
        """Whether a check did not hold behind a situation that was not seen."""
        self.running = False
        self.changed = bool(past and past.began)
        """Whether a command began that may have changed something: without one, no undo is needed."""

    def perform(self, number: int, step: Step, call: Call) -> object:
        """What step `number`, counted from 0, gives; `call` is the step itself.

        Raises what it raises, and pytest's Exit when stopped.
        """
        self._number = number
        place = f"[{number + 1}/{len(self._brief.procedure.steps)}]"
        self._screen.say(f"\n{place} {step.keyword} {step.text.removesuffix(':')}", "bold")
        try:
            if step.manual:
                self._manual()
                return None
            if step.command is not None:
                return self._command(step.command, call)
            return self._given(call) if step.role is Role.GIVEN else self._looked_at(call)
        except EOFError:
            raise self._stopped("the terminal is gone") from None

    def _given(self, call: Call) -> object:
        """Broken on a disposable target, looked at on a live one; there the person may know better."""
        try:
            found = call()
        except Exception as error:
            if not self._brief.live:
                raise
            looked = isinstance(error, NotApplicableNow)
            what = "the situation is not there" if looked else "whether the situation is there could not be seen"
            self._screen.say(f"  ✗ {what}: {message_of(error)}", "yellow")
            answer = self._screen.ask("  Go on anyway? [y/N]  [q]uit:", ("y", "n", "q"), "n")
            if answer == "q":
                raise self._stopped("stopped") from None
            if answer == "n":
                raise
            self._went_on = True
            self._record(Outcome.NOT_APPLICABLE, f"{WENT_ON} {self._who} went on at {now()}: {message_of(error)}")
            return None
        self._said_of_it("✓ it is so" if self._brief.live else "✓ made so, for practice")
        return found

    def _said_of_it(self, good: str) -> None:
        """What the step came to: seen, or not to be seen here, with the reason."""
        if unseen := self._proof.recorder.not_seen:
            self._screen.say(f"  – {unseen}", "yellow")
        else:
            self._screen.say(f"  {good}", "green")

    def _looked_at(self, call: Call) -> object:
        """A check. Behind a situation that was not seen it may have nothing to compare with: then it stays unproven."""
        try:
            found = call()
        except Exception as error:
            if not self._went_on:
                self._screen.say("  ✗ it is not so", "red")
                raise
            self.unproven = True
            self._screen.say(f"  ? not proven: {message_of(error)}", "yellow")
            self._record(Outcome.NOT_APPLICABLE, f"not proven, because {self._who} went on: {message_of(error)}")
            return None
        self._said_of_it("✓")
        return found

    def _manual(self) -> None:
        self._screen.say("  A person does this; no machine sees it.")
        answer = self._screen.ask("  Done? [y]es  [s]kip  [q]uit:", ("y", "s", "q"))
        if answer == "q":
            raise self._stopped("stopped")
        if answer == "s":
            self._skipped()
            return
        self._record(Outcome.ATTESTED, f"attested by {self._who} at {now()}")
        self._screen.say(f"  attested by {self._who}", "green")

    def _command(self, command: Command, call: Call) -> object:
        if command.undo:
            self._screen.quote(command.text)
            found = call()
            self._screen.say("  kept ready; runs only when this stops half-way", "dim")
            self._forget_taken_over(command)
            return found
        past = self._past.step(self._number) if self._past else None
        if past is not None:
            return self._began_before(command, past, call)
        self._screen.quote(command.text, "cyan")
        if self._past is not None and self._brief.procedure.risk.rank:
            self._screen.say("  it never began", "dim")
        while True:
            answer = self._wants(command)
            if answer == "s":
                return self._skips(command)
            if answer == "h":
                return self._by_hand(command)
            try:
                return self._run(command, call)
            except NotRunnableHere as error:
                if not self._brief.live:
                    raise
                self._screen.say(f"  ✗ it cannot be run here: {message_of(error)}", "yellow")

    def _by_hand(self, command: Command) -> Result:
        """Done another way, as the platform has it: attested, and what comes after it checks what came of it."""
        said = self._said("  What did you do?")
        self.changed = self.changed or self._brief.procedure.risk.rank > 0
        self._record(Outcome.ATTESTED, f"attested by {self._who} at {now()}: done by hand: {said}")
        self._screen.say(f"  attested by {self._who}", "green")
        return Result(command, None, "", "", 0.0)

    def _run(self, command: Command, call: Call) -> object:
        self._screen.say(f"  running, at most {command.timeout_s:g} s; Ctrl-C ends it", "dim")
        before, self.changed = self.changed, self.changed or self._brief.procedure.risk.rank > 0
        self.running = True
        try:
            found = call()
        except NotRunnableHere:
            self.changed = before if self._result_of(command) is None else self.changed
            self.running = False
            raise
        finally:
            self._how_it_ended(command)
        self.running = False
        return found

    def _skips(self, command: Command) -> Result:
        self._skipped()
        self._screen.say("  skipped", "yellow")
        return Result(command, None, "", "", 0.0)

    def _skipped(self) -> None:
        """Who, when and why: whoever resumes this run, or reads its report, must know."""
        self._record(Outcome.NOT_REACHED, f"{SKIPPED} {self._who} at {now()}: {self._said('  Why is it skipped?')}")

    def _said(self, question: str) -> str:
        """Some words; asks until there are."""
        while not (said := self._screen.read(question)):
            self._screen.say("  a few words, for whoever reads the journal; q stops", "dim")
        if said.casefold() == "q":
            raise self._stopped("stopped")
        return said

    def _result_of(self, command: Command) -> Result | None:
        """What it did; None when it never began."""
        result: Result | None = self._proof.recorder.last_result
        return result if result is not None and result.command.position == command.position else None

    def _how_it_ended(self, command: Command) -> None:
        result = self._result_of(command)
        if result is None:
            return
        ended = "killed at its time limit" if result.timed_out else f"exit code {result.exit_code}"
        style = "green" if result.exit_code == 0 else "yellow" if command.may_fail else "red"
        self._screen.say(f"  → {ended} after {result.duration_s:.1f} s", style)

    def _wants(self, command: Command) -> str:
        """What the person answers: `r`, `h` or `s`. Enter runs only what reads."""
        reads = self._brief.procedure.risk.rank == 0
        keys = "  ".join(f"[{key}] {word}" for key, word in _KEYS.items())
        while True:
            answer = self._screen.ask(
                f"  {keys}{'  (Enter runs)' if reads else ''}:", tuple(_KEYS), "r" if reads else None
            )
            if answer == "q":
                raise self._stopped("stopped")
            if answer == "?":
                self._more(command)
            elif answer != "r" or not self._asks_for_the_name(command) or self._named():
                return answer

    def _asks_for_the_name(self, command: Command) -> bool:
        """Only a command that may change something; what is known to read is run without."""
        return self._brief.needs_the_name and not only_reads(command, self._brief.readers)

    def _named(self, why: str = "") -> bool:
        name = self._brief.target.name
        why = why or ("it can lose data" if self._brief.procedure.risk.rank > 1 else "it has no undo")
        said = self._screen.read(f"  {why}. Type {name} to run it, q to stop:")
        if said == name:
            return True
        if said.casefold() == "q":
            raise self._stopped("stopped")
        self._screen.say("  that is not its name: nothing was run", "yellow")
        return False

    def _more(self, command: Command) -> None:
        brief = self._brief
        self._screen.say(f"  {command.position}, {command.media_type}, at most {command.timeout_s:g} s", "dim")
        self._screen.say(f"  risk: {brief.procedure.risk}" + (f"; {NO_UNDO}" if brief.has_no_undo else ""))
        if brief.procedure.description:
            self._screen.say(f"  {brief.procedure.description}")
        for each in brief.procedure.steps[self._number + 1 :]:
            self._screen.say(f"  then: {each.keyword} {each.text.removesuffix(':')}", "dim")

    def _began_before(self, command: Command, past: StepRecord, call: Call) -> object:
        """A change is made once: what ended well is not repeated; of what began, a person looks what became."""
        ended = f"exit code {past.exit_code}" if past.exit_code is not None else "no exit code"
        self._screen.quote(command.text, "dim")
        if past.outcome is Outcome.PASSED:
            said = f"ran before ({past.outcome}, {ended}): not repeated"
            self._screen.say(f"  {said}", "yellow")
            return self._as_before(command, past, Outcome.PASSED, said)
        self._screen.say(f"  It began before, and did not end well ({past.outcome}, {ended}). Look first.", "yellow")
        while True:
            answer = self._screen.ask(f"  {_BEFORE}:", ("l", "r", "d", "s", "q"))
            if answer == "q":
                raise self._stopped("stopped")
            if answer == "l":
                self._look(past)
            elif answer == "s":
                return self._skips(command)
            elif answer == "d":
                said = f"attested by {self._who} at {now()}: it was done: {self._said('  What did you see?')}"
                return self._as_before(command, past, Outcome.ATTESTED, said)
            elif self._named("it began before"):
                return self._run(command, call)

    def _look(self, past: StepRecord) -> None:
        """What it printed then, and what must be true when it has done its work."""
        for line in [*past.stdout.splitlines()[-_SHOWN:], *past.stderr.splitlines()[-_SHOWN:]]:
            self._screen.say(f"    │ {line}", "dim")
        self._screen.say("  It has done its work when:")
        for check in self._brief.procedure.steps[self._number + 1 :]:
            if check.role is Role.THEN:
                self._screen.say(f"    {check.text}")

    def _as_before(self, command: Command, past: StepRecord, outcome: Outcome, note: str) -> Result:
        result = Result(command, past.exit_code, past.stdout, past.stderr, past.duration_s)
        self._proof.recorder.command_begins()  # the next one to resume does not simply run it either
        self._proof.recorder.command_finished(result)
        self._record(outcome, note)
        return result

    def _forget_taken_over(self, command: Command) -> None:
        if self._past is not None:
            for undo in self._proof.preparation.taken_over():
                if undo.command.text == command.text:
                    undo.forget()  # this run has written its own

    def _record(self, outcome: Outcome, note: str) -> None:
        self._proof.recorder.note(note)
        self._proof.recorder.step_finished(outcome)

    def _stopped(self, why: str) -> BaseException:
        return pytest.exit.Exception(f"{why} by {self._who}; what ran stands in the journal", INTERRUPTED_EXIT)
