"""Made-up messages: a few hundred that hypothesis chooses and shrinks, then as many as `RUNBOOKS_FUZZ` says.

Of many, hypothesis would spend nine tenths of the time on what to try next, and most of them are like the one before.
Here random bytes choose, by the same strategies. `RUNBOOKS_FUZZ_SEED` makes the same ones again; a failure says it.
"""

from __future__ import annotations

import os
import secrets
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings

__all__ = ["IN_THE_GATE", "MANY", "try_many"]

IN_THE_GATE = 300
MANY = int(os.environ.get("RUNBOOKS_FUZZ", "0"))
_CHOICES = 4096  # bytes: more than any message needs


def try_many(test: Any) -> int:
    """Tries a test that `given` was put on. Gives how many messages it was called with, at least."""
    settings(
        max_examples=IN_THE_GATE, derandomize=True, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )(test)()  # fmt: skip
    seed = int(os.environ.get("RUNBOOKS_FUZZ_SEED") or secrets.randbelow(2**32))
    chosen, tried = Random(seed), 0  # noqa: S311 - to be made again, not to be secret
    while tried < MANY:
        try:
            tried += test.hypothesis.fuzz_one_input(chosen.randbytes(_CHOICES)) is not None
        except BaseException as failure:
            failure.add_note(f"message {tried + 1} of RUNBOOKS_FUZZ_SEED={seed}")
            raise
    if MANY:
        print(f"{tried} messages of RUNBOOKS_FUZZ_SEED={seed}")  # noqa: T201 - read by whoever asked for so many
    return IN_THE_GATE + tried
