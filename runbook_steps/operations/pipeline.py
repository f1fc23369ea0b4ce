"""Stages of a stream that work at the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain
from typing import TypeVar

__all__ = ["begun", "meanwhile", "unless_failed"]

_BYTES = 32 << 20  # that wait: memory stays constant, and a dump goes on while the client of its store is loaded
_T = TypeVar("_T")


class _Waiting:
    """Pieces between two threads, a piece more than `_BYTES` at most."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[bytes | BaseException | None] = deque()
        self._size = 0
        self._stopped = False

    def put(self, item: bytes | BaseException | None) -> bool:
        """Waits for room; False when nobody reads any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._size < _BYTES)
            self._items.append(item)
            self._size += _size(item)
            self._changed.notify_all()
            return not self._stopped

    def get(self) -> bytes | BaseException | None:
        """Waits for the next."""
        with self._changed:
            self._changed.wait_for(lambda: self._items)
            item = self._items.popleft()
            self._size -= _size(item)
            self._changed.notify_all()
            return item

    def stop(self) -> None:
        """Nobody reads any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def _size(item: object) -> int:
    return len(item) if isinstance(item, bytes) else 0


def _ahead(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """The same pieces, made in a thread while the reader is busy with earlier ones.

    What the maker raises is raised here; when the reader gives up, the maker is closed before this returns.
    """
    waiting = _Waiting()

    def make() -> None:
        try:
            for piece in pieces:
                if not waiting.put(piece):
                    break
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)
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
        waiting.stop()
        thread.join()


@contextmanager
def begun(pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """The same pieces, made in a thread from now on, also before anybody reads; at the end the maker is closed."""
    made = _ahead(pieces)
    with closing(made):
        first = next(made, None)
        yield iter(()) if first is None else chain([first], made)


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
