"""Whether an alert was ever made to ring by its page's fault, and fell silent by its page's procedure. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from runbook_steps.engine.model import Evidence, Outcome, ScenarioRecord
from runbook_steps.engine.sources.alerts_file import RINGS, SILENT

__all__ = ["ringing_of"]


@dataclass(frozen=True)
class Ringing:
    """The newest proof of an alert. `rang` and `silent` are readings in words, `started` an ISO time."""

    rang: str
    silent: str
    target: str
    started: str

    @property
    def words(self) -> str:
        """For a page: `rang 2.0 s after the fault, silent 0.9 s after the repair (embedded, 2026-11-29)`."""
        readings = ", ".join(filter(None, (self.rang, self.silent)))
        return f"{readings} ({self.target}, {self.started[:10]})"


def ringing_of(alert: str, evidence: Iterable[Evidence]) -> Ringing | None:
    """The newest record that passed and in which the alert was watched; None: it was never proven to ring.

    One that saw it fall silent again says more than one that did not, which may be of a page that only looks.
    """
    found = [
        ringing
        for each in evidence
        for record in each.records.values()
        if record.outcome is Outcome.PASSED and (ringing := _in(alert, record))
    ]
    return max(found, key=lambda each: (bool(each.silent), each.started), default=None)


def _in(alert: str, record: ScenarioRecord) -> Ringing | None:
    rang, silent = _note(record, RINGS, alert, "rang "), _note(record, SILENT, alert, "silent ")
    return Ringing(rang, silent, record.target, record.started) if rang else None


def _note(record: ScenarioRecord, pattern: str, alert: str, word: str) -> str:
    for step in record.steps:
        said = re.fullmatch(pattern, step.text)
        if said and said["alert"] == alert and step.outcome is Outcome.PASSED:
            return next((note for note in step.notes if note.startswith(word)), "")
    return ""
