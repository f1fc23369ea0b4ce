"""One step at a time, with a person: shown, asked for, done, and told how it went."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from runbook_steps.engine.guided.brief import NO_UNDO, Brief
from runbook_steps.engine.guided.past import Past
from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.model import Command, Outcome, Result, Role, Step, StepRecord
from runbook_steps.engine.proof.evidence_file import SKIPPED, WENT_ON, now
from runbook_steps.engine.run.outcome_of_error import message_of

__all__ = ["INTERRUPTED_EXIT", "GuidedSteps"]

INTERRUPTED_EXIT = 130
_KEYS = {"r": "run", "s": "skip", "?": "show more", "q": "stop"}
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
            self._screen.say(f"  ✗ the situation is not there: {message_of(error)}", "yellow")
            if self._screen.ask("  Go on anyway? [y/N]", ("y", "n"), "n") == "n":
                raise
            self._record(Outcome.NOT_APPLICABLE, f"{WENT_ON} {self._who} went on at {now()}")
            return None
        self._screen.say("  ✓ it is so" if self._brief.live else "  ✓ made so, for practice", "green")
        return found

    def _looked_at(self, call: Call) -> object:
        try:
            found = call()
        except Exception:
            self._screen.say("  ✗ it is not so", "red")
            raise
        self._screen.say("  ✓", "green")
        return found

    def _manual(self) -> None:
        self._screen.say("  A person does this; no machine sees it.")
        answer = self._screen.ask("  Done? [y]es  [s]kip  [q]uit:", ("y", "s", "q"))
        if answer == "q":
            raise self._stopped("stopped")
        if answer == "s":
            self._record(Outcome.NOT_REACHED, f"{SKIPPED} {self._who} at {now()}")
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
            return self._not_repeated(command, past)
        self._screen.quote(command.text, "cyan")
        if not self._wants(command):
            self._record(Outcome.NOT_REACHED, f"{SKIPPED} {self._who} at {now()}")
            self._screen.say("  skipped", "yellow")
            return Result(command, None, "", "", 0.0)
        self._screen.say(f"  running, at most {command.timeout_s:g} s; Ctrl-C ends it", "dim")
        try:
            return call()
        finally:
            self._how_it_ended(command)

    def _how_it_ended(self, command: Command) -> None:
        result = self._proof.recorder.last_result
        if result is None or result.command.position != command.position:
            return
        ended = "killed at its time limit" if result.timed_out else f"exit code {result.exit_code}"
        style = "green" if result.exit_code == 0 else "yellow" if command.may_fail else "red"
        self._screen.say(f"  → {ended} after {result.duration_s:.1f} s", style)

    def _wants(self, command: Command) -> bool:
        """What the person answers. Enter runs only what reads."""
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
            elif answer == "s" or not self._brief.needs_the_name or self._named():
                return answer == "r"

    def _named(self) -> bool:
        name = self._brief.target.name
        why = "it can lose data" if self._brief.procedure.risk.rank > 1 else "it has no undo"
        if self._screen.read(f"  {why}. Type {name} to run it:") == name:
            return True
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

    def _not_repeated(self, command: Command, past: StepRecord) -> Result:
        """A change is made once: what was begun before is looked at, never run again."""
        ended = f"exit code {past.exit_code}" if past.exit_code is not None else "no exit code"
        self._screen.quote(command.text, "dim")
        said = f"ran before ({past.outcome}, {ended}): not repeated"
        self._screen.say(f"  {said}", "yellow")
        if (
            past.outcome is not Outcome.PASSED
            and self._screen.ask("  It did not end well. Look at the state. Go on behind it? [y/N]", ("y", "n"), "n")
            == "n"
        ):
            raise self._stopped("stopped")
        result = Result(command, past.exit_code, past.stdout, past.stderr, past.duration_s)
        self._proof.recorder.command_finished(result)
        self._record(past.outcome, said)  # as it was: the next one to resume does not repeat it either
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
