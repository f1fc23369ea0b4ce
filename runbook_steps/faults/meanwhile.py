"""Work that goes on beside a scenario: what customers do all the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

__all__ = ["meanwhile"]

PAUSE_S = 0.05
_LONGEST_S = 30


@contextmanager
def meanwhile(work: Callable[[], object], workers: int = 1) -> Iterator[None]:
    """Does it again and again, so many at once, whatever becomes of it; ends with the last one that was begun."""
    over = threading.Event()

    def again() -> None:
        while not over.is_set():
            with suppress(Exception):
                work()
            over.wait(PAUSE_S)

    threads = [threading.Thread(target=again, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_LONGEST_S)
