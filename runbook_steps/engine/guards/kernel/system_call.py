"""A system call that the kernel hands over, what its command may do, and what becomes of it. Standard library only.

Plain classes: this is loaded anew before every command, and dataclasses would take longer than all of the rest.
"""

from __future__ import annotations

import struct

__all__ = ["Bounds", "Continue", "Done", "SystemCall", "signed"]


class Bounds:
    """What the command may do: write below `write`, connect to `ports` on TCP and to the UNIX `sockets`."""

    __slots__ = ("ports", "sockets", "write")

    def __init__(self, write: tuple[str, ...], ports: frozenset[int], sockets: tuple[str, ...] = ()) -> None:
        """Paths are real ones: no links in them."""
        self.write = write
        self.ports = ports
        self.sockets = sockets

    def writable(self, path: str) -> bool:
        """Whether a real path (no links in it) lies within."""
        return any(path == each or path.startswith(f"{each}/") for each in self.write)


class SystemCall:
    """A system call: `task` is the thread that makes it, `arguments` the six registers."""

    __slots__ = ("arguments", "name", "task")

    def __init__(self, name: str, task: int, arguments: tuple[int, ...]) -> None:
        """As the kernel gave it."""
        self.name = name
        self.task = task
        self.arguments = arguments


class Done:
    """Answered here: `error` is 0 or an errno; `refused` names what went too far, empty when nothing did."""

    __slots__ = ("error", "refused")

    def __init__(self, error: int = 0, refused: str = "") -> None:
        """Without an error the call has succeeded."""
        self.error = error
        self.refused = refused


class Continue(Done):
    """The kernel carries on, and Landlock judges; `refused` when it is known to refuse."""

    __slots__ = ()


def signed(value: int) -> int:
    """The lower half of a register as a C int."""
    return int(struct.unpack("=i", struct.pack("=I", value & 0xFFFFFFFF))[0])
