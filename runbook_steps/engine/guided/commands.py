"""A command at the prompt: shown with its risk, asked for, run, and what a person may do beside running it."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import replace

from runbook_steps.engine.errors import CommandFailed, CommandTimedOut, JournalError, NotRunnableHere
from runbook_steps.engine.guided.approval import why_not_second
from runbook_steps.engine.guided.desk import Desk
from runbook_steps.engine.guided.edited import differing_lines, new_text, planned
from runbook_steps.engine.guided.shown import RISKS, show_more, show_past
from runbook_steps.engine.model import Command, Outcome, Result, StepRecord
from runbook_steps.engine.proof.evidence_file import RAN_BEFORE, now
from runbook_steps.engine.run.outcome_of_error import message_of

__all__ = ["GuidedCommands"]

_KEYS = {
    "r": "run",
    "h": "by hand",
    "s": "skip",
    "e": "edit once",
    "n": "note",
    "?": "show more",
    "q": "stop",
}
_BEFORE = "[l] look: what must be true  [r] run it again  [d] it is done: go on behind it  [s] skip  [q] stop"
_FAILED = "[t] try again  [h] by hand  [e] edit once  [s] skip  [n] note  [q] stop  (Enter ends it as failed)"
Call = Callable[[], object]


class GuidedCommands:
    """The commands of one scenario."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._screen = desk.screen
        self._before: Result | None = None

    def perform(self, command: Command, call: Call) -> object:
        """What the step of that command gives. Raises what it raises, and pytest's Exit when stopped."""
        desk, screen = self._desk, self._screen
        if command.undo:
            screen.quote(command.text)
            if desk.past and (ended := desk.past.ended_undo(desk.brief.procedure, desk.number)):
                screen.say(f"  not kept ready: “{ended}” went through, and nothing can be undone behind it", "yellow")
                return _nothing(command)
            found = call()
            screen.say("  kept ready; runs only when this stops half-way", "dim")
            self._forget_taken_over(command)
            return found
        past = desk.past.step(desk.number) if desk.past else None
        if past is not None and (past.outcome is Outcome.PASSED or not desk.reads(command)):
            return self._began_before(command, past, call)
        if desk.number < desk.begin_at:
            screen.quote(command.text, "dim")
            desk.skipped(f"the run began at step {desk.begin_at + 1}")
            screen.say("  left out: the run begins later", "yellow")
            return _nothing(command)
        self._warn(command)
        screen.quote(command.text, "cyan")
        said, style = RISKS[desk.risk_of(command)]
        screen.say(f"  {said}", style)
        if command.ends_undo:
            screen.say("  behind it what is kept ready cannot be undone any more", "yellow")
        if desk.past is not None and desk.brief.procedure.risk.rank:
            screen.say("  it never began", "dim")
        desk.proof.recorder.event("command asked", step=desk.number, by=desk.who)
        return self._asked(command, call)

    # ── before it runs ───────────────────────────────────────────────────────────────────────────

    def _warn(self, command: Command) -> None:
        """The page's warnings, before the first command that may do what they warn of."""
        if self._desk.warned or self._desk.reads(command):
            return
        self._desk.warned = True
        for text in self._desk.brief.warnings:
            self._screen.say(f"  ▲ {text}", "bold yellow")

    def _asked(self, command: Command, call: Call) -> object:
        """Enter runs only what reads."""
        keys = "  ".join(f"[{key}] {word}" for key, word in _KEYS.items())
        reads = self._desk.reads(command)
        question = f"  {keys}{'  (Enter runs)' if reads else ''}:"
        while True:
            answer = self._screen.ask(question, tuple(_KEYS), "r" if reads else None)
            if answer == "r" and self._permitted(command):
                try:
                    return self._run(command, call)
                except NotRunnableHere as error:
                    if not self._desk.brief.live:
                        raise
                    self._screen.say(f"  ✗ it cannot be run here: {message_of(error)}", "yellow")
            if answer not in {"r", "?", "n"}:
                done = self._instead(answer, command, call)
                if done is not None:
                    return done
            elif answer != "r":
                self._aside(answer, command)

    def _aside(self, answer: str, command: Command) -> None:
        """What changes nothing of the question."""
        if answer == "?":
            show_more(self._desk, command)
            return
        said = self._desk.said("  What is to be noted?")
        self._desk.proof.recorder.note(f"noted by {self._desk.who} at {now()}: {said}")
        self._screen.say("  noted", "dim")

    def _instead(self, answer: str, command: Command, call: Call) -> object | None:
        """What is done instead of running it; None to ask again."""
        if answer == "q":
            raise self._desk.stopped()
        if answer == "s":
            self._desk.skipped()
            self._screen.say("  skipped", "yellow")
            return _nothing(command)
        return self._done_by_hand(command) if answer == "h" else self._edited(command, call)

    def _done_by_hand(self, command: Command) -> Result:
        """A person says so: no machine saw it, and a check behind it may have nothing to look at."""
        said = self._desk.said("  What did you do?")
        self._desk.went_on = True
        if not self._desk.reads(command):
            self._desk.proof.recorder.command_begins()  # whoever resumes does not simply run it
            self._desk.changed = True
        result = _nothing(command)
        self._desk.proof.recorder.command_finished(result)
        self._end_undos(command)
        self._desk.record(Outcome.ATTESTED, f"attested by {self._desk.who} at {now()}: done by hand: {said}")
        self._desk.tell_of(command, "done by hand")
        self._screen.say(f"  attested by {self._desk.who}", "green")
        return result

    def _edited(self, command: Command, call: Call) -> object | None:
        """Another text, this once. What ran is not what was proven, so it becomes no proof."""
        text = new_text(self._screen)
        difference = differing_lines(command.text, text)
        if not difference:
            self._screen.say("  that is the same text", "dim")
            return None
        self._screen.quote("\n".join(difference), "yellow")
        edited = replace(command, text=text)
        asked = self._asks_for_the_name(edited) or self._screen.ask("  Run this? [y/N]:", ("y", "n"), "n") == "y"
        if not asked or not self._permitted(edited):
            return None
        note = f"edited by {self._desk.who} at {now()}:\n" + "\n".join(difference)
        with planned(self._desk.proof, self._desk.number, edited):
            found = self._run(edited, call)
        self._desk.record(Outcome.ATTESTED, note)
        return found

    def _asks_for_the_name(self, command: Command) -> bool:
        """Only a command that may change something; what is known to read is run without."""
        return self._desk.brief.needs_the_name and not self._desk.reads(command)

    def _permitted(self, command: Command, why: str = "") -> bool:
        """By the person who types the target's name, and by a second one, where that is asked for."""
        return (not self._asks_for_the_name(command) or self._named(why)) and self._approved(command)

    def _approved(self, command: Command) -> bool:
        """By somebody else, where the project asks for it; who that was stands in the journal."""
        desk, screen = self._desk, self._screen
        if not desk.brief.second_person or desk.reads(command):
            return True
        said = screen.read("  A second person reads this and approves it. Their name, q to stop:")
        if said.casefold() == "q":
            raise desk.stopped()
        if why := why_not_second(said, {desk.who, getpass.getuser()}, desk.brief.contacts):
            screen.say(f"  {why}: nothing was run", "yellow")
            return False
        desk.proof.recorder.event("approved", step=desk.number, by=said, of=desk.who)
        desk.proof.recorder.note(f"approved by {said} at {now()}")
        return True

    def _named(self, why: str = "") -> bool:
        name = self._desk.brief.target.name
        why = why or ("it can lose data" if self._desk.brief.procedure.risk.rank > 1 else "it has no undo")
        said = self._screen.read(f"  {why}. Type {name} to run it, q to stop:")
        if said == name:
            return True
        if said.casefold() == "q":
            raise self._desk.stopped()
        self._screen.say("  that is not its name: nothing was run", "yellow")
        return False

    # ── while and after it runs ──────────────────────────────────────────────────────────────────

    def _run(self, command: Command, call: Call) -> object:
        """Again and again, as the person says; what went through at a second try is no proof."""
        failed = ""
        while True:
            try:
                found = self._once(command, call)
            except (CommandFailed, CommandTimedOut) as error:
                failed = str(error)
                done = self._after_failure(command, call, error)
                if done is not None:
                    return done
            else:
                if failed:
                    self._desk.record(Outcome.ATTESTED, f"tried again by {self._desk.who} at {now()}: {failed}")
                return found

    def _once(self, command: Command, call: Call) -> object:
        self._screen.say(f"  running, at most {command.timeout_s:g} s; Ctrl-C ends it", "dim")
        before, begun = self._desk.changed, self._desk.proof.recorder.commands_begun
        self._desk.ending = command.purpose if command.ends_undo else self._desk.ending
        self._before = self._desk.proof.recorder.last_result
        try:
            self._desk.changed, self._desk.running = before or not self._desk.reads(command), True
            found = call()
        except (CommandFailed, CommandTimedOut):
            self._desk.running = False  # it ended by itself
            raise
        except (NotRunnableHere, JournalError):  # what cannot be written down is not begun
            self._desk.changed = before if self._new_result() is None else self._desk.changed
            self._desk.running = False
            raise
        except KeyboardInterrupt:
            if self._desk.proof.recorder.commands_begun == begun:  # before its first word: nothing is to be undone
                self._desk.changed, self._desk.running = before, False
            else:
                self._desk.tell_of(command, "stopped while it ran")
            raise
        finally:
            self._how_it_ended(command)
        self._desk.running = False
        return found

    def _after_failure(self, command: Command, call: Call, error: Exception) -> object | None:
        """What becomes of it; None tries it again."""
        self._screen.say(f"  {error}", "red")
        while True:
            answer = self._screen.ask(f"  {_FAILED}:", ("t", "h", "e", "s", "n", "q", ""), "")
            if not answer:
                raise error
            if answer == "n":
                self._aside("n", command)
            elif answer != "t":
                if (done := self._instead(answer, command, call)) is not None:
                    return done
            elif self._permitted(command, "it began before"):
                return None

    def _new_result(self) -> Result | None:
        """What it did; None when it never began."""
        result: Result | None = self._desk.proof.recorder.last_result
        return result if result is not self._before else None

    def _how_it_ended(self, command: Command) -> None:
        result = self._new_result()
        if result is None:
            return
        ended = "killed at its time limit" if result.timed_out else f"exit code {result.exit_code}"
        style = "green" if result.exit_code == 0 else "yellow" if command.may_fail else "red"
        self._screen.say(f"  → {ended} after {result.duration_s:.1f} s", style)
        self._desk.tell_of(command, ended)

    # ── a run that goes on ───────────────────────────────────────────────────────────────────────

    def _began_before(self, command: Command, past: StepRecord, call: Call) -> object:
        """A change is made once: what ended well is not repeated; of what began, a person looks what became."""
        ended = f"exit code {past.exit_code}" if past.exit_code is not None else "no exit code"
        self._screen.quote(command.text, "dim")
        if past.outcome is Outcome.PASSED:
            said = f"{RAN_BEFORE} ({past.outcome}, {ended}): not repeated"
            self._screen.say(f"  {said}", "yellow")
            return self._as_before(command, past, Outcome.PASSED, said)
        if past.outcome is Outcome.ATTESTED and past.notes:
            self._screen.say(f"  {past.notes[-1].splitlines()[0]}", "yellow")
        self._screen.say(f"  It began before, and did not end well ({past.outcome}, {ended}). Look first.", "yellow")
        while True:
            answer = self._screen.ask(f"  {_BEFORE}:", ("l", "r", "d", "s", "q"))
            if answer == "q":
                raise self._desk.stopped()
            if answer == "l":
                show_past(self._desk, past)
            elif answer == "s":
                self._desk.skipped()
                self._screen.say("  skipped", "yellow")
                return _nothing(command)
            elif answer == "d":
                said = self._desk.said("  What did you see?")
                self._desk.went_on = self._desk.went_on or past.exit_code is None  # no check can look at how it ended
                note = f"attested by {self._desk.who} at {now()}: it was done: {said}"
                return self._as_before(command, past, Outcome.ATTESTED, note)
            elif self._named("it began before") and self._approved(command):
                return self._run(command, call)

    def _as_before(self, command: Command, past: StepRecord, outcome: Outcome, note: str) -> Result:
        result = Result(command, past.exit_code, past.stdout, past.stderr, past.duration_s)
        self._desk.proof.recorder.command_begins()  # the next one to resume does not simply run it either
        self._desk.proof.recorder.command_finished(result)
        self._desk.record(outcome, note)
        self._end_undos(command)
        return result

    def _end_undos(self, command: Command) -> None:
        if command.ends_undo:
            self._desk.proof.end_undos()

    def _forget_taken_over(self, command: Command) -> None:
        if self._desk.past is not None:
            for undo in self._desk.proof.preparation.taken_over():
                if undo.command.text == command.text:
                    undo.forget()  # this run has written its own


def _nothing(command: Command) -> Result:
    """Of a command that this run did not start."""
    return Result(command, None, "", "", 0.0)
