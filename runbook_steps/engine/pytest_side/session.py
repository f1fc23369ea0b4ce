"""One pytest session as a proof: starts the target, follows every scenario, files the evidence.

Everything is recorded from the hooks while it happens; pytest's own reports are only made readable here.
"""

from __future__ import annotations

import functools
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runbook_steps.engine.errors import JournalError, NotRunnableHere, RefusedError, TargetError
from runbook_steps.engine.model import Outcome, Procedure, Result, Risk, Role, ScenarioRecord
from runbook_steps.engine.proof.evidence_file import load_evidence
from runbook_steps.engine.proof.rests_on import SourceIndex, source_index
from runbook_steps.engine.pytest_side.bdd_scenario import SCENARIO
from runbook_steps.engine.pytest_side.failure_report import tell_failure
from runbook_steps.engine.pytest_side.feature_collector import id_of, procedure_of
from runbook_steps.engine.pytest_side.journal_of_run import open_recorder
from runbook_steps.engine.pytest_side.outcome import outcome_in_pytest
from runbook_steps.engine.pytest_side.session_settings import BORROWED, GUIDANCE, journals_of, settings_of
from runbook_steps.engine.run.before_and_after import Preparation
from runbook_steps.engine.run.command import end_commands_of_dead_runs
from runbook_steps.engine.run.consent import Consent, refuse_without_consent
from runbook_steps.engine.run.file_evidence import file_empty_part, file_evidence
from runbook_steps.engine.run.guide import Guidance, UndoWish
from runbook_steps.engine.run.held_to_risk import Restraint, can_lock_down
from runbook_steps.engine.run.outcome_of_error import message_of
from runbook_steps.engine.run.plan import RunPlan, plan
from runbook_steps.engine.run.recorder import Recorder
from runbook_steps.engine.run.scenario_folder import sweep
from runbook_steps.engine.run.shards import Shard, parse_shard
from runbook_steps.engine.run.undo import Undo, Undone
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.sources.contract_file import Contract, load_contract
from runbook_steps.engine.sources.feature_file import stem_of
from runbook_steps.engine.targets.by_name import make_target
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.engine.text.redact import Redactor, secret_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runbook_steps.engine.run.situation import Situation

__all__ = ["ProofSession"]

NO_TARGET_EXIT = 4  # pytest's own code for a usage error: nothing was proven


