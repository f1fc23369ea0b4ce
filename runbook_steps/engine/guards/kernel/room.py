"""How much of what is everybody's a locked-down command takes: disks, numbers of processes and threads, watches.

Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

__all__ = ["MOST_WATCHES", "Descendant", "Space", "too_many"]

Descendant = tuple[int, str, int, int]
"""Pid, name, session and number of threads of a process."""
MOST_WATCHES = 32
"""Of the 128 that a user has by default for being told of changes of files: `tail -f` of others needs one as well."""
_MOST_PROCESSES, _MOST_THREADS = 400, 2000


class Space:
    """The room on the disks that the command may write to, for bytes and for files: it may take half of both."""

    def __init__(self, paths: Iterable[str]) -> None:
        """As it is found."""
        self._found = {path: _free(path) for path in paths}

    def taken(self) -> str:
        """The place where it took more; empty where it did not."""
        return next((path for path, found in self._found.items() if _is_half(_free(path), found)), "")


def too_many(found: Sequence[Descendant]) -> str:
    """What there is too much of: the numbers of a machine are few, and a thread takes one as well."""
    if len(found) > _MOST_PROCESSES:
        return f"more than {_MOST_PROCESSES} processes at once"
    threads = sum(each[3] for each in found)
    return f"more than {_MOST_THREADS} threads at once" if threads > _MOST_THREADS else ""


def _free(path: str) -> tuple[int, int]:
    """Bytes and files; 0 where a file system counts none."""
    try:
        found = os.statvfs(path)
    except OSError:
        return 0, 0
    return found.f_bavail * found.f_frsize, found.f_favail


def _is_half(now: tuple[int, int], before: tuple[int, int]) -> bool:
    return any(left < had // 2 for left, had in zip(now, before, strict=True))
