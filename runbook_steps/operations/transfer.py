"""Bytes on their way: shown on a terminal with an estimate, and held to a speed."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from runbook_steps.engine.errors import ConfigurationError

__all__ = ["Pace", "moving"]

_LIMIT = re.compile(r"([0-9]{1,9})\s*(|k|M|G)B?(?:/s)?")
_UNITS = {"": 1, "k": 1000, "M": 1000**2, "G": 1000**3}


@dataclass
class Pace:
    """Holds a stream to so many bytes a second; 0 is no limit. `wait` and `now` are the clock's."""

    bytes_a_second: int = 0
    wait: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    _free_at: float = field(default=0.0, init=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Pace:
        """BACKUP_BANDWIDTH_LIMIT: `20MB/s`, `500k`, a number of bytes. Raises ConfigurationError."""
        text = environ.get("BACKUP_BANDWIDTH_LIMIT", "").strip()
        shape = _LIMIT.fullmatch(text)
        if text and (shape is None or int(shape[1]) == 0):
            raise ConfigurationError("BACKUP_BANDWIDTH_LIMIT is bytes a second, like 20MB/s or 500k")
        return cls(int(shape[1]) * _UNITS[shape[2]] if shape else 0)

    def took(self, size: int) -> None:
        """So many bytes went by: waits until the next may."""
        if not self.bytes_a_second:
            return
        begin = max(self.now(), self._free_at)
        self._free_at = begin + size / self.bytes_a_second
        self.wait(max(0.0, self._free_at - self.now()))


@contextmanager
def moving(what: str, expected: int) -> Iterator[Callable[[int], None]]:
    """Gives what is told of each piece's size; a bar on a terminal, with the time left when a size is expected."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only on a terminal
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn(f"  … {what}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=expected or None)

        def moved(size: int) -> None:
            done = progress.tasks[0].completed + size
            progress.update(task, completed=done, total=max(done, expected) if expected else None)

        yield moved
