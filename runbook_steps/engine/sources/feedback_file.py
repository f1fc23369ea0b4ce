"""What people say of runbooks, until somebody has dealt with it: text ↔ values, and the file on the disk.

A remark is bound to the id of its runbook, which outlives every move. What was resolved stays in the file.
It is changed by one program at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from filelock import FileLock

from runbook_steps.engine.errors import ConfigurationError, PageError, Position
from runbook_steps.engine.model import FrontMatter
from runbook_steps.engine.text.atomic_file import write_atomically
from runbook_steps.engine.text.data_file import Entry, read_document
from runbook_steps.engine.text.terminal import printable

__all__ = [
    "FEEDBACK",
    "LONGEST",
    "Remark",
    "Resolution",
    "added",
    "change_feedback",
    "feedback_text",
    "load_feedback",
    "open_on",
    "parse_feedback",
    "resolved",
]

FEEDBACK = "docs/data/feedback.yml"
LONGEST = 2000
"""Characters of a remark: it says what is wrong on a page, and is no report."""
_LOCK = "build/feedback.lock"
_MODE = 0o644  # a file of the project, for everybody who works on it
_HEAD = "# What people said of runbooks. `runbooks feedback add` and `runbooks feedback resolve` write this file.\n"
_KEYS = frozenset({"id", "date", "by", "runbook", "text", "resolved"})
_RESOLVED_KEYS = frozenset({"date", "by", "commit"})


@dataclass(frozen=True)
class Resolution:
    """That a remark was dealt with: the day (ISO 8601, UTC), the role that says so, and the commit that did it."""

    date: str
    by: str
    commit: str


@dataclass(frozen=True)
class Remark:
    """One line that a person said. `runbook` is the id of it, `line` where it stands in the file, 0 before it does."""

    number: int
    date: str
    by: str
    runbook: str
    text: str
    resolved: Resolution | None = None
    line: int = 0


def parse_feedback(text: str, path: str) -> Mapping[int, Remark]:
    """Number → remark, in their order. Raises PageError, with the line, for a file that is not as it should be."""
    found: dict[int, Remark] = {}
    document = read_document(text, path)
    document.only(frozenset({"feedback"}))
    for entry in document.entries("feedback"):
        remark = _remark(entry)
        if remark.number in found:
            first = found[remark.number].line
            raise PageError(
                entry.position, f"the number {remark.number} is taken, by line {first}; give it another one"
            )
        found[remark.number] = remark
    return found


def _remark(entry: Entry) -> Remark:
    entry.only(_KEYS)
    number = entry.values.get("id")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise PageError(entry.position, "needs `id:`, a number from 1")
    end = entry.entry("resolved")
    return Remark(
        number=number,
        date=_day(entry),
        by=one_line(entry.text("by")),
        runbook=one_line(entry.text("runbook")),
        text=one_line(entry.text("text")),
        resolved=_resolution(end) if end else None,
        line=entry.position.line,
    )


def _resolution(entry: Entry) -> Resolution:
    entry.only(_RESOLVED_KEYS)
    return Resolution(_day(entry), one_line(entry.text("by")), one_line(entry.text("commit")))


def _day(entry: Entry) -> str:
    try:
        return dt.date.fromisoformat(entry.text("date", default="")).isoformat()
    except ValueError:
        raise PageError(entry.position, "needs `date:`, like 2026-11-24") from None


def one_line(text: str) -> str:
    """The words as one line, without anything that a terminal obeys or a file cannot hold."""
    return " ".join(printable(text).split())


def added(remarks: Mapping[int, Remark], runbook: str, by: str, text: str, day: dt.date) -> Remark:
    """The next remark; `runbook` is an id. Raises ConfigurationError for a text that says nothing, or too much."""
    said = one_line(text)
    if not said:
        raise ConfigurationError("say what is wrong, in words")
    if len(said) > LONGEST:
        raise ConfigurationError(
            f"{len(said)} characters are too many, at most {LONGEST}: say what is wrong, and where"
        )
    return Remark(max(remarks, default=0) + 1, day.isoformat(), by, runbook, said)


def resolved(remark: Remark, by: str, commit: str, day: dt.date) -> Remark:
    """The remark, dealt with."""
    return replace(remark, resolved=Resolution(day.isoformat(), by, commit))


def open_on(remarks: Iterable[Remark], front: FrontMatter | None) -> tuple[Remark, ...]:
    """The remarks on a runbook that nobody has dealt with; one on a former id is on it too."""
    ids = {front.id, *front.former_ids} if front else set()
    return tuple(remark for remark in remarks if remark.resolved is None and remark.runbook in ids)


def feedback_text(remarks: Iterable[Remark]) -> str:
    """The file. Every text is quoted: whatever it holds, it is a text for YAML."""
    lines = [_HEAD + "feedback:"]
    for each in remarks:
        lines += [
            f"  - id: {each.number}",
            f'    date: "{each.date}"',
            f"    by: {_quoted(each.by)}",
            f"    runbook: {_quoted(each.runbook)}",
            f"    text: {_quoted(each.text)}",
        ]
        if end := each.resolved:
            facts = f'date: "{end.date}", by: {_quoted(end.by)}, commit: {_quoted(end.commit)}'
            lines.append(f"    resolved: {{{facts}}}")
    return "\n".join(lines if len(lines) > 1 else [f"{lines[0]} []"]) + "\n"


def load_feedback(root: Path) -> Mapping[int, Remark]:
    """Number → remark; none when nobody said anything yet. Raises PageError for a file that is not as it should be."""
    try:
        return parse_feedback((root / FEEDBACK).read_text("utf-8"), FEEDBACK)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else error.strerror
        raise PageError(Position(FEEDBACK, 1), f"cannot be read: {reason}") from error


def change_feedback(root: Path, change: Callable[[Mapping[int, Remark]], Remark]) -> Remark:
    """Adds the remark that `change` makes of what is there, or puts it in the place of its number; gives it back.

    Written whole or not at all. Raises PageError for a file that is broken, ConfigurationError when the disk refuses.
    """
    file, lock = root / FEEDBACK, root / _LOCK
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            found = load_feedback(root)
            made = change(found)
            write_atomically(file, feedback_text({**found, made.number: made}.values()))
            file.chmod(_MODE)
    except OSError as error:
        raise ConfigurationError(f"cannot write {error.filename or file}: {error.strerror}") from error
    return made


def _quoted(text: str) -> str:
    return str(yaml.dump(text, default_style='"', allow_unicode=True, width=float("inf"))).rstrip("\n")
