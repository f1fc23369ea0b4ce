"""What a proof is worth: in how many ways its procedure was broken, and which of them turned its scenario red.

One JSON file, `docs/data/worth.json`, kept with the project: a scenario a line, so that two versions can be compared.
A number counts only while its `key` is that of the scenario and its sources now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.model import Procedure, Runbook
from runbook_steps.engine.text.atomic_file import write_atomically

__all__ = [
    "WORTH",
    "Score",
    "Tried",
    "Worth",
    "WorthThen",
    "current_worth",
    "load_worth",
    "score_of",
    "worth_history",
    "worth_key",
    "write_worth",
]

WORTH = "docs/data/worth.json"
_T = TypeVar("_T")
_VERSION = 1
_BROKEN_SINCE = 2  # raised when there are other ways to break a step: then all is tried again


@dataclass(frozen=True)
class Tried:
    """One way that was tried. `step` is the step's number, counted from 0, `line` its line in the feature then.

    `noticed` is False when the scenario stayed green, or hung. `told` is where it turned red, or what happened instead.
    """

    way: Break
    step: int
    line: int
    change: str
    noticed: bool
    told: str

    @property
    def name(self) -> str:
        """As `runbooks prove --only` takes it."""
        return f"{self.way}@{self.line}"


@dataclass(frozen=True)
class Worth:
    """What is known of one scenario. `problem` says why it could not be tried; then nothing was. `seconds` it took.

    `seed` decided where there was a choice.
    """

    id: str
    key: str
    target: str
    at: str
    seconds: float = 0.0
    tried: tuple[Tried, ...] = ()
    problem: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Score:
    """A procedure's ways, put in order. `harmless` are those that its feature declares, each with its sentence.

    `needless` are declarations of what is noticed, or was not tried: they say something that is not so.
    """

    noticed: tuple[Tried, ...] = ()
    harmless: tuple[tuple[Tried, str], ...] = ()
    unnoticed: tuple[Tried, ...] = ()
    needless: tuple[tuple[int, Break], ...] = ()

    @property
    def total(self) -> int:
        """How many ways were tried."""
        return len(self.noticed) + len(self.harmless) + len(self.unnoticed)

    def __add__(self, other: Score) -> Score:
        return Score(
            self.noticed + other.noticed,
            self.harmless + other.harmless,
            self.unnoticed + other.unnoticed,
            self.needless + other.needless,
        )


@dataclass(frozen=True)
class WorthThen:
    """What all of it came to when it was recorded: scenarios and ways that were tried, and the result."""

    at: str
    scenarios: int
    total: int
    noticed: int
    harmless: int


def score_of(worth: Worth, procedure: Procedure) -> Score:
    """What was tried, against what the feature declares now."""
    declared = {(n, way): why for n, step in enumerate(procedure.steps) for way, why in step.harmless}
    missed = {(each.step, each.way) for each in worth.tried if not each.noticed}
    return Score(
        noticed=tuple(each for each in worth.tried if each.noticed),
        harmless=tuple(
            (each, declared[each.step, each.way])
            for each in worth.tried
            if not each.noticed and (each.step, each.way) in declared
        ),
        unnoticed=tuple(each for each in worth.tried if not each.noticed and (each.step, each.way) not in declared),
        needless=tuple(key for key in declared if key not in missed) if not worth.problem else (),
    )


def worth_key(procedure: Procedure, sources: Mapping[str, str], mistaken: Sequence[Sequence[str]] = ()) -> str:
    """SHA-256 of what a number rests on: the scenario's text and its sources; the page about it is none of them.

    `mistaken` are the things that a command may take for another.
    """
    said = [str(_BROKEN_SINCE), procedure.text_hash, procedure.row, repr(mistaken)]
    said += [f"{name}={value}" for name, value in sorted(sources.items()) if not name.endswith(".md")]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def current_worth(
    known: Mapping[str, Worth],
    runbooks: Iterable[Runbook],
    sources: Callable[[Procedure, str], Mapping[str, str]],
    mistaken: Sequence[Sequence[str]],
) -> dict[str, Worth]:
    """Id → what is known as of now: a number from before the scenario's last change counts for nothing, and says so.

    `sources(procedure, stem)` gives what a proof rests on.
    """
    found: dict[str, Worth] = {}
    for runbook in runbooks:
        for procedure in runbook.procedures:
            first = procedure.runs[0]
            worth = known.get(first.id_in(runbook.feature_path))
            if worth is None:
                continue
            if not worth.problem and worth.key != worth_key(first, sources(procedure, runbook.stem), mistaken):
                worth = replace(worth, tried=(), problem="not tried again since it changed")
            found[worth.id] = worth
    return found


def load_worth(path: Path) -> dict[str, Worth]:
    """Id → what is known of it; empty when there is no such file. Raises EvidenceError for one that is no such file."""
    return _loaded(path, lambda document: {entry["id"]: _read(entry) for entry in document["scenarios"]}) or {}


def worth_history(path: Path) -> tuple[WorthThen, ...]:
    """What was recorded, the oldest first; raises as `load_worth` does."""
    return _loaded(path, lambda document: tuple(WorthThen(*point) for point in document.get("history", ()))) or ()


def _loaded(path: Path, read: Callable[[dict[str, Any]], _T]) -> _T | None:
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["version"] != _VERSION:
            raise EvidenceError(f"{path} has version {document['version']!r}; this program reads {_VERSION}")
        return read(document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvidenceError(
            f"{path} is not what `runbooks prove` writes ({error}): remove it, and prove again"
        ) from error


def write_worth(path: Path, known: Mapping[str, Worth], history: Sequence[WorthThen] = ()) -> None:
    """Replaces the file in one step; a scenario a line. Raises EvidenceError when it cannot."""
    points = ",\n".join(json.dumps(list(vars(point).values())) for point in history)
    lines = ",\n".join(json.dumps(_written(known[key]), ensure_ascii=False) for key in sorted(known))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f'{{"version": {_VERSION}, "history": [\n{points}\n], "scenarios": [\n{lines}\n]}}\n')
    except OSError as error:
        raise EvidenceError(f"cannot write {path}: {error.strerror}") from error


def _written(worth: Worth) -> dict[str, Any]:
    tried = [[str(e.way), e.step, e.line, e.change, e.noticed, e.told] for e in worth.tried]
    return {**vars(worth), "seconds": round(worth.seconds, 1), "tried": tried}


def _read(entry: Mapping[str, Any]) -> Worth:
    tried = (Tried(Break(way), int(step), int(line), str(change), noticed is True, str(told))
             for way, step, line, change, noticed, told in entry["tried"])  # fmt: skip
    return Worth(**{**entry, "tried": tuple(tried)})
