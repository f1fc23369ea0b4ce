"""What a person sees of a procedure before it runs, and where to look when it fails. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.guided.advice import warnings_before, way_back, without_markup
from runbook_steps.engine.model import Procedure, Risk, Role, Runbook, ScenarioRecord, Step, TargetFacts
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.proof.standing import shown_record
from runbook_steps.engine.run.plan import has_no_undo, plan
from runbook_steps.engine.run.reads import only_reads
from runbook_steps.engine.sources.contract_file import load_contract
from runbook_steps.engine.sources.page_head import suggestion
from runbook_steps.engine.sources.people_and_levels import Contact

__all__ = [
    "NO_UNDO",
    "Brief",
    "as_lines",
    "as_row",
    "make_brief",
    "named_procedure",
    "shows_a_refusal",
    "situation",
]

_REFUSED = re.compile(r"it (?:is refused|ends) with exit code 3\b")
NO_UNDO = "it has no undo: its first change is the point of no return"


@dataclass(frozen=True)
class Brief:
    """Everything that is said about one procedure on one target. `refusal` is empty when it may run.

    `second_person`: somebody else approves each command that may lose data.
    """

    runbook: Runbook
    procedure: Procedure
    target: TargetFacts
    minutes: int
    refusal: str
    rollback: str = ""
    escalation: str = ""
    contact: Contact | None = None
    readers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    recorded: ScenarioRecord | None = None
    second_person: bool = False
    contacts: Mapping[str, Contact] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The page's title, or the feature's."""
        front = self.runbook.front_matter
        return front.title if front else self.runbook.name

    @property
    def live(self) -> bool:
        """Whether people use the target."""
        return not self.target.disposable

    @property
    def undos(self) -> tuple[str, ...]:
        """What is kept ready, in words."""
        return tuple(command.purpose for command in self.procedure.commands if command.undo)

    @property
    def has_no_undo(self) -> bool:
        """Whether nothing takes its changes back."""
        return has_no_undo(self.procedure)

    @property
    def needs_the_name(self) -> bool:
        """Whether the target's name is typed before each command: the change may not be taken back."""
        risk = self.procedure.risk
        return risk is Risk.DESTRUCTIVE or (self.live and risk is not Risk.READONLY and self.has_no_undo)


def named_procedure(runbook: Runbook, name: str) -> Procedure:
    """The scenario of that name, or the only one that holds those words. Raises ConfigurationError."""
    exact = runbook.procedure(name)
    found = [exact] if exact else [p for p in runbook.procedures if name.casefold() in p.name.casefold()]
    if len(found) != 1:
        names = [p.name for p in found or runbook.procedures]
        hint = suggestion(name, names) if not found else ""
        listed = "".join(f"\n  {each}" for each in names)
        raise ConfigurationError(f"{runbook.stem} has {len(found) or 'no'} scenarios {name!r}{hint}:{listed}")
    return found[0]


def make_brief(project: Project, runbook: Runbook, procedure: Procedure, target: TargetFacts) -> Brief:
    """The brief, for a person who will be asked before every command."""
    page, front = project.page(runbook.stem), runbook.front_matter
    texts = {s.title: without_markup(s.text) for s in page.sections} if page else {}
    return Brief(
        runbook=runbook,
        procedure=procedure,
        target=target,
        minutes=front.expected_minutes if front else 0,
        refusal=plan(
            procedure,
            target,
            usual_parts=project.settings.usual_parts,
            attended=True,
            tags_decide=target.disposable or not load_contract(project.root).interfaces,
        ).reason,
        rollback=way_back(page, runbook),
        escalation=texts.get("Escalation", ""),
        contact=project.contacts.get(front.owner) if front else None,
        readers=project.settings.reads,
        warnings=warnings_before(page, procedure.name),
        recorded=_recorded(project, runbook, procedure),
        second_person=procedure.risk is Risk.DESTRUCTIVE and target.name in project.settings.second_person,
        contacts=project.contacts,
    )


def _recorded(project: Project, runbook: Runbook, procedure: Procedure) -> ScenarioRecord | None:
    """What the last run of this very text printed, None when nothing did."""
    found = shown_record(procedure, runbook.feature_path, project.evidence)
    return found if found and found.text_hash == procedure.text_hash else None


def as_row(brief: Brief) -> dict[str, object]:
    """For a machine."""
    return {
        "runbook": brief.runbook.stem,
        "title": brief.title,
        "scenario": brief.procedure.name,
        "risk": str(brief.procedure.risk),
        "target": brief.target.name,
        "live": brief.live,
        "expected_minutes": brief.minutes,
        "undo": list(brief.undos),
        "point_of_no_return": brief.has_no_undo,
        "second_person": brief.second_person,
        "refused": brief.refusal or None,
        "warnings": list(brief.warnings),
        "steps": [_step_row(brief, step) for step in brief.procedure.steps],
    }


def as_lines(brief: Brief) -> Iterator[str]:
    """For a person: every step with its exact command."""
    for number, step in enumerate(brief.procedure.steps, 1):
        yield f"{number}. {step.keyword} {step.text}" + (" (a person does it)" if step.manual else "")
        if step.command:
            kept = "kept ready, runs only when this stops half-way" if step.command.undo else "runs"
            yield f"   {step.command.media_type}, {kept}, at most {step.command.timeout_s:g} s:"
            yield from (f"    {line}" for line in step.command.text.splitlines())
        yield from (f"    | {' | '.join(row)} |" for row in step.table)
    if brief.refusal:
        yield f"It would be refused: {brief.refusal}"


def _step_row(brief: Brief, step: Step) -> dict[str, object]:
    row: dict[str, object] = {"role": str(step.role), "text": step.text, "line": step.position.line}
    if step.manual:
        row["manual"] = True
    if step.command:
        row |= {"command": step.command.text, "media_type": step.command.media_type, "undo": step.command.undo}
        row["timeout_s"] = step.command.timeout_s
        reads = only_reads(step.command, brief.readers)
        row["risk"] = str(Risk.READONLY if reads else brief.procedure.risk)
    return row


def shows_a_refusal(procedure: Procedure) -> bool:
    """Whether it remedies nothing: it ends where something is refused, as a proof that it is."""
    refused = [n for n, step in enumerate(procedure.steps) if step.role is Role.THEN and _REFUSED.match(step.text)]
    return bool(refused) and all(step.command is None for step in procedure.steps[refused[-1] :])


def situation(procedure: Procedure) -> tuple[str, ...]:
    """The Given steps, in words."""
    return tuple(step.text for step in procedure.steps if step.role is Role.GIVEN and not step.command)
