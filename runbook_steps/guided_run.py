"""A pytest plugin that stands between pytest-bdd and its steps, and asks a person before anything is run.

pytest-bdd keeps the loop over the steps: this takes the place of its look-up of a step's function, and gives the
same function behind a question.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import io
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from runbook_steps.collection import procedure_of, relative_path
from runbook_steps.guidance import GUIDANCE
from runbook_steps.guided_brief import NO_UNDO, Brief
from runbook_steps.guided_past import Past
from runbook_steps.guided_screen import Screen
from runbook_steps.model import Command, Outcome, Result, Role, Step, StepRecord
from runbook_steps.plugin import PROOF
from runbook_steps.record import now
from runbook_steps.undo import Undo
from runbook_steps.verdict import message_of

__all__ = ["INTERRUPTED_EXIT", "GuidedRun"]

INTERRUPTED_EXIT = 130
REFUSED_EXIT = 3
_KEYS = {"r": "run", "s": "skip", "?": "show more", "q": "stop"}
Call = Callable[[], object]


class GuidedRun:
    """One procedure, one person. `exit_code` is set when the reason to end is known here and not to pytest."""

    def __init__(self, brief: Brief, screen: Screen, who: str, past: Past | None = None) -> None:
        self._brief = brief
        self._screen = screen
        self._who = who
        self._past = past
        self._proof: Any = None
        self._told = 0
        self._number = 0
        self.exit_code: int | None = None

    # ── what the engine asks ─────────────────────────────────────────────────────────────────────

    @property
    def facts(self) -> Mapping[str, str]:
        """For the journal."""
        resumed = {"resumed": self._past.journal} if self._past else {}
        return {"by": self._who, "runbook": self._brief.runbook.stem, **resumed}

    def output(self, stream: str, data: bytes) -> None:
        """What a command prints."""
        self._screen.output(stream, data)

    def takes_over(self, undo: Undo) -> bool:
        """The undos of the run that goes on."""
        return self._past is not None and self._past.owns(undo)

    def undo_wanted(self, undos: Sequence[Undo]) -> bool:
        """Enter, a second Ctrl-C and a terminal that is gone mean yes: nothing is left half-done by accident."""
        self._screen.say()
        self._screen.say("It did not go through. Kept ready to undo what was done:", "bold")
        for undo in reversed(undos):
            self._screen.say(f"  {undo.command.purpose}")
        try:
            answer = self._screen.ask("Undo it now? [Y/n]", ("y", "n"), "y")
        except (EOFError, KeyboardInterrupt):
            answer = "y"
        if answer == "n":
            self._screen.say("Left as it is. By hand, in this order:", "yellow")
            for undo in reversed(undos):
                self._screen.quote(undo.command.text)
            return False
        self._screen.say("Undoing …")
        return True

    # ── pytest ───────────────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Takes the terminal for the person: pytest's own reporter writes where nobody reads."""
        config.stash[GUIDANCE] = self
        config.pluginmanager.unregister(name="terminalreporter")
        config.pluginmanager.register(pytest.TerminalReporter(config, io.StringIO()), "terminalreporter")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only the procedure that was chosen."""
        name = self._brief.procedure.name
        items[:] = [item for item in items if (found := procedure_of(item)) is not None and found.name == name]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """From here on every step is behind a question."""
        self._proof = session.config.pluginmanager.get_plugin(PROOF)
        if self._proof is None:
            return
        self._screen.redact = lambda text: str(self._proof.redact(text))
        module: Any = importlib.import_module("pytest_bdd.scenario")
        before = module.get_step_function

        def behind_a_question(request: Any, step: Any) -> Any:
            context = before(request=request, step=step)
            return context and replace(context, step_func=self._asked(context.step_func, step))

        module.get_step_function = behind_a_question
        session.config.add_cleanup(lambda: setattr(module, "get_step_function", before))

    def pytest_bdd_before_scenario(self) -> None:
        """What was undone for a killed run is said before anything else."""
        self._number = 0
        self._tell_notices()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What failed, and where to go from there."""
        if report.skipped:
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._screen.say(f"\nNot run: {text.removeprefix('Skipped: ')}", "yellow")
            self.exit_code = REFUSED_EXIT
        elif report.failed:
            self._screen.say(f"\n{report.longreprtext}", "red")
            if report.when == "call":
                self._what_next()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, `q`, or the engine's word that it cannot go on."""
        error = excinfo.value
        said = error.msg if isinstance(error, pytest.exit.Exception) else "Stopped with Ctrl-C; the command was ended."
        self._screen.say(f"\n{said}", "yellow")

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        """What came of it, and where it is written down; also after a Ctrl-C."""
        self._tell_notices()
        recorder = self._proof and self._proof.opened_recorder
        if not recorder:
            return
        self._screen.say()
        last = recorder.last_record
        if last is not None:
            good = last.outcome is Outcome.PASSED
            reason = f": {last.reason}" if last.outcome in {Outcome.NOT_REACHED, Outcome.ATTESTED} else ""
            self._screen.say(f"“{last.scenario}” {last.outcome}{reason}", "green" if good else "yellow")
            if last.outcome in {Outcome.NOT_REACHED, Outcome.NOT_APPLICABLE} and self.exit_code is None:
                self.exit_code = 1
            if last.outcome is Outcome.INTERRUPTED and self.exit_code is None:
                self.exit_code = INTERRUPTED_EXIT
        path = recorder.journal.path
        self._screen.say(f"Journal: {relative_path(path, self._proof.settings.root)}; `runbooks journal` reads it")

    def _tell_notices(self) -> None:
        notices = self._proof.preparation.notices if self._proof else []
        for notice in notices[self._told :]:
            self._screen.say(notice, "yellow")
        self._told = len(notices)

    def _what_next(self) -> None:
        brief = self._brief
        for title, text in (("Rollback", brief.rollback), ("Escalation", brief.escalation)):
            if text:
                self._screen.say(f"\n{title}, from the page", "bold")
                self._screen.quote(text)
        if brief.contact:
            who = brief.contact
            self._screen.say(f"Owner: {who.role}, {who.name}, {who.phone}, {who.email}; then {who.backup}")

    # ── one step ─────────────────────────────────────────────────────────────────────────────────

    def _asked(self, function: Callable[..., Any], bdd: Any) -> Callable[..., Any]:
        """The function behind a question; a generator stays one, so that what it set up is taken down later."""
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(**values: Any) -> Generator[Any, None, None]:
                running = function(**values)
                yield self._perform(bdd, values, lambda: next(running))
                yield from running

            return generator

        @functools.wraps(function)
        def plain(**values: Any) -> Any:
            return self._perform(bdd, values, lambda: function(**values))

        return plain

    def _perform(self, bdd: Any, values: Mapping[str, Any], call: Call) -> object:
        step = next(step for step in self._brief.procedure.steps if step.position.line == bdd.line_number)
        self._number += 1
        place = f"[{self._number}/{len(self._brief.procedure.steps)}]"
        self._screen.say(f"\n{place} {step.keyword} {bdd.name.removesuffix(':')}", "bold")
        try:
            if step.manual:
                self._manual()
                return None
            if step.command is not None:
                command = replace(step.command, text=values.get("docstring", step.command.text))
                return self._command(step, command, call)
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
            self._record(Outcome.NOT_APPLICABLE, f"not there; {self._who} went on at {now()}")
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
            self._record(Outcome.NOT_REACHED, f"skipped by {self._who} at {now()}")
            return
        self._record(Outcome.ATTESTED, f"attested by {self._who} at {now()}")
        self._screen.say(f"  attested by {self._who}", "green")

    def _command(self, step: Step, command: Command, call: Call) -> object:
        if command.undo:
            self._screen.quote(command.text)
            found = call()
            self._screen.say("  kept ready; runs only when this stops half-way", "dim")
            self._forget_taken_over(command)
            return found
        past = self._past.step(step.position.line) if self._past else None
        if past is not None:
            return self._not_repeated(command, past)
        self._screen.quote(command.text, "cyan")
        if not self._wants(step, command):
            self._record(Outcome.NOT_REACHED, f"skipped by {self._who} at {now()}")
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

    def _wants(self, step: Step, command: Command) -> bool:
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
                self._more(step, command)
            elif answer == "s" or not self._brief.needs_the_name or self._named():
                return answer == "r"

    def _named(self) -> bool:
        name = self._brief.target.name
        why = "it can lose data" if self._brief.procedure.risk.rank > 1 else "it has no undo"
        if self._screen.read(f"  {why}. Type {name} to run it:") == name:
            return True
        self._screen.say("  that is not its name: nothing was run", "yellow")
        return False

    def _more(self, step: Step, command: Command) -> None:
        brief = self._brief
        self._screen.say(f"  {command.position}, {command.media_type}, at most {command.timeout_s:g} s", "dim")
        self._screen.say(f"  risk: {brief.procedure.risk}" + (f"; {NO_UNDO}" if brief.has_no_undo else ""))
        if brief.procedure.description:
            self._screen.say(f"  {brief.procedure.description}")
        later = [s for s in brief.procedure.steps if s.position.line > step.position.line]
        for each in later:
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
        self.exit_code = INTERRUPTED_EXIT
        return pytest.exit.Exception(f"{why} by {self._who}; what ran stands in the journal", INTERRUPTED_EXIT)
