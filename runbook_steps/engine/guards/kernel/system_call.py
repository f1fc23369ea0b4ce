"""A system call that the kernel hands over, what its command may do, and what becomes of it. Standard library only."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["Bounds", "Continue", "Done", "SystemCall", "signed"]


@dataclass(frozen=True)
class Bounds:
    """What the command may do: write below `write`, connect to `ports` on TCP and to the UNIX `sockets`."""

    write: tuple[str, ...]
    ports: frozenset[int]
    sockets: tuple[str, ...] = ()

    def writable(self, path: str) -> bool:
        """Whether a real path (no links in it) lies within."""
        return any(path == each or path.startswith(f"{each}/") for each in self.write)


@dataclass(frozen=True)
class SystemCall:
    """A system call: `task` is the thread that makes it, `arguments` the six registers."""

    name: str
    task: int
    arguments: tuple[int, ...]


@dataclass(frozen=True)
class Done:
    """Answered here: `error` is 0 or an errno; `refused` names what went too far, empty when nothing did."""

    error: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Continue(Done):
    """The kernel carries on, and Landlock judges; `refused` when it is known to refuse."""


def signed(value: int) -> int:
    """The lower half of a register as a C int."""
    return int(struct.unpack("=i", struct.pack("=I", value & 0xFFFFFFFF))[0])
