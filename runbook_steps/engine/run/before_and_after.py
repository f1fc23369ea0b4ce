"""Before and after a run: what a killed run left is undone, a live target is locked and looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from runbook_steps.engine.errors import RefusedError, TargetError
from runbook_steps.engine.model import Risk
from runbook_steps.engine.run.command import end_commands_of_dead_runs, run_command
from runbook_steps.engine.run.consent import steady_state_problem
from runbook_steps.engine.run.scenario_folder import scenario_folder
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
    ) -> None:
        """`tell(event, **values)` writes to the journal; what `takes_over` is true for, is not undone."""
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

        Raises RefusedError when another run changes the target or it is not in its steady state,
        TargetError when an undo fails, JournalError when one cannot be read.
        """
        if self._begun:
            return
        self._begun = True
        left = [undo for undo in left_behind(self.undo_folder) if not self._takes_over(undo)]
        if self._target.facts.disposable:
            for undo in left:
                undo.forget()  # what it would undo went with its target
            return
        if left or self._changes_a_live_target:
            self._lock = self._target.lock(self._run)
        if left:
            end_commands_of_dead_runs()  # a change that goes on behind its undo would stay
        for undo in left:
            self._undo(undo)
        if not self._changes_a_live_target:
            self.close()
        elif problem := self._problem():
            raise RefusedError(f"{self._target.name} is not in its steady state, nothing was changed: {problem}")

    def end(self) -> bool:
        """Whether the target is as it was: in its steady state, when it may have been changed."""
        if not (self._begun and self._changes_a_live_target):
            return True
        problem = self._problem()
        if problem:
            self.notices.append(f"{self._target.name} is not in its steady state after the run: {problem}")
        return not problem

    def refuse_lost_lock(self) -> None:
        """Raises RefusedError when the lock of this run is held no longer: nothing more may be changed."""
        if self._lock is not None:
            self._lock.refuse_lost()

    def close(self) -> None:
        """Gives the lock back; idempotent."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _problem(self) -> str:
        command = self._target.steady_state()
        if command is None:
            return "nothing says when it is: set `steady_state` in [tool.runbooks] of pyproject.toml to a command"
        with scenario_folder(self._settings.work_dir, self._run) as folder:
            return steady_state_problem(command, self._target.environment(), folder)

    def _undo(self, undo: Undo) -> None:
        with scenario_folder(self._settings.work_dir, self._run) as folder:
            done = undo.carry_out(
                lambda command, variables: run_command(command, {**self._target.environment(), **variables}, folder)
            )
        self._tell("undone for a killed run", purpose=done.purpose, problem=done.problem)
        self._say(done)

    def _say(self, done: Undone) -> None:
        said = f"a killed run left a change: “{done.purpose}” of “{done.scenario}”"
        if done.problem:
            raise TargetError(f"{said} could not be undone: {done.problem}")
        self.notices.append(f"{said} was undone")
