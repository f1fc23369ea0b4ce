"""The last runs of a target, a small file each: for the trend, and to tell which scenarios come out now so, now so."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runbook_steps.engine.model import Outcome, ScenarioRecord

__all__ = ["KEPT", "PastRun", "flaky", "keep_run", "past_runs"]

HISTORY = "history"  # beside the evidence: build/evidence/history/<target>/<start>.json
KEPT = 30


@dataclass(frozen=True)
class PastRun:
    """One run: when it began (ISO 8601, UTC), on which commit, and how each scenario came out; times in seconds."""

    target: str
    started: str
    commit: str
    duration_s: float
    outcomes: Mapping[str, str]

    def counted(self) -> Counter[str]:
        """Outcome → how many."""
        return Counter(self.outcomes.values())


def keep_run(folder: Path, target: str, records: Sequence[ScenarioRecord]) -> None:
    """Adds a run, written whole or not at all, and forgets those before the last 30. Raises OSError."""
    if not records:
        return
    started = min(record.started for record in records)
    run = PastRun(
        target=target,
        started=started,
        commit=records[0].commit,
        duration_s=round(sum(record.duration_s for record in records), 1),
        outcomes={record.id: str(record.outcome) for record in records},
    )
    own = folder / HISTORY / target
    own.mkdir(parents=True, exist_ok=True)
    name = "".join(char for char in started if char.isalnum())
    with tempfile.NamedTemporaryFile("w", dir=own, suffix=".tmp", delete=False, encoding="utf-8") as file:
        json.dump(asdict(run), file, ensure_ascii=False)
    Path(file.name).replace(own / f"{name}.json")
    for old in sorted(own.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)


def past_runs(folder: Path) -> tuple[PastRun, ...]:
    """The last runs of every target, the oldest first. A file that is broken tells nothing, and is passed over."""
    found = [run for file in sorted((folder / HISTORY).glob("*/*.json")) for run in _read(file)]
    return tuple(sorted(found, key=lambda run: run.started))


def _read(file: Path) -> Iterator[PastRun]:
    try:
        values = json.loads(file.read_text("utf-8"))
        known = {str(outcome) for outcome in Outcome}
        outcomes = {str(key): str(word) for key, word in values["outcomes"].items() if word in known}
        yield PastRun(
            str(values["target"]), str(values["started"]), str(values["commit"]), float(values["duration_s"]), outcomes
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return


def flaky(runs: Iterable[PastRun]) -> dict[tuple[str, str], tuple[int, int]]:
    """(target, scenario) → how often it passed and failed on one commit; those that did both."""
    found: dict[tuple[str, str, str], Counter[bool]] = {}
    for run in runs:
        for scenario, word in run.outcomes.items():
            if word in {Outcome.PASSED, Outcome.FAILED, Outcome.TIMED_OUT}:
                counted = found.setdefault((run.target, scenario, run.commit), Counter())
                counted[word == Outcome.PASSED] += 1
    return {
        (target, scenario): (counted[True], counted[False])
        for (target, scenario, _), counted in sorted(found.items())
        if counted[True] and counted[False]
    }
