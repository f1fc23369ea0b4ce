"""Scenarios → the part of them that one of several machines runs: balanced by how long each took last time. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["Shard", "parse_shard"]

_SHAPE = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")
_UNKNOWN_S = 1.0


@dataclass(frozen=True)
class Shard:
    """One of `count` parts; `number` is counted from 1."""

    number: int
    count: int

    def of(self, ids: Iterable[str], seconds: Mapping[str, float]) -> frozenset[str]:
        """The ids that are this part's; all parts together have each id once.

        `seconds` are the durations that are known: every machine must know the same ones. What is new counts as much
        as the median.
        """
        usual = statistics.median(seconds.values()) if seconds else _UNKNOWN_S
        longest_first = sorted(set(ids), key=lambda key: (-seconds.get(key, usual), key))
        loads = [0.0] * self.count
        own: set[str] = set()
        for key in longest_first:
            lightest = loads.index(min(loads))
            loads[lightest] += seconds.get(key, usual)
            if lightest == self.number - 1:
                own.add(key)
        return frozenset(own)


def parse_shard(text: str) -> Shard:
    """`2/4` → the second of four. Raises ConfigurationError."""
    found = _SHAPE.fullmatch(text)
    if found is None or int(found[1]) > int(found[2]):
        raise ConfigurationError(f"--shard {text!r} is not one of several parts, like 2/4")
    return Shard(int(found[1]), int(found[2]))
