"""What the workers tell each other and the one who asked: a folder with the question, claims, and lines of results.

Lines are only added, one `write` each, so that a worker that is killed loses at most what it was about to tell.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runbook_steps.engine.breaks import Break
from runbook_steps.engine.proof.worth import Tried

__all__ = ["Ask", "Notebook", "Told"]

_MOST_STARTS = 4  # of one scenario without a result: then it is told as what could not be tried


@dataclass(frozen=True)
class Ask:
    """What is to be tried. `deadline` is a time since the epoch in seconds; `only` are names of variants."""

    ids: tuple[str, ...]
    seed: int
    deadline: float
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """What is known of one scenario. `careful`: the target is looked at behind every variant; `parts` is known then."""

    tried: tuple[Tried, ...] | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    seconds: float = 0.0
    careful: bool = False
    parts: tuple[Tried, ...] = ()
    starts: int = 0

    @property
    def finished(self) -> bool:
        """Whether nothing is left to try."""
        return self.tried is not None or bool(self.problem)

    @property
    def hopeless(self) -> bool:
        """Whether it was begun too often without coming on."""
        return self.starts > _MOST_STARTS + len(self.parts)


class Notebook:
    """The folder; every worker has its own file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own = folder / f"told-{os.getpid()}.jsonl"

    def ask(self, ask: Ask) -> None:
        """Writes down what is to be tried."""
        (self.folder / "claims").mkdir(parents=True, exist_ok=True)
        (self.folder / "ask.json").write_text(json.dumps(vars(ask)), encoding="utf-8")

    def asked(self) -> Ask:
        """What is to be tried."""
        said = json.loads((self.folder / "ask.json").read_text("utf-8"))
        return Ask(tuple(said["ids"]), int(said["seed"]), float(said["deadline"]), tuple(said["only"]))

    def claim(self, key: str) -> bool:
        """Whether the scenario is this worker's now."""
        try:
            descriptor = os.open(self._claim(key), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        os.write(descriptor, str(os.getpid()).encode())
        os.close(descriptor)
        return True

    def give_back(self, key: str) -> None:
        """Another one may try it."""
        self._claim(key).unlink(missing_ok=True)

    def give_back_all_of(self, pid: int) -> None:
        """What a worker that ended had claimed."""
        for claim in (self.folder / "claims").iterdir():
            with contextlib.suppress(OSError):
                if claim.read_text("utf-8") == str(pid):
                    claim.unlink()

    def tell(self, key: str, kind: str, **values: Any) -> None:
        """Adds a line."""
        line = json.dumps({"id": key, "kind": kind, **values}, ensure_ascii=False, default=vars) + "\n"
        descriptor = os.open(self._own, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def told(self) -> dict[str, Told]:
        """Id → what all of them told."""
        found: dict[str, Told] = {}
        for line in self._lines():
            found[line["id"]] = _with(found.get(line["id"], Told()), line)
        return found

    def _claim(self, key: str) -> Path:
        return self.folder / "claims" / hashlib.sha256(key.encode()).hexdigest()[:32]

    def _lines(self) -> Iterator[dict[str, Any]]:
        for file in sorted(self.folder.glob("told-*.jsonl")):
            for line in file.read_text("utf-8").split("\n"):
                with contextlib.suppress(ValueError):  # the last one may be half written
                    yield json.loads(line)


def _with(told: Told, line: Mapping[str, Any]) -> Told:
    values = vars(told).copy()
    match line["kind"]:
        case "began":
            values["starts"] += 1
        case "careful":
            values["careful"] = True
        case "part":
            values["parts"] += (_tried(line["tried"]),)
        case "problem":
            values["problem"] = line["problem"]
        case "whole":
            values |= {"tried": tuple(map(_tried, line["tried"])), "why": line["why"], "seconds": line["seconds"]}
    return Told(**values)


def _tried(entry: Mapping[str, Any]) -> Tried:
    return Tried(**{**entry, "way": Break(entry["way"])})
