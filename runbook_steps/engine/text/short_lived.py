"""A command of half a second is not spent on the garbage of its own beginning and end."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["loading", "short_lived"]


def short_lived() -> None:
    """At the end nothing is walked through once more: all memory goes with the process.

    Measured with the client of AWS loaded: 0.16 s at exit without, 0.01 s with it.
    """
    atexit.register(gc.freeze)


@contextmanager
def loading() -> Iterator[None]:
    """While modules or a large client are made, of which nothing is garbage: a fifth faster."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
