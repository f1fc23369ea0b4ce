"""What a real Prometheus made of faults that were made by hand: written by a test run, read by the site.

A trial is no proof of a page: no procedure was followed. It tells that the rule rings on its fault, and on that only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from runbook_steps.engine.errors import EvidenceError

__all__ = ["Trial", "read_trials", "write_trials"]

_FILE = "alert-trials/trials.json"


@dataclass(frozen=True)
class Trial:
    """One fault, and the alert that rang: seconds from the fault to ringing, and from its end to silence.

    `when` is an ISO date, `commit` that of the rules.
    """

    alert: str
    fault: str
    rang_s: float
    silent_s: float
    when: str
    commit: str

    def __post_init__(self) -> None:
        """Raises ValueError for a time below 0."""
        if min(float(self.rang_s), float(self.silent_s)) < 0:
            raise ValueError("a time below 0")

    @property
    def words(self) -> str:
        """For a page: `Redis is stopped: rang 2.0 s after it, silent 0.9 s after its end (…)`."""
        times = f"rang {self.rang_s:.1f} s after it, silent {self.silent_s:.1f} s after its end"
        return f"{self.fault}: {times} ({self.when}, commit {self.commit[:7]})"


def write_trials(evidence_dir: Path, trials: Iterable[Trial]) -> None:
    """Takes the place of what an earlier run wrote, beside the folder of evidence."""
    file = evidence_dir.parent / _FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(each) for each in trials], indent=1) + "\n", "utf-8")


def read_trials(evidence_dir: Path) -> Mapping[str, tuple[Trial, ...]]:
    """Alert → its trials; {} when no run tried any. Raises EvidenceError for a file that no run could have written."""
    file = evidence_dir.parent / _FILE
    if not file.is_file():
        return {}
    found: dict[str, tuple[Trial, ...]] = {}
    try:
        for row in json.loads(file.read_text("utf-8")):
            trial = Trial(**row)
            found[trial.alert] = (*found.get(trial.alert, ()), trial)
    except (OSError, ValueError, TypeError) as error:
        raise EvidenceError(f"{file} was not written by a run: {error}") from error
    return found
