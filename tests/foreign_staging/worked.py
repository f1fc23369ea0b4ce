"""A guided run on a staging, by a person who answers every question as somebody does who wants to see it through."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.person import Person

__all__ = ["Worked", "project_beside", "work"]

ROOT = Path(__file__).parents[2]
RUNBOOKS = str(Path(sys.executable).with_name("runbooks"))
LIMIT_S = 240.0
CANNOT = "it cannot be run here"
_LINKED = ("features", "docs", "runbook_steps", "mkdocs.yml", "pyproject.toml", "requirements.lock")
_QUESTION = re.compile(
    r"(?P<red>Go on\? \[y/N\][^\n]*:)|(?P<unseen>Go on anyway\? [^\n]*:)|(?P<name>Type staging to run it[^\n]*:)"
    r"|(?P<here>\[h\] by hand(?![^\n]*Enter ends)[^\n]*:)|(?P<what>What did you do\?[^\n]*)|(?P<done>Done\? [^\n]*:)"
    r"|(?P<keep>= and a value sets it; \[q\] stop:)|(?P<ends>\(Enter ends it as failed\)[^\n]*:)"
    r"|(?P<undo>Undo it now\?[^\n]*:)"
)


@dataclass(frozen=True)
class Worked:
    """How it ended: the exit code, what the person saw, and the scenario's record as it is in the journal."""

    exit_code: int
    seen: str
    steps: Mapping[str, str]
    outcome: str
    reason: str


def project_beside(folder: Path) -> Path:
    """The project by links: its journals, undos and evidence are the test's own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _LINKED:
        (folder / name).symlink_to(ROOT / name)
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
) -> Worked:
    """Works on it. `by_hand`: words of a command that the person does another way, and how.

    `unseen` is what is answered where the situation was not seen.
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
    }
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
                person.types("h" if CANNOT in command else "r")
                before = command
            else:
                person.types(answers[kind])
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
    return Worked(code, seen, steps, str(last.get("outcome", "")), str(last.get("reason", "")))
