"""A value that a step takes from an answer: shown with those beside it, and the person decides which it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from runbook_steps.engine.errors import CheckFailed
from runbook_steps.engine.guided.desk import Desk
from runbook_steps.engine.model import Result, Step
from runbook_steps.engine.proof.evidence_file import now
from runbook_steps.engine.pytest_side.command_steps import answer_of, as_the_answer_has_it, value_at
from runbook_steps.engine.run.reads import only_reads
from runbook_steps.engine.sources.parameters import TAKES, variables_of

__all__ = ["choose", "takes"]

_PLACE = re.compile(r"\[\d+\]")
_WIDEST = 160
_NOTED = re.compile(r"(?P<name>[A-Z][A-Z0-9_]*) is “(?P<value>.*)”, as ")


def takes(step: Step) -> re.Match[str] | None:
    """The step's path and name, None for another step."""
    return re.fullmatch(TAKES, step.text)


def choose(desk: Desk, step: Step, values: Mapping[str, Any], found: CheckFailed | None) -> None:
    """Shows what was taken, and asks where a command that may change something uses it.

    `found` is why the answer has no value: then the person gives one. Sets the variable of the scenario.
    """
    taken = takes(step)
    assert taken is not None  # noqa: S101 - the caller asked `takes`
    name, path = taken["name"], taken["path"]
    variables: dict[str, str] = values["variables"]
    beside = {} if found else _alternatives(values["last_result"], path)
    before = _chosen_before(desk, name)
    if found:
        desk.screen.say(f"  the answer has no {path}: {found}", "yellow")
        variables.pop(name, None)
    if before is not None:
        variables[name] = before
    _show(desk, name, variables.get(name), beside)
    if name in variables and not _acts(desk, name):
        return
    said = _asked(desk, name, variables.get(name), list(beside))
    if said != variables.get(name):
        variables[name] = said
        desk.screen.say(f"  {name} = {said}", "bold")
    desk.proof.recorder.note(f"{name} is “{said}”, as {desk.who} decided at {now()}")


def _alternatives(result: Result, path: str) -> dict[str, str]:
    """What stands at the same path in the other entries of the answer's list → the entry, on one line."""
    place = _PLACE.search(path)
    if place is None:
        return {}
    before, behind = path[: place.start()], path[place.end() :].removeprefix(".")
    answer = answer_of(result)
    entries = value_at(answer, before) if before else answer
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        try:
            value = as_the_answer_has_it(value_at(entry, behind) if behind else entry)
        except CheckFailed:
            continue
        found[value] = json.dumps(entry, ensure_ascii=False)[:_WIDEST]
    return found


def _chosen_before(desk: Desk, name: str) -> str | None:
    """What a run that is resumed had decided here."""
    if desk.past is None:
        return None
    notes = desk.past.notes(desk.number)
    return next((found["value"] for note in notes if (found := _NOTED.match(note)) and found["name"] == name), None)


def _show(desk: Desk, name: str, value: str | None, beside: Mapping[str, str]) -> None:
    if value is not None:
        desk.screen.say(f"  {name} = {value}", "bold")
    for number, (each, entry) in enumerate(beside.items(), 1):
        desk.screen.say(f"  {'→' if each == value else ' '} {number:>2}  {entry}", "dim")


def _acts(desk: Desk, name: str) -> bool:
    """Whether a command that may change something reads the variable."""
    commands = [step.command for step in desk.brief.procedure.steps[desk.number :] if step.command]
    return any(name in variables_of(each) and not only_reads(each, desk.brief.readers) for each in commands)


def _asked(desk: Desk, name: str, value: str | None, beside: list[str]) -> str:
    keep = f"Enter takes {value}; " if value is not None else ""
    pick = "a number another of the list; " if len(beside) > 1 else ""
    while True:
        said = desk.screen.read(f"  {name}: {keep}{pick}= and a value sets it; [q] stop:")
        if said.casefold() == "q":
            raise desk.stopped()
        if not said and value is not None:
            return value
        if said.isdecimal() and 1 <= int(said) <= len(beside):
            return beside[int(said) - 1]
        if said.startswith("=") and said[1:].strip():
            return said[1:].strip()
        desk.screen.say("  Enter, a number of the list, or = and the value", "dim")