class ProofSession:
    """A pytest plugin, registered when the first feature is met: the run's target, journal and state."""

    def __init__(
        self,
        settings: Settings,
        target: Target,
        *,
        run: str,
        worker: str,
        environ: Mapping[str, str],
        guide: Guidance | None = None,
    ) -> None:
        self.guide = guide
        self.settings = settings
        self.target = target
        self.run = run
        self._worker = worker
        named = secret_values(environ, settings.ordinary_words)
        self.redact = Redactor(named | target.secrets())
        self._guesses = target.guesses() - named
        self._recorder: Recorder | None = None
        self._items: list[pytest.Item] = []
        self._procedure: Procedure | None = None
        self.planned: RunPlan | None = None
        takes_over = guide.takes_over if guide else lambda _: False
        goes_on = guide.goes_on_although_red if guide else None
        self.preparation = Preparation(target, settings, run, self._tell, takes_over, goes_on=goes_on)
        self._index: SourceIndex | None = None
        self._restraints: dict[Risk, Restraint] = {}
        self._verdict: tuple[Outcome, str] = (Outcome.INTERRUPTED, "")
        self._summary: tuple[str, ...] = ()
        self._left_changed = False
        self._only_looks = False
        self.situations: Callable[..., Situation] | None = None
        self.undos: list[Undo] = []
        self.shard: Shard | None = None
        self._known_durations: Mapping[str, float] = {}

    @classmethod
    def from_config(cls, config: pytest.Config, run: str) -> ProofSession:
        """The proof that pytest's options and pyproject.toml describe; nothing is started yet.

        Raises ConfigurationError for settings that are wrong, EvidenceError for evidence it could not add to.
        """
        import os  # noqa: PLC0415 - the environment is read here and nowhere else

        settings = settings_of(config)
        name = config.getoption("--target") or settings.default_target
        allow = config.getoption("--allow")
        evidence = settings.evidence_file(name)
        known = load_evidence(evidence).records if evidence.exists() else {}
        worker = getattr(config, "workerinput", {}).get("workerid", "")
        target = config.stash.get(BORROWED, None) or make_target(name, settings, Risk(allow) if allow else None)
        guide = config.stash.get(GUIDANCE, None)
        proof = cls(settings, target, run=run, worker=worker, environ=os.environ, guide=guide)
        if part := config.getoption("--shard"):
            proof.shard = parse_shard(part)
            proof._known_durations = {key: record.duration_s for key, record in known.items()}
        if not target.facts.disposable:
            confirm, now = config.getoption("--confirm"), config.getoption("--now")
            consent = Consent(target.facts.allowed, confirm, now=now, attended=guide is not None)
            window = str(settings.targets.get(name, {}).get("window", ""))
            refuse_without_consent(name, window, consent, zone=settings.time_zone)
            if worker and consent.risk is not Risk.READONLY:
                raise RefusedError(f"changes to {name} run one after another: leave out -n")
        return proof

    # ── what the fixtures use ────────────────────────────────────────────────────────────────

    @property
    def recorder(self) -> Recorder:
        """The recorder, its journal opened when first asked for: before the first step."""
        if self._recorder is None:
            sweep(self.settings.work_dir)
            end_commands_of_dead_runs()
            self._recorder = open_recorder(
                self.settings, self.target, self.redact, run=self.run, worker=self._worker, guide=self.guide
            )
        return self._recorder

    def _tell(self, event: str, **values: Any) -> None:
        self.recorder.event(event, **values)  # not bound earlier: the journal is opened when first needed

    @property
    def undo_folder(self) -> Path:
        """Where the undos of this target are kept."""
        return self.preparation.undo_folder

    @property
    def opened_recorder(self) -> Recorder | None:
        """The recorder, None before anything was recorded."""
        return self._recorder

    def tell_undone(self, done: Undone) -> str:
        """Tells the journal and the person; gives what went wrong, empty when nothing did."""
        self.recorder.event("undone", purpose=done.purpose, problem=done.problem)
        problem = f"undo “{done.purpose}” {done.problem}" if done.problem else ""
        said = problem or f"undone: “{done.purpose}”"
        self.preparation.notices.append(f"“{done.scenario}” did not go through; {self.redact(said)}")
        self._left_changed = self._left_changed or bool(problem)
        return problem

    def end_undos_behind(self, result: Result) -> None:
        """Ends them when a command went through that took their way back away, or was it."""
        if result.command.ends_undo and result.exit_code == 0:
            self.end_undos()

    def end_undos(self) -> None:
        """What is kept ready for the scenario that runs has become pointless: its way back is not needed, or gone."""
        while self.undos:
            undo = self.undos[0]
            self.recorder.event(UndoWish.POINTLESS, purpose=undo.command.purpose)  # before: a kill may come between
            self.undos.pop(0).forget()

    @property
    def current_scenario(self) -> str:
        """The scenario that runs."""
        return self._procedure.name if self._procedure else ""

    @property
    def passed(self) -> bool:
        """Whether the scenario that runs, or just ended, went through."""
        return self._verdict[0] is Outcome.PASSED

    def restraint(self, risk: Risk) -> Restraint:
        """What holds the commands of a procedure of that risk; one that is only looked at may read, and no more."""
        risk = Risk.READONLY if self._only_looks else risk
        if risk not in self._restraints:
            self._restraints[risk] = Restraint.of(risk, self.target.facts, self.settings.work_dir / self.run)
        return self._restraints[risk]

    def start_target(self, planned: RunPlan | None = None) -> None:
        """Makes ready what the selected scenarios need, or this one. Ends the session when that fails."""
        plans = [planned] if planned else [self._plan(each) for each in map(procedure_of, self._items) if each]
        parts = {part for each in plans if each.refusal is None for part in each.parts}
        try:
            self.target.start(sorted(parts))
        except TargetError as error:
            if self.guide is None or self.target.facts.disposable:
                pytest.exit(self.redact(f"target {self.target.name}: {error}"), returncode=NO_TARGET_EXIT)
            self._tell_silent(str(error))
        self.redact = self.redact.with_values(self.target.secrets())
        try:
            self.preparation.begin()
        except (RefusedError, TargetError, JournalError) as error:
            code = error.exit_code if isinstance(error, RefusedError) else NO_TARGET_EXIT
            pytest.exit(self.redact(str(error)), returncode=code)

    def _tell_silent(self, said: str) -> None:
        """A part that does not answer may be the incident that a person works on: it is said, once."""
        notice = self.redact(f"not all of it answers: {said}")
        if notice not in self.preparation.notices:
            self.preparation.notices.append(notice)
            self.recorder.event("a part does not answer", said=said)

    @functools.cached_property
    def contract(self) -> Contract:
        """What the platform must offer. Raises PageError for a file that cannot be read."""
        return load_contract(self.settings.root)

    def _plan(self, procedure: Procedure) -> RunPlan:
        facts, usual, attended = self.target.facts, self.settings.usual_parts, self.guide is not None
        tags_decide = facts.disposable or not self.contract.interfaces
        return plan(procedure, facts, usual_parts=usual, attended=attended, tags_decide=tags_decide)

    # ── pytest hooks ─────────────────────────────────────────────────────────────────────────

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
