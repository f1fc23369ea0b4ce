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
from pathlib import Path
from typing import Any

import pytest

from runbook_steps.engine.errors import JournalError
from runbook_steps.engine.guided.brief import Brief
from runbook_steps.engine.guided.channel import Channel
from runbook_steps.engine.guided.desk import Desk
from runbook_steps.engine.guided.events import Events
from runbook_steps.engine.guided.past import Past
from runbook_steps.engine.guided.report import report_of
from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.guided.steps import GuidedSteps
from runbook_steps.engine.model import Outcome, ScenarioRecord
from runbook_steps.engine.pytest_side.feature_collector import procedure_of
from runbook_steps.engine.pytest_side.session_settings import GUIDANCE, PROOF
from runbook_steps.engine.run.guide import UndoWish
from runbook_steps.engine.run.undo import Undo
from runbook_steps.engine.settings import relative_path
from runbook_steps.engine.text.atomic_file import write_atomically

__all__ = ["GuidedRun"]

REFUSED_EXIT = 3
_UNDO = "Undo it now? [Y]es  [l]ater: keep it  [n]o: leave the change  [q]uit, and keep it:"


class GuidedRun:
    """One procedure, one person. `exit_code` is set when the reason to end is known here and not to pytest."""

    def __init__(
        self,
        brief: Brief,
        screen: Screen,
        who: str,
        past: Past | None = None,
        *,
        begin_at: int = 0,
        channel: Channel | None = None,
        events: Events | None = None,
    ) -> None:
        self._brief = brief
        self._screen = screen
        self._who = who
        self._past = past
        self._proof: Any = None
        self._told = 0
        self._went_through = False
        self._begin_at = begin_at
        self._channel = channel
        self._events = events
        self._desk: Desk | None = None
        self._steps: GuidedSteps | None = None
        self.exit_code: int | None = None

    # ── what the engine asks ─────────────────────────────────────────────────────────────────────

    @property
    def facts(self) -> Mapping[str, Any]:
        """For the journal."""
        resumed = {"resumed": self._past.journal} if self._past else {}
        places = {"places": dict(self._brief.target.places)} if self._brief.live else {}
        return {"by": self._who, "runbook": self._brief.runbook.stem, **resumed, **places}

    def told(self, line: str) -> None:
        """For the program that listens, where one does."""
        if self._events is not None:
            self._events.add(line)

    @property
    def is_over(self) -> bool:
        """Whether what came of the procedure is written down."""
        recorder = self._proof and self._proof.opened_recorder
        return bool(recorder and recorder.last_record is not None)

    def output(self, stream: str, data: bytes) -> None:
        """What a command prints."""
        self._screen.output(stream, data)

    def takes_over(self, undo: Undo) -> bool:
        """The undos of the run that goes on."""
        return self._past is not None and self._past.owns(undo)

    def goes_on_although_red(self, checks: Sequence[str]) -> bool:
        """An incident is when health is red: shown, and asked for once. A terminal that is gone means no."""
        screen = self._screen
        screen.say(f"{self._brief.target.name} is not in its steady state:", "bold yellow")
        for line in checks:
            screen.say(f"  ✗ {line}", "yellow")
        screen.say("If that is the incident you work on, go on. What was red before will be told from what is new.")
        try:
            answer = screen.ask("Go on? [y/N]  [q]uit:", ("y", "n", "q"), "n")
        except EOFError:
            return False
        return answer == "y"

    def undo_wanted(self, undos: Sequence[Undo]) -> UndoWish:
        """Enter, a second Ctrl-C and a terminal that is gone mean now: nothing is left half-done by accident."""
        self._screen.say()
        if self._desk is not None and not self._desk.changed:
            self._screen.say("No change began, so there is nothing to undo.", "dim")
            return UndoWish.POINTLESS
        self._screen.say("Not everything went through. Kept ready to undo what was done:", "bold")
        for undo in reversed(undos):
            self._screen.say(f"  {undo.command.purpose}")
        if self._desk is not None and self._desk.ending:
            self._screen.say(f"“{self._desk.ending}” began: look whether the way back is still there.", "bold yellow")
        try:
            answer = self._screen.ask(_UNDO, ("y", "l", "n", "q"), "y")
        except (EOFError, KeyboardInterrupt):
            answer = "y"
        if answer in {"l", "q"}:
            self._screen.say("Kept: --resume takes it over; another run on this target carries it out.", "yellow")
            return UndoWish.LATER
        if answer == "n":
            self._screen.say("Left as it is. By hand, in this order:", "yellow")
            for undo in reversed(undos):
                self._screen.quote(undo.command.text)
            return UndoWish.NEVER
        self._screen.say("Undoing …")
        return UndoWish.NOW

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
        self._desk = Desk(self._brief, self._screen, self._who, self._past, self._proof, begin_at=self._begin_at)
        self._desk.channel = self._channel
        risk, goes_on = self._brief.procedure.risk, "goes on" if self._past else "begins"
        self._desk.tell(f"{self._who} {goes_on} with “{self._brief.procedure.name}” ({self._brief.title}, {risk})")
        commands = [step.command for step in self._brief.procedure.steps]
        began = [command for n in (self._past.ever_began if self._past else ()) if (command := commands[n]) is not None]
        self._desk.changed = not all(map(self._desk.reads, began))
        self._steps = GuidedSteps(self._desk)
        self._tell_notices()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What failed, and where to go from there."""
        if report.skipped:
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self._screen.say(f"\nNot run: {text.removeprefix('Skipped: ')}", "yellow")
            self.exit_code = REFUSED_EXIT
        elif report.passed and report.when == "call":
            self._went_through = True
        elif report.failed:
            self._screen.say(f"\n{report.longreprtext}", "red")
            if report.when == "call":
                self._what_next()

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, `q`, or the engine's word that it cannot go on."""
        error = excinfo.value
        said = error.msg if isinstance(error, pytest.exit.Exception) else self._interrupted()
        self._screen.say(f"\n{said}", "yellow")

    def _interrupted(self) -> str:
        if self._desk is not None and self._desk.running:
            return "Stopped; the command that ran was ended."
        return "Stopped; no command was running."

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
            reason = f": {last.reason}" if self._went_through and not good else ""
            self._screen.say(f"“{last.scenario}” {last.outcome}{reason}", "green" if good else "yellow")
            if self._went_through and last.outcome not in {Outcome.PASSED, Outcome.ATTESTED}:
                self.exit_code = self.exit_code or 1  # pytest saw every step return; not everything was done
            if self._desk is not None and self._desk.unproven:
                self._what_next()
            self._tell_end(last)
        path = recorder.journal.path
        self._report(path)
        if self._events is not None and not self._events.close():
            self._screen.say("Not all events were read; the journal has them", "yellow")
        self._screen.say(f"Journal: {relative_path(path, self._proof.settings.root)}; `runbooks journal` reads it")
        if front := self._brief.runbook.front_matter:
            self._screen.say(f'Was the page wrong? runbooks feedback add {front.id} --by ROLE "what"')
        if not self._brief.live:
            self._screen.say("Clearing up …", "dim")  # it takes seconds, and nobody should wonder whether it hangs

    def _report(self, journal: Path) -> None:
        """In Markdown beside the journal; a disk that is full loses none of what the journal has."""
        path = journal.with_suffix(".md")
        try:
            write_atomically(path, report_of(journal))
        except (OSError, JournalError) as error:
            self._screen.say(f"No report: {getattr(error, 'strerror', None) or error}", "yellow")
        else:
            self._screen.say(f"Report:  {relative_path(path, self._proof.settings.root)}")

    def _tell_end(self, last: ScenarioRecord) -> None:
        if self._desk is None or self._channel is None:
            return
        undone = "".join(f"; {notice}" for notice in self._proof.preparation.notices)
        self._desk.tell(f"“{last.scenario}” ended: {last.outcome} ({self._who}){undone}")
        self._desk.tell_lost(self._channel.close())

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

    def _asked(self, function: Callable[..., Any], bdd: Any) -> Callable[..., Any]:
        """The function behind a question; a generator stays one, so that what it set up is taken down later."""
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(**values: Any) -> Generator[Any, None, None]:
                running = function(**values)
                yield self._perform(bdd, lambda: next(running), values)
                yield from running

            return generator

        @functools.wraps(function)
        def plain(**values: Any) -> Any:
            return self._perform(bdd, lambda: function(**values), values)

        return plain

    def _perform(self, bdd: Any, call: Callable[[], object], values: Mapping[str, Any]) -> object:
        if self._steps is None:  # pragma: no cover - a step is in a scenario
            raise AssertionError
        return self._steps.perform(bdd.number, bdd.step, call, values)
