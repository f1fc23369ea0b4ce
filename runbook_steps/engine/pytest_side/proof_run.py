"""What one run is made of: its settings, target, recorder and preparation, and what the fixtures take from it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pytest

from runbook_steps.engine.errors import JournalError, RefusedError, TargetError
from runbook_steps.engine.model import Outcome, Procedure, Result, Risk
from runbook_steps.engine.proof.evidence_file import load_evidence
from runbook_steps.engine.proof.rests_on import SourceIndex
from runbook_steps.engine.pytest_side.feature_collector import procedure_of
from runbook_steps.engine.pytest_side.journal_of_run import open_recorder
from runbook_steps.engine.pytest_side.session_settings import BORROWED, GUIDANCE, settings_of
from runbook_steps.engine.run.before_and_after import Preparation
from runbook_steps.engine.run.command import end_commands_of_dead_runs
from runbook_steps.engine.run.consent import Consent, refuse_without_consent
from runbook_steps.engine.run.guide import Guidance, UndoWish
from runbook_steps.engine.run.held_to_risk import Restraint
from runbook_steps.engine.run.plan import RunPlan, plan
from runbook_steps.engine.run.recorder import Recorder
from runbook_steps.engine.run.scenario_folder import sweep
from runbook_steps.engine.run.shards import Shard, parse_shard
from runbook_steps.engine.run.undo import Undo, Undone
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.sources.contract_file import Contract, load_contract
from runbook_steps.engine.targets.by_name import make_target
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.engine.text.redact import Redactor, secret_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runbook_steps.engine.run.situation import Situation

__all__ = ["ProofRun"]

NO_TARGET_EXIT = 4  # pytest's own code for a usage error: nothing was proven


class ProofRun:
    """The target, the recorder and the state of one pytest session."""

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
    def from_config(cls, config: pytest.Config, run: str) -> Self:
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
            if planned and self.guide is None and self.target.control:  # what a person works on is left as it is found
                self.target.control.settle()
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
