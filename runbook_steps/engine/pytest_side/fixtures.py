"""What steps ask for by name: the target, its environment, the way to run a command, the situation."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runbook_steps.engine.errors import CommandFailed, FaultError, NotRunnableHere
from runbook_steps.engine.model import CONFIRMED, Command, Outcome, Result, Risk
from runbook_steps.engine.pytest_side.feature_collector import procedure_of
from runbook_steps.engine.pytest_side.session_settings import PROOF
from runbook_steps.engine.run.command import missing_tool, run_command
from runbook_steps.engine.run.guide import UndoWish
from runbook_steps.engine.run.held_to_risk import Restraint
from runbook_steps.engine.run.needs import what_is_missing, without_unnamed
from runbook_steps.engine.run.pasted import Pasted
from runbook_steps.engine.run.plan import unset_variables
from runbook_steps.engine.run.scenario_folder import scenario_folder
from runbook_steps.engine.run.situation import Situation
from runbook_steps.engine.run.undo import Undo, record_undo
from runbook_steps.engine.targets.live_looks import NoHands, Variables
from runbook_steps.engine.targets.protocol import ServiceControl, Target


@pytest.fixture(scope="session")
def proof(request: pytest.FixtureRequest) -> Any:
    """The running proof."""
    return request.config.pluginmanager.get_plugin(PROOF)


@pytest.fixture(scope="session")
def target(proof: Any) -> Target:
    """The target, started with what the selected scenarios need."""
    found: Target = proof.target
    return found


@pytest.fixture
def control(target: Target) -> ServiceControl:
    """Hands on the processes of a disposable target; on a live one nobody's, which refuse whatever is asked."""
    return target.control or NoHands(target.name)


@pytest.fixture
def variables() -> dict[str, str]:
    """Parameters of the procedure, which steps set and commands read: `$BACKUP_LOCATION`."""
    return {}


@pytest.fixture
def restraint(request: pytest.FixtureRequest, proof: Any) -> Restraint:
    """What holds this scenario to its risk."""
    procedure = procedure_of(request.node)
    found: Restraint = proof.restraint(procedure.risk if procedure else Risk.READONLY)
    found.forget()
    return found


@pytest.fixture
def environment(
    proof: Any, target: Target, variables: dict[str, str], restraint: Restraint
) -> Callable[[], Mapping[str, str]]:
    """Gives the environment of the steps' own clients: the target's, and the procedure's parameters.

    Without what a command gets only where it names it: what looks at a system looks with its ordinary rights.

    On a live target the clients are held to the scenario's risk as its commands are; on a disposable one
    Given may break what it likes.
    """

    def ordinary() -> dict[str, str]:
        return without_unnamed({**target.environment(), **variables}, proof.settings.only_where_named)

    if target.facts.disposable:
        return ordinary
    held = restraint.hold
    return lambda: Variables(target.name, held(ordinary()).environment)


@pytest.fixture
def workspace(proof: Any) -> Generator[Path, None, None]:
    """A private empty folder: where the commands of a scenario run and leave their files."""
    with scenario_folder(proof.settings.work_dir, proof.run) as folder:
        yield folder


@pytest.fixture
def results() -> list[Result]:
    """What the commands of this scenario did, in order."""
    return []


@pytest.fixture
def pasted(request: pytest.FixtureRequest, workspace: Path) -> Generator[Pasted | None, None, None]:
    """The shells that this scenario's blocks are pasted into; None when each block gets one of its own."""
    shell = request.config.getoption("--pasted")
    session = Pasted(shell, workspace) if shell else None
    yield session
    if session:
        session.close()


