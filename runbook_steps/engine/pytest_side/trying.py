"""The side of a worker of `runbooks prove`: runs scenarios as they are, then broken, on one target.

Behind the variants of a scenario the scenario runs once more as it is. When that is red, or a step before the broken
one was, a variant has left the target unfit, and what was seen behind it says nothing: this worker ends, and a fresh
one looks at the target behind every variant.
"""

from __future__ import annotations

import inspect
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, cast

import pytest

import runbook_steps.engine
from runbook_steps.engine.breaks import Break
from runbook_steps.engine.model import Outcome, Procedure, Role, ScenarioRecord
from runbook_steps.engine.mutation.judge import judged, told_without_running
from runbook_steps.engine.mutation.meddled import MeddledSituation, WatchedSituation
from runbook_steps.engine.mutation.notebook import Ask, Notebook, Told
from runbook_steps.engine.mutation.variants import Observed, Variant, variants_of
from runbook_steps.engine.proof.worth import Tried
from runbook_steps.engine.pytest_side.check_trace import CheckTrace
from runbook_steps.engine.pytest_side.feature_collector import FeatureFile, id_of, procedure_of
from runbook_steps.engine.pytest_side.session_settings import PROOF
from runbook_steps.engine.sources.python_steps import load_catalog

__all__ = ["Trying"]

_RESULTS = frozenset({"last_result", "results"})
_TIMES = 3  # as long as the unchanged run, and then some
_MORE_S = 60.0


class Hung(BaseException):
    """A variant did not end in its time; not an Exception, so that no step takes it for its own."""


class _Unfit(Exception):
    """The target is not what it was."""


class _OutOfTime(Exception):
    """The budget is used up."""


@dataclass
class _Seen:
    """What the unchanged run shows, as it is gathered."""

    arranged: set[int] = field(default_factory=set)
    worse: set[int] = field(default_factory=set)
    reading: set[int] = field(default_factory=set)
    checked: set[int] = field(default_factory=set)

    def observed(self, record: ScenarioRecord) -> Observed:
        printed = {number for number, step in enumerate(record.steps) if step.command and step.stdout.strip()}
        skipped = {number for number, step in enumerate(record.steps) if step.outcome is Outcome.NOT_RUNNABLE}
        sets = (self.arranged, self.worse, printed, self.reading, self.checked, skipped)
        return Observed(*map(frozenset, sets))


@dataclass(frozen=True)
class _Task:
    """A scenario that is being tried: what is known of it, how long a variant may take, and what was said."""

    item: pytest.Item
    key: str
    told: Told
    limit_s: float
    checked: frozenset[int]
    why: dict[str, str] = field(default_factory=dict)


