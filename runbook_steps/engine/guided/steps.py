"""One step at a time, with a person: shown, asked for, done, and told how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runbook_steps.engine.errors import CheckFailed, NotApplicableNow
from runbook_steps.engine.guided.commands import GuidedCommands
from runbook_steps.engine.guided.desk import Desk
from runbook_steps.engine.guided.taken import choose, takes
from runbook_steps.engine.model import Outcome, Role, Step
from runbook_steps.engine.proof.evidence_file import WENT_ON, now
from runbook_steps.engine.run.outcome_of_error import message_of, outcome_of

__all__ = ["GuidedSteps"]

Call = Callable[[], object]


class GuidedSteps:
    """The steps of one scenario, in their order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._screen = desk.screen
        self._commands = GuidedCommands(desk)

    def perform(self, number: int, step: Step, call: Call, values: Mapping[str, Any]) -> object:
        """What step `number`, counted from 0, gives; `call` is the step itself, `values` what it is called with.

        Raises what it raises, and pytest's Exit when stopped.
        """
        self._desk.number = number
        place = f"[{number + 1}/{len(self._desk.brief.procedure.steps)}]"
        self._screen.say(f"\n{place} {step.keyword} {step.text.removesuffix(':')}", "bold")
        try:
            if step.command is not None:
                return self._commands.perform(step.command, call)
            if step.role is Role.GIVEN and not step.manual:
                return self._given(call)
            if takes(step):
                return self._taken(step, call, values)
            if number < self._desk.begin_at:
                self._desk.skipped(f"the run began at step {self._desk.begin_at + 1}")
                self._screen.say("  left out: the run begins later", "yellow")
                return None
            if step.manual:
                self._manual()
                return None
            return self._looked_at(call)
        except EOFError:
            raise self._desk.stopped("the terminal is gone") from None

    def _given(self, call: Call) -> object:
        """Broken on a disposable target, looked at on a live one; there the person may know better."""
        live = self._desk.brief.live
        try:
            found = call()
        except Exception as error:
            if not live:
                raise
            looked = isinstance(error, NotApplicableNow)
            what = "the situation is not there" if looked else "whether the situation is there could not be seen"
            self._screen.say(f"  ✗ {what}: {message_of(error)}", "yellow")
            answer = self._screen.ask("  Go on anyway? [y/N]  [q]uit:", ("y", "n", "q"), "n")
            if answer == "q":
                raise self._desk.stopped() from None
            if answer == "n":
                raise
            self._desk.went_on = True
            note = f"{WENT_ON} {self._desk.who} went on at {now()}: {message_of(error)}"
            self._desk.record(Outcome.NOT_APPLICABLE, note)
            return None
        self._said_of_it("✓ it is so" if live else "✓ made so, for practice")
        return found

    def _said_of_it(self, good: str) -> None:
        """What the step came to: seen, or not to be seen here, with the reason."""
        if unseen := self._desk.proof.recorder.not_seen:
            self._screen.say(f"  – {unseen}", "yellow")
        else:
            self._screen.say(f"  {good}", "green")

    def _taken(self, step: Step, call: Call, values: Mapping[str, Any]) -> object:
        """The value of the answer, or the one that the person decides."""
        found: CheckFailed | None = None
        try:
            call()
        except CheckFailed as error:
            found = error
        choose(self._desk, step, values, found)
        return None

    def _looked_at(self, call: Call) -> object:
        """A check. Behind a situation that was not seen it may have nothing to compare with: then it stays unproven.

        What a live target has not, or what nobody set, cannot be looked at: nothing says that it is not so.
        """
        while True:
            try:
                found = call()
            except Exception as error:
                if self._desk.brief.live and outcome_of(error) is Outcome.NOT_RUNNABLE:
                    self._desk.record(Outcome.NOT_RUNNABLE, message_of(error))
                    self._said_of_it("")
                    return None
                if self._desk.went_on:
                    self._not_proven(error)
                    return None
                self._screen.say(f"  ✗ it is not so: {message_of(error)}", "red")
                if (
                    self._screen.ask("  [l] look again  (Enter ends it as failed)  [q] stop:", ("l", "q", ""), "")
                    == "l"
                ):
                    continue
                raise
            self._said_of_it("✓")
            return found

    def _not_proven(self, error: Exception) -> None:
        self._desk.unproven = True
        self._screen.say(f"  ? not proven: {message_of(error)}", "yellow")
        note = f"not proven, because {self._desk.who} went on: {message_of(error)}"
        self._desk.record(Outcome.NOT_APPLICABLE, note)

    def _manual(self) -> None:
        self._screen.say("  A person does this; no machine sees it.")
        answer = self._screen.ask("  Done? [y]es  [s]kip  [q]uit:", ("y", "s", "q"))
        if answer == "q":
            raise self._desk.stopped()
        if answer == "s":
            self._desk.skipped()
            return
        self._desk.record(Outcome.ATTESTED, f"attested by {self._desk.who} at {now()}")
        self._screen.say(f"  attested by {self._desk.who}", "green")
