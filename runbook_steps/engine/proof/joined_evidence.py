"""Evidence of several machines as one: the newest record of every scenario. Pure.

In whatever order and grouping files are joined, the result is the same; a file joined with itself is itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.model import Evidence, ScenarioRecord

__all__ = ["joined"]


def joined(parts: Sequence[Evidence]) -> Evidence:
    """One evidence of all parts. Raises EvidenceError when they contradict each other, or are of several targets."""
    if not parts:
        raise EvidenceError("there is nothing to join")
    targets = sorted({part.target for part in parts})
    if len(targets) > 1:
        raise EvidenceError(f"this is evidence of {' and of '.join(targets)}: only one target's can be joined")
    records: dict[str, ScenarioRecord] = {}
    for part in parts:
        for key, record in part.records.items():
            other = records.setdefault(key, record)
            if (other.started, other.run) == (record.started, record.run) and other != record:
                raise EvidenceError(f"two files tell otherwise of {key}, which ran at {record.started}: one was edited")
            records[key] = max(other, record, key=lambda each: (each.started, each.run))
    written = max(part.written for part in parts)
    return Evidence(target=targets[0], written=written, records=dict(sorted(records.items())))
