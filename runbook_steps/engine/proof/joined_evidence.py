"""Evidence of several machines as one: the newest record of every scenario. Pure.

In whatever order and grouping files are joined, the result is the same; a file joined with itself is itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from runbook_steps.engine.errors import EvidenceError
from runbook_steps.engine.model import Evidence, ScenarioRecord

__all__ = ["joined", "remarks", "shortfall"]

_SHOWN = 5


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


def remarks(parts: Mapping[str, Evidence]) -> Iterator[str]:
    """What whoever gave these files, by their names, may not have meant."""
    for name, part in parts.items():
        if not part.records:
            yield f"{name} holds no scenario"
    for (one, first), (other, second) in combinations(parts.items(), 2):
        if first.records and first.records == second.records:
            yield f"{one} and {other} hold the same: was one part given twice?"


def shortfall(evidence: Evidence, ids: Collection[str]) -> str:
    """Why that is not one run of all these scenarios, in words; empty when it is.

    All of them ran on one commit: that of the newest record. So a part that is missing is told also where older
    evidence holds its scenarios.
    """
    newest = max(evidence.records.values(), key=lambda each: (each.started, each.run), default=None)
    if newest is None:
        return "no scenario ran"
    ran = {key for key, each in evidence.records.items() if each.commit == newest.commit}
    if not (left := sorted({*ids} - ran)):
        return ""
    others = Counter(evidence.records[key].commit[:10] for key in left if key in evidence.records)
    elsewhere = "".join(f"; {number} ran on {commit}" for commit, number in sorted(others.items()))
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    named = ", ".join(left[:_SHOWN]) + more
    return f"{len(left)} of {len(ids)} scenarios did not run on {newest.commit[:10]}{elsewhere}: {named}"
