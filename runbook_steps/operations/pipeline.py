"""Stages of a stream that work at the same time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from itertools import chain
from typing import TypeVar

__all__ = ["begun", "meanwhile", "unless_failed"]

_DEPTH = 8  # pieces that wait: memory stays constant
_MOMENT_S = 0.05
_T = TypeVar("_T")


def _ahead(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The same pieces, made in a thread while the reader is busy with earlier ones.

    What the maker raises is raised here; when the reader gives up, the maker is closed before this returns.
    """
    waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(_DEPTH)
    stop = threading.Event()

    def put(item: bytes | BaseException | None) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=_MOMENT_S)
                return

    def make() -> None:
        try:
            for piece in pieces:
                put(piece)
                if stop.is_set():
                    break
            put(None)
        except BaseException as error:
            put(error)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


@contextmanager
def begun(pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """The same pieces, made in a thread from now on, also before anybody reads; at the end the maker is closed."""
    made = _ahead(pieces)
    with closing(made):
        yield chain([next(made)], made)


@contextmanager
def meanwhile(act: Callable[[], _T], cancel: Callable[[], object]) -> Iterator[Future[_T]]:
    """Runs `act` in a thread; when what is done meanwhile fails, `cancel` ends it before the failure is told."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(act)
        try:
            yield running
        except BaseException:
            if not running.done():
                cancel()
            raise


def unless_failed(running: Future[_T], pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces, until `running` has failed: nobody waits hours for what cannot be finished any more."""
    for piece in pieces:
        if running.done():
            running.result()
        yield piece
