"""Looks at another process: its memory, its open files. Linux; standard library only."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["HERE", "descriptor_of", "memory", "own_process", "placed", "text"]

HERE = -100
"""AT_FDCWD: relative to the folder that the task works in."""

_PIDFD_GETFD = 438  # the same number on every architecture
_PAGE = 4096
_LONGEST_PATH = 4096
_USUAL_PATH = 256


def memory(task: int, address: int, size: int) -> bytes:
    """That many bytes of the task's memory, fewer at its end. Raises OSError."""
    file = os.open(f"/proc/{task}/mem", os.O_RDONLY | os.O_CLOEXEC)  # for each file that a command opens: no detours
    try:
        return os.pread(file, size, address)
    finally:
        os.close(file)


def text(task: int, address: int) -> str:
    """The string that ends with a zero byte there. Raises OSError; ValueError when it is too long for a path."""
    found = b""
    while len(found) < _LONGEST_PATH:
        at = address + len(found)
        chunk = memory(task, at, min(_USUAL_PATH, _PAGE - at % _PAGE))
        end = chunk.find(b"\0")
        found += chunk if end < 0 else chunk[:end]
        if end >= 0:
            return os.fsdecode(found)
        if not chunk:
            break
    raise ValueError("no path")


def own_process(task: int, other: int) -> bool:
    """Whether both are below this process, however deep; this one is not theirs."""
    return other != os.getpid() and all(_below(each, os.getpid()) for each in (task, other))


def _below(process: int, root: int) -> bool:
    while process > 1:
        if process == root:
            return True
        try:
            stat = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
        except OSError:
            return False
        process = int(stat.rpartition(")")[2].split()[1])
    return False


@contextmanager
def descriptor_of(task: int, number: int) -> Iterator[int]:
    """A descriptor of our own for what that number means in the task. Raises OSError."""
    lines = Path(f"/proc/{task}/status").read_text("utf-8", "replace").splitlines()
    process = int(next(line for line in lines if line.startswith("Tgid:")).split()[1])
    handle = os.pidfd_open(process)
    try:
        found = int(ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, handle, number, 0))
        if found < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        try:
            yield found
        finally:
            os.close(found)
    finally:
        os.close(handle)


def placed(task: int, folder: int, path: str) -> str:
    """The path as this process sees it; links in it are not followed yet."""
    for own in ("/proc/self", "/proc/thread-self"):
        if path == own or path.startswith(f"{own}/"):
            return f"/proc/{task}{path.removeprefix(own)}"
    base = f"/proc/{task}/cwd" if folder == HERE else f"/proc/{task}/fd/{folder}"
    return path if path.startswith("/") else f"{Path(base).readlink()}/{path}"