class Trying:
    """A pytest plugin that takes the place of the loop over the tests."""

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self._config = config
        self._notebook = Notebook(folder)
        self._ask: Ask = self._notebook.asked()
        self._known = self._notebook.told()
        self._fresh = True
        self._seen: _Seen | None = None
        self._trace = CheckTrace((config.rootpath, Path(runbook_steps.engine.__file__).parent))

    @property
    def _proof(self) -> Any:
        return self._config.pluginmanager.get_plugin(PROOF)

    # ── pytest hooks ─────────────────────────────────────────────────────────────────────────

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only what is asked for, in the order it is asked."""
        by_id = {key: item for item in items if (key := id_of(item))}
        items[:] = [by_id[key] for key in self._ask.ids if key in by_id]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Scenario by scenario, until none is left, the target is unfit, or the time is over."""
        if session.items:
            self._proof.start_as_it_comes()  # a fresh worker often tries one scenario alone
        for item in session.items:
            key = id_of(item)
            if self._known.get(key, Told()).finished or not self._notebook.claim(key):
                continue
            self._notebook.tell(key, "began")
            try:
                self._try(item, key)
            except _OutOfTime:
                self._notebook.give_back(key)
                break
            except _Unfit:
                self._notebook.tell(key, "careful")
                self._notebook.give_back(key)
                break
            self._fresh = False
        return True

    def pytest_bdd_before_step_call(self, step: Any, step_func: Callable[..., Any]) -> None:
        """In the unchanged run: notes who looks at what a command printed, and which Given or Then checks anything."""
        if self._seen is None:
            return
        if _RESULTS & set(inspect.signature(step_func).parameters):
            self._seen.reading.add(step.number)
        if step.step.role is not Role.WHEN:
            self._trace.begin()

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_after_step(self, step: Any) -> None:
        """The look at the step ends."""
        if self._seen is not None and step.step.role is not Role.WHEN and self._trace.end():
            self._seen.checked.add(step.number)

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_step_error(self) -> None:
        """The look at the step ends."""
        self._trace.end()

    # ── one scenario ─────────────────────────────────────────────────────────────────────────

    def _try(self, item: pytest.Item, key: str) -> None:
        began, told = time.monotonic(), self._known.get(key, Told())
        procedure = procedure_of(item)
        if procedure is None:  # pragma: no cover - only scenarios are asked for
            raise AssertionError
        self._in_time()
        seen = _Seen()
        record = self._watched(item, seen)
        took = time.monotonic() - began
        if record is None or record.outcome is not Outcome.PASSED:
            if not self._fresh:
                raise _Unfit
            why = f"{record.outcome}: {' '.join(record.reason.split())}" if record else "it was not run"
            self._notebook.tell(key, "problem", problem=f"as it is, it does not pass: {why}"[:300])
            return
        task = _Task(item, key, told, took * _TIMES + _MORE_S, frozenset(seen.checked))
        tried = list(self._each(task, self._variants(procedure, seen.observed(record))))
        if not told.careful and any(each.way is not Break.NEGATED for each in tried):
            self._in_fit_state(item)
        self._notebook.tell(key, "whole", tried=tried, why=task.why, seconds=time.monotonic() - began)

    def _each(self, task: _Task, variants: tuple[Variant, ...]) -> Iterator[Tried]:
        done = {(each.way, each.line, each.change): each for each in task.told.parts}
        for variant in variants:
            if variant.way is Break.NEGATED:
                yield told_without_running(variant, checked=variant.step in task.checked)
                continue
            if (known := done.get((variant.way, variant.line, variant.change))) is not None:
                yield known
                continue
            self._in_time()
            found, said = self._broken(task.item, variant, task.limit_s)
            if found is None:
                raise _Unfit
            task.why[found.name] = said
            if task.told.careful:
                self._notebook.tell(task.key, "part", tried=found)
                self._in_fit_state(task.item)
            yield found

    def _variants(self, procedure: Procedure, observed: Observed) -> tuple[Variant, ...]:
        settings = self._proof.settings
        catalog = load_catalog(settings)

        def same_step(role: Role, text: str, other: str) -> bool:
            functions = [{each.function for each in catalog.of(role, line)} for line in (text, other)]
            return bool(functions[0]) and functions[0] == functions[1]

        found = variants_of(procedure, observed, mistaken=settings.mistaken, same_step=same_step, seed=self._ask.seed)
        return tuple(each for each in found if not self._ask.only or each.name in self._ask.only)

    def _in_fit_state(self, item: pytest.Item) -> None:
        """Raises _Unfit when the unchanged scenario does not go through."""
        record = self._run(item)
        if record is None or record.outcome is not Outcome.PASSED:
            raise _Unfit

    def _in_time(self) -> None:
        if time.time() > self._ask.deadline:
            raise _OutOfTime

    # ── one run ──────────────────────────────────────────────────────────────────────────────

    def _watched(self, item: pytest.Item, seen: _Seen) -> ScenarioRecord | None:
        """The unchanged run, with what it shows."""

        def arranged(can_be_worse: bool) -> None:
            number: int = self._proof.recorder.current_step
            seen.arranged.add(number)
            if can_be_worse:
                seen.worse.add(number)

        self._seen = seen
        self._proof.situations = lambda **values: WatchedSituation(**values, tell_arranged=arranged)
        try:
            return self._run(item)
        finally:
            self._seen = None
            self._proof.situations = None

    def _broken(self, item: pytest.Item, variant: Variant, limit_s: float) -> tuple[Tried | None, str]:
        """What became of a variant, and what was said; None when the target was no longer fit for it."""
        feature = cast("FeatureFile", item.parent)
        if variant.at_run:
            here = lambda: self._proof.recorder.current_step == variant.step  # noqa: E731
            self._proof.situations = lambda **values: MeddledSituation(**values, way=variant.way, here=here)
        hung_s = None
        try:
            with _at_most(limit_s) as ended:
                record = self._run(feature.item_of(variant.procedure))
            hung_s = limit_s if ended.hung else None
        finally:
            self._proof.situations = None
        said = next((step.error for step in record.steps if step.error), "") if record else ""
        return judged(variant, record, hung_s=hung_s), " ".join(said.split())[:500]

    def _run(self, item: pytest.Item) -> ScenarioRecord | None:
        """The record of a run of the item; None when there is none."""
        recorder = self._proof.opened_recorder
        before = recorder.last_record if recorder else None
        # the session stays, with what it shares; what belongs to a file or to less begins anew
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.session)
        record: ScenarioRecord | None = self._proof.recorder.last_record
        return None if record is before else record


class _at_most:  # noqa: N801 - used as a word
    """Raises Hung in what runs inside when it takes longer; `hung` tells whether it did."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self.hung = False

    def __enter__(self) -> _at_most:
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self._limit_s)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.hung = True
        raise Hung(f"it had not ended after {self._limit_s:.0f} s")
