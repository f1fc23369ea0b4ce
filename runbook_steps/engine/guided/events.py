"""What a guided run writes into its journal, for a program that listens on standard output: one JSON line an event.

The person is spoken to on standard error then. A program that does not read, or is gone, delays and fails nothing.
"""

from __future__ import annotations

import os
import queue
import sys
import threading

__all__ = ["Events"]

_AT_THE_END_S = 5.0
"""So long a program that reads slowly is waited for, when everything else is over."""


class Events:
    """Takes standard output for the events: whatever else is printed from now on goes to standard error."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._out = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        sys.stdout = sys.stderr
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._lost = False
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def add(self, line: str) -> None:
        """One event, in its place behind those before."""
        self._waiting.put(f"{line}\n")

    def close(self) -> bool:
        """Whether all of them were taken."""
        self._waiting.put("")
        self._writer.join(_AT_THE_END_S)
        return not (self._lost or self._writer.is_alive())

    def _write(self) -> None:
        while line := self._waiting.get():
            data = line.encode()
            try:
                while data:
                    data = data[os.write(self._out, data) :]
            except OSError:  # it is gone, or its disk is full
                self._lost = True
                break
        os.close(self._out)
