"""The report of a guided run in Markdown: what was seen, done and skipped, by whom and when, and what stays unproven.

Made of the journal alone, so that a run that was killed has one as well. A run that went on with others tells theirs
first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbook_steps.engine.guided.past import events_of, read_past
from runbook_steps.engine.model import Outcome, Role, ScenarioRecord
from runbook_steps.engine.proof.evidence_file import RAN_BEFORE, SKIPPED
from runbook_steps.engine.run.guide import UndoWish
from runbook_steps.engine.run.recorder import COMMAND_BEGAN

__all__ = ["report_of"]

_SPECIAL = re.compile(r"([\\`*\[\]<>|])")
_SEEN, _DONE, _SKIPPED, _UNDO, _RUN, _BEFORE = "seen", "done", "skipped", "undo", "run", "done before"
_OF_AN_UNDO = {
    "undo recorded": "kept ready: “{purpose}”",
    "undone": "undone: “{purpose}”",
    "undone for a killed run": "undone for a killed run: “{purpose}”",
    UndoWish.LATER: "kept for later: “{purpose}”",
    UndoWish.NEVER: "left to a person: “{purpose}”",
}
_OF_A_RUN = {
    "not in its steady state before": "red before: {checks}",
    "gone on although it is not in its steady state": "went on although it was red",
    "a part does not answer": "not all of it answers: {said}",
    "steady state after": "worse than before: {worse}; still red: {as_before}",
}


@dataclass(frozen=True)
class _Row:
    """One line of the timeline."""

    at: str
    who: str
    kind: str
    text: str


def report_of(path: Path) -> str:
    """Raises JournalError for what is no journal of a guided run."""
    past = read_past(path)
    chain = [path]
    while past.before is not None:
        past = past.before
        chain.insert(0, path.with_name(past.journal))
    rows = [row for each in chain for row in _rows(events_of(each))]
    return "\n".join(_lines(read_past(path).record, chain, rows, events_of(path))) + "\n"


def _lines(record: ScenarioRecord, chain: list[Path], rows: list[_Row], events: list[dict[str, Any]]) -> Iterator[str]:
    people = dict.fromkeys(row.who for row in rows)
    yield f"# {_plain(record.scenario)}: {record.outcome}, on {_plain(record.target)}"
    yield ""
    yield f"- By: {', '.join(map(_plain, people))}"
    yield f"- From {_time(rows[0].at)} to {_time(rows[-1].at)} (UTC)"
    yield f"- Feature: {_plain(record.feature)}, commit {record.commit[:10]}{' with changes' if record.dirty else ''}"
    yield f"- Journals: {', '.join(_plain(each.name) for each in chain)}"
    for title, kind in (("Seen", _SEEN), ("Done", _DONE), ("Skipped", _SKIPPED), ("Undo", _UNDO)):
        found = [f"- {_time(row.at)} {_plain(row.who)}: {_plain(row.text)}" for row in rows if row.kind == kind]
        yield from ("", f"## {title}", "", *(found or ["- Nothing."]))
    yield from ("", "## What stays unproven", "", *(_unproven(record, chain, events) or ["- Nothing."]))
    yield from ("", "## Timeline", "", "| Time (UTC) | Who | | What |", "| --- | --- | --- | --- |")
    for row in rows:
        yield f"| {_time(row.at)} | {_plain(row.who)} | {row.kind} | {_plain(row.text)} |"


def _unproven(record: ScenarioRecord, chain: list[Path], events: list[dict[str, Any]]) -> list[str]:
    found = [
        f"- {_plain(step.text.removesuffix(':'))}: {step.outcome}{_because(step.error or (step.notes or ('',))[-1])}"
        for step in record.steps
        if step.outcome is not Outcome.PASSED
    ]
    if not any(event.get("event") == "scenario finished" for event in events):
        found.append("- The run has no end: it was killed, and what was running then may be half done.")
    if len(chain) > 1:
        found.append("- It was done in several goes, which is no proof of the procedure.")
    kept = _kept(events)
    found += [f"- Still to be undone: {_plain(purpose)}; `runbooks target undos {record.target}`" for purpose in kept]
    worse = [line for event in events if event.get("event") == "steady state after" for line in event["worse"]]
    return found + [f"- Worse than before: {_plain(line)}" for line in worse]


def _kept(events: list[dict[str, Any]]) -> list[str]:
    """The undos that are due: kept for later, failed, or of a run that was killed."""
    due: list[str] = []
    ended = {"undone", UndoWish.NEVER, UndoWish.POINTLESS}
    for event in events:
        name, purpose = str(event.get("event")), str(event.get("purpose"))
        if name == "undo recorded":
            due.append(purpose)
        elif name in ended and purpose in due and not event.get("problem"):
            due.remove(purpose)
        elif name == "scenario finished" and event["record"]["outcome"] in {Outcome.PASSED, Outcome.ATTESTED}:
            due = []
    return due


def _because(why: str) -> str:
    return f" ({_plain(why)})" if why else ""


def _rows(events: list[dict[str, Any]]) -> Iterator[_Row]:
    who, began, running, only_kept = "", "", "", False
    texts: list[str] = []
    for event in events:
        name, at = str(event.get("event")), str(event.get("at", ""))
        if name == "run started":
            guided = event["guided"]
            who = str(guided["by"])
            yield _Row(at, who, _RUN, f"goes on with {guided['resumed']}" if "resumed" in guided else "begins")
        elif name == "scenario started":
            texts = [str(step["text"]).removesuffix(":") for step in event["record"]["steps"]]
        elif name == COMMAND_BEGAN:
            began, running = at, texts[event["step"]]
        elif name == "approved":
            yield _Row(at, str(event["by"]), _DONE, f"approves step {event['step'] + 1}")
        elif name == "step finished":
            if not only_kept or began or event["step"]["notes"] or event["step"]["outcome"] != Outcome.PASSED:
                yield _of_step(event["step"], began or at, at, who)
            began, only_kept = "", False
        elif (told := _of_event(name, event)) is not None:
            only_kept = name == "undo recorded"  # its command waits for a bad end: the step did nothing yet
            yield _Row(at, who, *told)
    if began:
        yield _Row(began, who, _DONE, f"{running}: began, and how it ended is not known")


def _of_event(name: str, event: Mapping[str, Any]) -> tuple[str, str] | None:
    """The kind and the words of what belongs to no step; None for what nobody needs to read."""
    if name in _OF_AN_UNDO:
        problem = f"; {event['problem']}" if event.get("problem") else ""
        return _UNDO, _OF_AN_UNDO[name].format(**event) + problem
    if name in _OF_A_RUN:
        lists = {key: ", ".join(value) or "nothing" for key, value in event.items() if isinstance(value, list)}
        return _RUN, _OF_A_RUN[name].format(**{**event, **lists})
    if name == "scenario finished":
        return _RUN, f"ends: {event['record']['outcome']}"
    return None


def _of_step(step: Mapping[str, Any], began: str, at: str, who: str) -> _Row:
    text, notes = str(step["text"]).removesuffix(":"), [str(note) for note in step["notes"]]
    if skipped := next((note for note in notes if note.startswith(SKIPPED)), ""):
        return _Row(at, who, _SKIPPED, f"{text}; {skipped}")
    if any(note.startswith(RAN_BEFORE) for note in notes):
        return _Row(at, who, _BEFORE, f"{text}: {'; '.join(notes)}")
    told = "; ".join([*notes, *([str(step["error"])] if step["error"] else [])])
    said = f": {told}" if told else ""
    if step["exit_code"] is None and step["role"] != Role.WHEN:
        found = "it is so" if step["outcome"] == Outcome.PASSED else step["outcome"]
        return _Row(at, who, _SEEN, f"{text}: {found}{said}")
    ended = f", exit code {step['exit_code']} after {step['duration_s']:.1f} s" if step["exit_code"] is not None else ""
    return _Row(began, who, _DONE, f"{text}: {step['outcome']}{ended}{said}")


def _time(at: str) -> str:
    return at[:19].replace("T", " ")


def _plain(text: str) -> str:
    """On one line, and no markup whatever is in it."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
