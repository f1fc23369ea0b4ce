"""One pytest session as a proof: starts the target, follows every scenario, files the evidence.

Everything is recorded from the hooks while it happens; pytest's own reports are only made readable here.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_steps.engine.errors import JournalError, NotRunnableHere, RefusedError
from runbook_steps.engine.model import Outcome, Procedure, Role, ScenarioRecord
from runbook_steps.engine.proof.rests_on import source_index
from runbook_steps.engine.pytest_side.bdd_scenario import SCENARIO
from runbook_steps.engine.pytest_side.failure_report import tell_failure
from runbook_steps.engine.pytest_side.feature_collector import id_of, procedure_of
from runbook_steps.engine.pytest_side.outcome import outcome_in_pytest
from runbook_steps.engine.pytest_side.proof_run import ProofRun
from runbook_steps.engine.pytest_side.session_settings import journals_of
from runbook_steps.engine.run.file_evidence import file_empty_part, file_evidence
from runbook_steps.engine.run.held_to_risk import can_lock_down
from runbook_steps.engine.run.outcome_of_error import message_of
from runbook_steps.engine.sources.feature_file import stem_of

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["ProofSession"]


class ProofSession(ProofRun):
    """A pytest plugin, registered when the first feature is met: the hooks of one run."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leaves out the scenarios that other machines run; other tests stay."""
        if self.shard is None:
            return
        ids = {item: key for item in items if (key := id_of(item))}
        own = self.shard.of(ids.values(), self._known_durations)
        left_out = [item for item in items if item in ids and ids[item] not in own]
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keeps the selection, to start only what it needs."""
        self._items = session.items

    def start_as_it_comes(self) -> None:
        """Each scenario's parts are started when it is run, not those of the whole selection before the first."""
        self._items = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Opens and closes the record of a scenario, whatever happens in between."""
        procedure = procedure_of(item)
        if procedure is None:
            return (yield)
        feature = item.stash[SCENARIO].feature.rel_filename
        self._verdict = (Outcome.INTERRUPTED, "")
        self._procedure = procedure
        try:
            if self._recorder is None:
                self.start_target()
            self.recorder.scenario_started(feature, procedure, self._sources(procedure, feature))
            try:
                return (yield)
            finally:
                self.recorder.scenario_finished(*self._verdict)
        except JournalError as error:
            pytest.exit(f"{error}; stopped, because an unrecorded run proves nothing", returncode=1)

    def _sources(self, procedure: Procedure, feature: str) -> Mapping[str, str]:
        """What the proof rests on, read once a session: before the first scenario, as it then runs."""
        if self._index is None:
            self._index = source_index(self.settings)
        return self._index.of(procedure, stem_of(feature))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Refuses what the plan refuses; brings back what the scenario before left stopped."""
        procedure = procedure_of(item)
        if procedure is None:
            return
        planned = self.planned = self._plan(procedure)
        begins_by_looking = bool(procedure.steps) and procedure.steps[0].role is Role.GIVEN
        self._only_looks = planned.looks and begins_by_looking and can_lock_down()
        if planned.refusal is not None and not self._only_looks:
            self._verdict = (planned.refusal, planned.reason)
            pytest.skip(f"{planned.refusal}: {planned.reason}")
        self.start_target(planned)

    def pytest_bdd_before_step(self, step: Any, step_func: Any) -> None:
        """A step begins, unless another run may have begun meanwhile."""
        del step_func
        if self._only_looks and step.step.role is not Role.GIVEN and self.planned is not None:
            unseen = "; ".join(self.recorder.unseen)
            begins = f"not all that it begins with can be seen: {unseen}" if unseen else "what it begins with is so"
            raise NotRunnableHere(f"it could begin now: {begins}. {self.planned.reason}")
        try:
            self.preparation.refuse_lost_lock()
        except RefusedError as error:
            pytest.exit(self.redact(str(error)), returncode=error.exit_code)
        self.recorder.step_started(step.number)

    def pytest_bdd_after_step(self, step: Any) -> None:
        """A step went through."""
        del step
        self.recorder.step_finished(Outcome.PASSED)

    def pytest_bdd_step_error(self, exception: BaseException) -> None:
        """A step failed, was refused, or ran out of time."""
        self.recorder.step_finished(outcome_in_pytest(exception), self.redact(message_of(exception)))

    def pytest_bdd_step_func_lookup_error(self, step: Any, exception: BaseException) -> None:
        """A step that no Python step matches."""
        self.recorder.step_started(step.number)
        self.recorder.step_finished(Outcome.FAILED, str(exception))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judges the scenario by what happened, and makes the report one readable, redacted screen."""
        report = yield
        procedure = procedure_of(item)
        if procedure is None:
            return report
        if call.excinfo is not None:
            error = self._where_it_was_only_looked_at(call.excinfo.value)
            told = tell_failure(
                report, item, error, procedure,
                recorder=self.recorder, target=self.target.name, redact=self.redact,
            )  # fmt: skip
            self._verdict = told or self._verdict
        elif call.when == "call":
            self._verdict = (Outcome.PASSED, "")
        report.sections = [(title, self.redact(text)) for title, text in report.sections]
        return report

    def _where_it_was_only_looked_at(self, error: BaseException) -> BaseException:
        """What is not to be run is not failed by what kept it from being looked at: both are told."""
        if not self._only_looks or self.planned is None or outcome_in_pytest(error) is not Outcome.FAILED:
            return error
        return NotRunnableHere(f"{self.planned.reason}. Whether it could begin was not seen: {message_of(error)}")

    # ── the end ──────────────────────────────────────────────────────────────────────────────

    def pytest_unconfigure(self) -> None:
        """Whatever ended the session: nothing stays behind."""
        for restraint in self._restraints.values():
            restraint.close()
        self.preparation.close()
        self.target.close()
        if self._recorder is not None:
            self._recorder.journal.close()

    def file_evidence(self, session: pytest.Session) -> None:
        """Merges the journals of this run into the evidence; a known secret in either fails the run."""
        journals = journals_of(self.settings, self.run)
        path = self.settings.evidence_file(self.target.name)
        if not journals:
            if self.shard is not None and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                nothing = file_empty_part(path, self.target.name)
                self._summary = nothing.lines
                session.exitstatus = pytest.ExitCode.OK if nothing.good else pytest.ExitCode.TESTS_FAILED
            return
        options = (session.config.getoption(name, None) for name in ("xmlpath", "cucumber_json_path"))
        reports = [Path(file) for file in options if file]
        root, counts = self.settings.root, self._counts
        filed = file_evidence(
            path, self.target.name, journals, root, self.redact,
            counts=counts, live=not self.target.facts.disposable, also=reports, guesses=self._guesses,
        )  # fmt: skip
        self._summary = filed.lines
        if self.guide and not filed.good:  # the summary is pytest's, which a person does not see
            self.preparation.notices.extend(filed.lines)
        if not (self.preparation.end() and filed.good) or self._left_changed:
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def _counts(self, record: ScenarioRecord) -> bool:
        """In a guided run, only what passed as a whole and in one go is a proof."""
        return self.guide is None or (record.outcome is Outcome.PASSED and "resumed" not in self.guide.facts)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """What was proven, and where it is written down."""
        lines = (*self.preparation.notices, *self._summary)
        if lines:
            terminalreporter.section("runbooks")
            for line in lines:
                terminalreporter.line(line)
