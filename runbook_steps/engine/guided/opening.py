"""How a guided run opens: which procedure it is, what is known of it, and who is there."""

from __future__ import annotations

import getpass

from runbook_steps.engine.errors import RefusedError
from runbook_steps.engine.guided.brief import NO_UNDO, Brief, shows_a_refusal, situation
from runbook_steps.engine.guided.screen import Screen
from runbook_steps.engine.model import Procedure, Risk, Runbook
from runbook_steps.engine.run.plan import has_no_undo

__all__ = ["chosen", "introduce"]


def chosen(screen: Screen, runbook: Runbook) -> Procedure:
    """The scenario that a person picks from the list."""
    screen.say(f"{runbook.front_matter.title if runbook.front_matter else runbook.name}: which procedure?", "bold")
    listed = sorted(runbook.procedures, key=shows_a_refusal)
    numbers = [str(number) for number in range(1, len(listed) + 1)]
    first = next(filter(shows_a_refusal, listed), None)
    for number, procedure in zip(numbers, listed, strict=True):
        if procedure is first:
            screen.say("Only to see that it is refused, no remedy:", "dim")
        undo = ", no undo" if has_no_undo(procedure) else ""
        screen.say(f"  {number:>2}  {procedure.name}  ({procedure.risk}{undo})")
    if len(numbers) == 1:
        return listed[0]
    try:
        answer = screen.ask("Number, or [q]uit:", (*numbers, "q"))
    except EOFError:
        answer = "q"
    if answer == "q":
        raise RefusedError("nothing was chosen")
    return listed[int(answer) - 1]


def introduce(screen: Screen, brief: Brief, who: str) -> None:
    """Target, risk, undo, time and situation, before anything is looked at."""
    procedure, target = brief.procedure, brief.target
    style = "bold white on red" if target.name == "production" else "bold yellow" if brief.live else "bold green"
    screen.say(f"{brief.title}: {procedure.name}", "bold underline")
    what = "live: people use it" if brief.live else "practice: started for you, broken on purpose, removed afterwards"
    screen.say(f"Target    {target.name.upper() if target.name == 'production' else target.name} ({what})", style)
    risk_style = {Risk.READONLY: "green", Risk.MUTATING: "yellow", Risk.DESTRUCTIVE: "bold red"}[procedure.risk]
    screen.say(f"Risk      {procedure.risk}" + (f"; {NO_UNDO}" if brief.has_no_undo else ""), risk_style)
    for purpose in brief.undos:
        screen.say(f"Undo      {purpose}")
    if brief.second_person:
        screen.say("Approval  a second person's, by name, for each command that may lose data")
    if brief.minutes:
        screen.say(f"Time      about {brief.minutes} minutes for the whole runbook")
    for text in situation(procedure):
        screen.say(f"Use when  {text}")
    if who:
        screen.say(f"You are   {who} (--as says another role)" if who == getpass.getuser() else f"You are   {who}")
    if brief.runbook.page_path:
        screen.say(f"Page      {brief.runbook.page_path}")
