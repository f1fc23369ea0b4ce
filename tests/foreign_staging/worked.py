"""A guided run on a staging, by a person who answers every question as somebody does who wants to see it through."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.person import Person
from tests.foreign_staging.staging import ForeignStaging

__all__ = ["SECOND", "Hand", "Turn", "Worked", "project_beside", "work"]

ROOT = Path(__file__).parents[2]
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))
LIMIT_S = 240.0
SECOND = "Security Lead"
CANNOT = "it cannot be run here"
_LINKED = ("features", "docs", "runbook_steps", "mkdocs.yml", "pyproject.toml", "requirements.lock")
_QUESTION = re.compile(
    r"(?P<red>Go on\? \[y/N\][^\n]*:)|(?P<unseen>Go on anyway\? [^\n]*:)|(?P<name>Type staging to run it[^\n]*:)"
    r"|(?P<here>\[h\] by hand(?![^\n]*Enter ends)[^\n]*:)|(?P<what>What did you do\?[^\n]*)|(?P<done>Done\? [^\n]*:)"
    r"|(?P<keep>= and a value sets it; \[q\] stop:)|(?P<ends>\(Enter ends it as failed\)[^\n]*:)"
    r"|(?P<undo>Undo it now\?[^\n]*:)|(?P<second>Their name, q to stop:)|(?P<noted>What is to be noted\?)"
    r"|(?P<why>Why is it skipped\?)|(?P<line>^  >)|(?P<sure>Run this\? [^\n]*:)",
    re.MULTILINE,
)
_PLACE = re.compile(r"^\[\d+/\d+\] ", re.MULTILINE)
Hand = Callable[[ForeignStaging], object]


@dataclass(frozen=True)
class Turn:
    """At the prompt of the command in which `words` stand: what is answered there, and to what is asked behind it.

    `hand` is what happens just before.
    """

    words: str
    answers: tuple[str, ...]
    hand: Hand | None = None


@dataclass(frozen=True)
class Worked:
    """How it ended: the exit code, what the person saw, the scenario's record in the journal, and the report."""

    exit_code: int
    seen: str
    steps: Mapping[str, str]
    outcome: str
    reason: str
    scenario: str = ""
    report: str = ""


def project_beside(folder: Path, *, second_person: bool = False) -> Path:
    """The project by links: its journals, undos and evidence are the test's own. It may ask for a second person."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
    if second_person:
        (folder / "pyproject.toml").unlink()
        text = (ROOT / "pyproject.toml").read_text("utf-8")
        asks = text.replace("[tool.runbooks]\n", '[tool.runbooks]\nsecond_person = ["staging"]\n')
        (folder / "pyproject.toml").write_text(asks, "utf-8")
    return folder


def work(
    root: Path,
    variables: Mapping[str, str],
    runbook: str,
    scenario: str,
    *,
    allow: str,
    by_hand: Mapping[str, Callable[[], object]] | None = None,
    unseen: str = "n",
    turns: Sequence[tuple[str, Sequence[str], Callable[[], object]]] = (),
    mend: Callable[[], object] | None = None,
) -> Worked:
    """Works on it. `by_hand`: words of a command that the person does another way, and how.

    `unseen` is what is answered where the situation was not seen. `turns` are words of a command, what is answered at
    its prompt and behind it, and what happens just before; `mend` is done before a command is tried again.
    """
    answers = {
        "keep": "",
        "ends": "",
        "red": "y",
        "unseen": unseen,
        "name": "staging",
        "done": "y",
        "undo": "y",
        "what": "as its page says",
        "sure": "y",
        "second": SECOND,
    }
    ahead, behind = list(turns), list[str]()
    arguments = ["run", runbook, "--scenario", scenario, "--target", "staging", "--allow", allow]
    more = [] if allow == "readonly" else ["--confirm", "staging"]
    environment = {**os.environ, **variables}
    read, shown, before = 0, 0, ""
    with Person([RUNBOOKS, *arguments, *more], environment, root) as person:
        end = time.monotonic() + LIMIT_S
        while person.process.poll() is None:
            assert time.monotonic() < end, f"it does not end:\n{person.seen}"
            asked = _QUESTION.search(person.seen, read)
            if asked is None:
                time.sleep(0.05)
                continue
            read = asked.end()
            kind = str(asked.lastgroup)
            command = person.seen[shown : asked.start()]
            if kind == "here":
                shown = read
                if CANNOT in command:  # the command itself was shown before the question that was asked first
                    hands = [do for words, do in (by_hand or {}).items() if words in before]
                    assert hands, f"nobody knows how to do this by hand:\n{before}\n{command}"
                    for do in hands:
                        do()
                turn = next((each for each in ahead if each[0] in _PLACE.split(command)[-1]), None)
                if turn is not None:
                    ahead.remove(turn)
                    turn[2]()
                    behind = list(turn[1])
                person.types(behind.pop(0) if behind else "h" if CANNOT in command else "r")
                before = command if _PLACE.search(command) else before
            elif kind == "ends" and "[t] try again" in command.rpartition("\n")[2] and mend is not None:
                mend()
                person.types("t")
            elif kind == "name":
                person.types(answers[kind])
            else:
                person.types(behind.pop(0) if behind else answers[kind])
        assert not ahead, f"never asked for: {ahead}"
        code = person.ends()
        return _recorded(root, code, person.seen)


def _recorded(root: Path, code: int, seen: str) -> Worked:
    journals = sorted((root / "build" / "journal").glob("*.jsonl"), key=lambda file: file.stat().st_mtime_ns)
    events: list[dict[str, Any]] = (
        [json.loads(line) for line in journals[-1].read_text("utf-8").splitlines()] if journals else []
    )
    ended = [event["record"] for event in events if event["event"] == "scenario finished"]
    last: dict[str, Any] = ended[-1] if ended else {}
    steps = {step["text"]: str(step["outcome"]) for step in last.get("steps", ())}
    report = journals[-1].with_suffix(".md") if journals else root / "none"
    told = report.read_text("utf-8") if report.exists() else ""
    return Worked(
        code,
        seen,
        steps,
        str(last.get("outcome", "")),
        str(last.get("reason", "")),
        str(last.get("scenario", "")),
        told,
    )