@pytest.fixture
def execute(
    *,
    request: pytest.FixtureRequest,
    proof: Any,
    target: Target,
    variables: dict[str, str],
    restraint: Restraint,
    workspace: Path,
    pasted: Pasted | None,
    results: list[Result],
) -> Callable[..., Result]:
    """Runs a command on the target, held to its procedure's risk, and records it; its exit code is not judged here.

    `undo=True` is said of one that belongs to no step: what it did stands apart in the journal.
    Raises RiskExceeded when it tried more than the risk permits, whatever it made of the refusal.
    """
    # who started this run consented to what its procedures may change, so a command's own question is answered
    procedure = procedure_of(request.node)
    asked_already = {CONFIRMED: target.name} if procedure and procedure.risk is not Risk.READONLY else {}

    def run(command: Command, *, undo: bool = False) -> Result:
        given = {**asked_already, **target.environment(), **variables}
        real = without_unnamed(given, proof.settings.only_where_named, command)
        if not target.facts.disposable and (unset := unset_variables(command, real)):
            raise NotRunnableHere(f"{target.name} sets no {', '.join(unset)}, and “{command.purpose}” needs it")
        if not target.facts.disposable and (missing := what_is_missing(command, proof.contract, real)):
            raise NotRunnableHere(missing)
        held = restraint.hold(real, workspace)
        tell = proof.guide.output if proof.guide else None
        if proof.guide and not undo:
            proof.recorder.command_begins()
        if pasted:
            result = pasted.run(command, held.environment, prefix=held.prefix, on_output=tell)
        else:
            result = run_command(command, held.environment, workspace, prefix=held.prefix, on_output=tell)
        if undo:
            proof.recorder.undo_finished(result)
        else:
            proof.recorder.command_finished(result)
        results.append(result)
        proof.end_undos_behind(result)
        if not target.facts.disposable and (tool := missing_tool(result)):
            raise NotRunnableHere(f"{tool} is not on this machine, and “{command.purpose}” needs it")
        restraint.judge(command, result)
        if not target.facts.disposable and result.exit_code:
            from runbook_steps.engine.run.probes import what_differs  # noqa: PLC0415 - clients, only where one failed

            if differs := what_differs(command, proof.contract, held.environment):
                raise NotRunnableHere(differs)
        return result

    return run


@pytest.fixture
def keep_ready(
    proof: Any, target: Target, variables: dict[str, str], execute: Callable[..., Result]
) -> Generator[Callable[[Command], None], None, None]:
    """Writes an undo down before the change; carries it out, the last first, when the scenario does not pass."""
    kept: list[Undo] = proof.undos
    kept.clear()

    def keep(command: Command) -> None:
        kept.append(record_undo(proof.undo_folder, proof.current_scenario, command, variables))
        proof.recorder.event("undo recorded", purpose=command.purpose)

    yield keep
    if proof.passed and not (proof.guide and proof.recorder.left_open):
        proof.end_undos()
        return
    wanted = proof.guide.undo_wanted(kept) if proof.guide and kept else UndoWish.NOW
    if wanted is not UndoWish.NOW:
        for undo in reversed(kept):
            if wanted is UndoWish.POINTLESS:
                undo.forget()  # before it is written: also on a full disk nobody undoes what never began
            proof.recorder.event(wanted, purpose=undo.command.purpose)
            if wanted is UndoWish.NEVER:
                undo.forget()
        return
    done = [undo.carry_out(lambda command, _: execute(command, undo=True)) for undo in reversed(kept)]
    problems = [said for each in done if (said := proof.tell_undone(each))]
    # after a Ctrl-C nobody is left who would take the error; a person reads it once, in the notices
    if problems and proof.recorder.is_open and not proof.guide:
        raise FaultError(f"{target.name} is not as it was: {'; '.join(problems)}")


@pytest.fixture
def planned_command(proof: Any) -> Callable[[], Command]:
    """Gives the command that the plan has for the step that runs."""

    def command() -> Command:
        found: Command | None = proof.planned.commands.get(proof.recorder.current_step)
        if found is None:
            raise CommandFailed("this step holds no command")
        return found

    return command


@pytest.fixture
def leave_to_a_person(proof: Any) -> Callable[[], None]:
    """Marks the step that runs as one that no machine verified."""
    mark: Callable[[], None] = proof.recorder.manual_step
    return mark


@pytest.fixture
def cannot_be_seen(proof: Any) -> Callable[[str], None]:
    """Says why what the step that runs asks for cannot be seen on this target: the step proves nothing, and goes on."""

    def say(why: str) -> None:
        proof.recorder.note(why)
        proof.recorder.step_finished(Outcome.NOT_RUNNABLE)

    return say


@pytest.fixture
def note(proof: Any) -> Callable[[str], None]:
    """Adds a remark to the step that runs: a reading that a reader of the evidence wants to see."""
    told: Callable[[str], None] = proof.recorder.note
    return told


@pytest.fixture
def situation(proof: Any, target: Target) -> Generator[Situation, None, None]:
    """Keeps the faults of the scenario and undoes them afterwards."""
    kept = (proof.situations or Situation)(disposable=target.facts.disposable, tell=proof.recorder.event)
    yield kept
    kept.undo()
