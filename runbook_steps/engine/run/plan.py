"""Model + target facts → what will run, or a refusal with its reason. Pure: it looks at nothing."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from runbook_steps.engine.model import COUNTER_EXAMPLE, Command, Outcome, Procedure, Risk, Runbook, TargetFacts

__all__ = ["RunPlan", "has_no_undo", "parts_needed", "plan", "points_of_no_return", "unset_variables"]


_USED = re.compile(
    r"""\$([A-Z][A-Z0-9_]{2,})(?![A-Z0-9_])|\$\{([A-Z][A-Z0-9_]{2,})(?=\}|:?\?|[#%/^,@\[]|:[ 0-9])"""
    r"""|os\.environ\[["']([A-Z][A-Z0-9_]+)["']\]"""
)
_SET_HERE = re.compile(r"(?:\bread(?: -\w+)*|\bfor) ([A-Z][A-Z0-9_]+)|(?<![A-Z0-9_$])([A-Z][A-Z0-9_]+)=")
_SHELLS_OWN = frozenset({"BASHPID", "EUID", "HOSTNAME", "LINENO", "OLDPWD", "PPID", "PWD", "RANDOM", "SECONDS", "UID"})


@dataclass(frozen=True)
class RunPlan:
    """What will run: these commands and no others, a row's cells in their places; each with its limit.

    `commands` are by the number of their step, counted from 0; those with `undo` run only when it stops half-way.
    `refusal` is None when it will run, else the outcome to record, with `reason`. `looks` says that its situation can
    be looked at all the same: it is refused only because it would change a live target.
    """

    commands: Mapping[int, Command]
    parts: tuple[str, ...]
    refusal: Outcome | None = None
    reason: str = ""
    looks: bool = False


def plan(
    procedure: Procedure,
    facts: TargetFacts,
    *,
    usual_parts: Sequence[str] = (),
    attended: bool = False,
    tags_decide: bool = True,
) -> RunPlan:
    """What running the procedure on that target means, or why it will not be run.

    `usual_parts` are what a procedure without a `@needs_` tag needs.
    `attended`: a person is asked before every command, and may make a change that has no undo.
    `tags_decide`: a part that a tag names and the target has not refuses the whole; else each command says what it
    needs.
    """
    parts = parts_needed(procedure, usual_parts)
    refusal, reason = _never(procedure, facts, parts if tags_decide else ())
    looks = False
    if refusal is None:
        refusal, reason = _refusal(procedure, facts, attended=attended)
        looks = refusal is not None and not facts.disposable and not attended
    commands = {number: step.command for number, step in enumerate(procedure.steps) if step.command}
    return RunPlan(commands, parts, refusal, reason, looks=looks)


def parts_needed(procedure: Procedure, usual_parts: Sequence[str] = ()) -> tuple[str, ...]:
    """The parts to start: those of its `@needs_` tags, the usual ones when it has none."""
    return procedure.tagged("needs_") or tuple(usual_parts)


def has_no_undo(procedure: Procedure) -> bool:
    """Whether its first change is its point of no return: it changes something, and keeps no undo ready."""
    changes = any(not command.undo and not command.may_fail for command in procedure.commands)
    return procedure.risk is not Risk.READONLY and changes and not _keeps_an_undo(procedure)


def points_of_no_return(runbooks: Iterable[Runbook]) -> tuple[tuple[Runbook, Procedure], ...]:
    """Every procedure that changes something and keeps no undo ready, in the order of the files."""
    return tuple((runbook, each) for runbook in runbooks for each in runbook.procedures if has_no_undo(each))


def _keeps_an_undo(procedure: Procedure) -> bool:
    return any(command.undo for command in procedure.commands)


def _never(procedure: Procedure, facts: TargetFacts, parts: Sequence[str]) -> tuple[Outcome | None, str]:
    """Why it cannot be run there at all."""
    if COUNTER_EXAMPLE in procedure.tags and not facts.disposable:
        return Outcome.NOT_RUNNABLE, f"it shows what must not be done, and {facts.name} is live"
    missing = [tool for tool in procedure.tagged("requires_") if tool not in facts.tools]
    if missing:
        return Outcome.NOT_RUNNABLE, f"{', '.join(missing)} not found on the PATH of {facts.name}"
    absent = [part for part in parts if facts.parts is not None and part not in facts.parts]
    if absent:
        return Outcome.NOT_RUNNABLE, f"{facts.name} has no {', '.join(absent)} configured"
    return None, ""


def _refusal(procedure: Procedure, facts: TargetFacts, *, attended: bool) -> tuple[Outcome | None, str]:
    if procedure.risk.rank > facts.allowed.rank:
        return Outcome.NOT_RUNNABLE, (
            f"its risk is {procedure.risk}, and {facts.name} allows {facts.allowed}: "
            f"--allow {procedure.risk} would permit it"
        )
    changes = not facts.disposable and procedure.risk is not Risk.READONLY
    if changes and not attended and not _keeps_an_undo(procedure):
        return Outcome.NOT_RUNNABLE, (
            f"{facts.name} is live, and this change has no undo: a step `When I get ready to …:` before it keeps one"
        )
    return None, ""


def unset_variables(command: Command, environment: Container[str]) -> tuple[str, ...]:
    """The variables that a command reads, does not set itself, gives no default for, and does not get."""
    if command.media_type != "bash":
        return ()
    used = dict.fromkeys("".join(found) for found in _USED.findall(command.text))
    own = _SHELLS_OWN.union(*_SET_HERE.findall(command.text))
    return tuple(name for name in used if name not in environment and name not in own)
