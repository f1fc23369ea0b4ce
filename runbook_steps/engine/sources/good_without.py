"""Which earlier blocks of its procedure a block is good without, each with the sentence why. Pure.

Blocks are counted from 1 in the order of the page; what is only kept ready (`When I get ready to …:`) does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from runbook_steps.engine.errors import FeatureError
from runbook_steps.engine.sources.declared import GOOD_WITHOUT, declared_above

__all__ = ["GoodWithout", "declared_good_without"]

GoodWithout = tuple[tuple[int, str], ...]


def declared_good_without(
    comments: Iterable[Mapping[str, Any]], step_lines: Iterable[int], path: str
) -> dict[int, GoodWithout]:
    """Line of a step → the numbers of the blocks before it that may have failed, as declared right above it.

    Raises FeatureError as declared_above does, and for what is no number.
    """
    found: dict[int, GoodWithout] = {}
    for step, declared in declared_above(comments, step_lines, path, GOOD_WITHOUT).items():
        for each in declared:
            if not all(word.isdecimal() for word in each.named):
                said = f"{GOOD_WITHOUT.says} in a way that is not understood: {GOOD_WITHOUT.example}"
                raise FeatureError(each.position, said)
        found[step] = tuple((int(word), each.why) for each in declared for word in each.named)
    return found
