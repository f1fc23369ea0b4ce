"""Before and after a run: what a killed run left is undone, a live target is locked and looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import RefusedError, TargetError
from runbook_steps.engine.model import Command, Risk
from runbook_steps.engine.run.command import end_commands_of_dead_runs, run_command
from runbook_steps.engine.run.needs import without_unnamed
from runbook_steps.engine.run.scenario_folder import scenario_folder
from runbook_steps.engine.run.steady_state import SteadyState, look_at_steady_state
from runbook_steps.engine.run.undo import Undo, Undone, left_behind
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.protocol import Target, TargetLock

__all__ = ["Preparation"]


class Preparation:
    """Of one run on one target. `notices` are for the person who started it."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        run: str,
        tell: Callable[..., Any],
        takes_over: Callable[[Undo], bool] = lambda _: False,
        *,
        goes_on: Callable[[Sequence[str]], bool] | None = None,
    ) -> None:
        """`tell(event, **values)` writes to the journal; what `takes_over` is true for, is not undone.

        `goes_on(lines)` asks the person of an attended run whether to go on although these checks are red.
        """
        self._goes_on = goes_on
        self._before = SteadyState()
        self._takes_over = takes_over
        self._target = target
        self._settings = settings
        self._run = run
        self._tell = tell
        self._lock: TargetLock | None = None
        self._begun = False
        self.notices: list[str] = []

    @property
    def undo_folder(self) -> Path:
        """Where the undos of this target are kept."""
        return self._settings.undo_folder(self._target.name)

    def taken_over(self) -> tuple[Undo, ...]:
        """The undos of the run that this one goes on with."""
        return tuple(undo for undo in left_behind(self.undo_folder) if self._takes_over(undo))

    @property
    def _changes_a_live_target(self) -> bool:
        facts = self._target.facts
        return not facts.disposable and facts.allowed is not Risk.READONLY

    def begin(self) -> None:
        """Once, when the target has started. What a killed run left is undone also by a run that only reads.

        Raises RefusedError when another run changes the target, it is not in its steady state and nobody says to go
        on, or an undo fails before a change; TargetError when there is no lock, JournalError for an undo that cannot
        be read.
        """
        if self._begun:
            return
        self._begun = True
        left = [undo for undo in left_behind(self.undo_folder) if not self._takes_over(undo)]
        if self._target.facts.disposable:
            for undo in left:
                undo.forget()  # what it would undo went with its target
            return
        if self._changes_a_live_target:
            self._prepare_to_change(left)
        elif due := [undo for undo in left if not undo.problem]:
            self._undo_while_reading(due)
        self._tell_of_the_stuck([] if self._changes_a_live_target else [undo for undo in left if undo.problem])

    def _prepare_to_change(self, left: Sequence[Undo]) -> None:
        """The lock, what a killed run left, and the steady state; a person may go on although it is red."""
        problem = ""
        try:
            self._lock = self._target.lock(self._run)
        except TargetError as error:
            if self._goes_on is None:
                raise
            problem = str(error)
        if left:
            end_commands_of_dead_runs()  # a change that goes on behind its undo would stay
        stuck = [said for undo in left if (said := self._undo(undo))]
        if stuck:
            raise RefusedError(f"{'; '.join(stuck)}. {self._how_to_discard}")
        self._before = self._look()
        red = (*([f"the lock against a second run: {problem}"] if problem else []), *self._before.lines)
        if not red:
            return
        self._tell("not in its steady state before", checks=list(red))
        if self._goes_on is None:
            raise RefusedError(
                f"{self._target.name} is not in its steady state, nothing was changed: {'; '.join(red)}. "
                "An incident is worked on with a person: `runbooks run`"
            )
        if not self._goes_on(red):
            raise RefusedError("nothing was changed")
        self._tell("gone on although it is not in its steady state")

    def _undo_while_reading(self, due: Sequence[Undo]) -> None:
        """What can be undone is; what cannot never keeps anybody from reading."""
        try:
            self._lock = self._target.lock(self._run)
            end_commands_of_dead_runs()
            stuck = [said for undo in due if (said := self._undo(undo))]
        except (RefusedError, TargetError) as error:
            stuck = [f"a killed run left {len(due)} changes, which were not undone: {error}"]
        finally:
            self.close()
        self.notices.extend(f"{said}. {self._how_to_discard}" for said in stuck)

    def _tell_of_the_stuck(self, stuck: Sequence[Undo]) -> None:
        for undo in stuck:
            said = f"a change is still there: “{undo.command.purpose}” of “{undo.scenario}” {undo.problem}"
            self.notices.append(f"{said}. {self._how_to_discard}")

    @property
    def _how_to_discard(self) -> str:
        return f"`runbooks target undos {self._target.name}` shows what is due, and how a person discards it"

    def end(self) -> bool:
        """Whether the target is as it was: in its steady state, when it may have been changed."""
        if not (self._begun and self._changes_a_live_target):
            return True
        after = self._look()
        worse = after.worse_than(self._before)
        as_before = [line for line in after.lines if line not in worse.lines]
        self._tell("steady state after", worse=list(worse.lines), as_before=as_before)
        if worse.wrong:
            self.notices.append(f"{self._target.name} is not in its steady state after the run: {worse}")
        if as_before:
            self.notices.append(f"still red, as before the run: {'; '.join(as_before)}")
        return not worse.wrong

    def refuse_lost_lock(self) -> None:
        """Raises RefusedError when the lock of this run is held no longer: nothing more may be changed."""
        if self._lock is not None:
            self._lock.refuse_lost()

    def close(self) -> None:
        """Gives the lock back; idempotent."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _look(self) -> SteadyState:
        command = self._target.steady_state()
        if command is None:
            return SteadyState({"the steady state": "nothing says when it is: set `steady_state` in [tool.runbooks]"})
        with scenario_folder(self._settings.work_dir, self._run) as folder:
            return look_at_steady_state(command, self._environment_of(command, {}), folder)

    def _environment_of(self, command: Command, variables: Mapping[str, str]) -> dict[str, str]:
        given = {**self._target.environment(), **variables}
        return without_unnamed(given, self._settings.only_where_named, command)

    def _undo(self, undo: Undo) -> str:
        """What went wrong, empty when it was undone."""
        with scenario_folder(self._settings.work_dir, self._run) as folder:
            done = undo.carry_out(
                lambda command, variables: run_command(command, self._environment_of(command, variables), folder)
            )
        self._tell("undone for a killed run", purpose=done.purpose, problem=done.problem)
        return self._say(done)

    def _say(self, done: Undone) -> str:
        said = f"a killed run left a change: “{done.purpose}” of “{done.scenario}”"
        if done.problem:
            return f"{said} could not be undone: {done.problem}"
        self.notices.append(f"{said} was undone")
        return ""
