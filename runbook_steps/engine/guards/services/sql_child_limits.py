"""What the process that parses SQL agrees on with the one that asks it; apart, so that the child loads no more."""

from __future__ import annotations

import struct

__all__ = ["LENGTH", "MEMORY"]

LENGTH = struct.Struct("!I")
MEMORY = 2 * 1024**3  # bytes of address space
