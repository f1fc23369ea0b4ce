"""Model + target facts → what will run, or a refusal with its reason. Pure: it looks at nothing."""

from __future__ import annotations

from dataclasses import dataclass

from runbook_steps.model import Command, Outcome, Procedure, TargetFacts

__all__ = ["PARTS", "Plan", "parts_needed", "plan"]

PARTS = ("postgres", "redis", "third_parties", "api", "nginx", "aws")
"""The parts of a target that a scenario needs when no `@needs_` tag says less."""


@dataclass(frozen=True)
class Plan:
    """What will run. `refusal` is None when it will, else the outcome to record, with `reason`."""

    procedure: Procedure
    commands: tuple[Command, ...]
    parts: tuple[str, ...]
    refusal: Outcome | None = None
    reason: str = ""


def plan(procedure: Procedure, facts: TargetFacts) -> Plan:
    """What running the procedure on that target means, or why it will not be run."""
    refusal, reason = _refusal(procedure, facts)
    return Plan(procedure, procedure.commands, parts_needed(procedure), refusal, reason)


def parts_needed(procedure: Procedure) -> tuple[str, ...]:
    """The parts to start: those of its `@needs_` tags, all of PARTS when it has none."""
    return procedure.tagged("needs_") or PARTS


def _refusal(procedure: Procedure, facts: TargetFacts) -> tuple[Outcome | None, str]:
    missing = [tool for tool in procedure.tagged("requires_") if tool not in facts.tools]
    if missing:
        return Outcome.NOT_RUNNABLE, f"{', '.join(missing)} not found on the PATH of {facts.name}"
    if procedure.risk.rank > facts.allowed.rank:
        return Outcome.NOT_RUNNABLE, (
            f"its risk is {procedure.risk}, and {facts.name} allows {facts.allowed}: "
            f"--allow {procedure.risk} would permit it"
        )
    return None, ""
