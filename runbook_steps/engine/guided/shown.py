"""What a person asks to see of a command: where it stands, what it may do, and what it printed before."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.engine.guided.brief import NO_UNDO
from runbook_steps.engine.guided.desk import Desk
from runbook_steps.engine.model import Command, Risk, Role, StepRecord

__all__ = ["RISKS", "show_more", "show_past"]

RISKS: Mapping[Risk, tuple[str, str]] = {
    Risk.READONLY: ("only reads", "green"),
    Risk.MUTATING: ("may change something", "yellow"),
    Risk.DESTRUCTIVE: ("may lose data or interrupt service", "bold red"),
}
"""What a command may do, in words, and their style."""
_SHOWN = 10  # lines of each stream


def show_more(desk: Desk, command: Command) -> None:
    """Everything about the command that is open, and what comes behind it."""
    brief, screen = desk.brief, desk.screen
    screen.say(f"  {command.position}, {command.media_type}, at most {command.timeout_s:g} s", "dim")
    screen.say(f"  this command {RISKS[desk.risk_of(command)][0]}; its procedure: {brief.procedure.risk}")
    if brief.has_no_undo:
        screen.say(f"  {NO_UNDO}")
    if brief.procedure.description:
        screen.say(f"  {brief.procedure.description}")
    for text in brief.warnings:
        screen.say(f"  ▲ {text}", "yellow")
    _show_recorded(desk)
    for each in brief.procedure.steps[desk.number + 1 :]:
        screen.say(f"  then: {each.keyword} {each.text.removesuffix(':')}", "dim")


def _show_recorded(desk: Desk) -> None:
    """What it printed when it last ran for a proof, to compare with."""
    last = desk.brief.recorded
    if last is None or desk.number >= len(last.steps):
        desk.screen.say("  No proof of this text is at hand.", "dim")
        return
    step = last.steps[desk.number]
    desk.screen.say(f"  It printed on {last.target}, {last.started[:16]}Z, exit code {step.exit_code}:", "dim")
    _show_printed(desk, step)


def _show_printed(desk: Desk, step: StepRecord) -> None:
    for line in [*step.stdout.splitlines()[-_SHOWN:], *step.stderr.splitlines()[-_SHOWN:]]:
        desk.screen.say(f"    │ {line}", "dim")


def show_past(desk: Desk, past: StepRecord) -> None:
    """What a command that began before printed then, and what must be true when it has done its work."""
    _show_printed(desk, past)
    desk.screen.say("  It has done its work when:")
    for check in desk.brief.procedure.steps[desk.number + 1 :]:
        if check.role is Role.THEN:
            desk.screen.say(f"    {check.text}")
