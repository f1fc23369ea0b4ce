"""Which services there are, and which of them a part stands for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from runbook_steps.engine.errors import TargetError
from runbook_steps.stand_in.embedded.layout import API_SLOTS, DEFAULT_SLOTS

__all__ = ["PARTS", "SERVICES", "with_needs"]

PARTS: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "redis": ("redis",),
    "third_parties": ("third_parties",),
    "aws": ("aws",),
    "api": API_SLOTS[:DEFAULT_SLOTS],
    "nginx": ("nginx",),
    "kubernetes": ("kubernetes",),
}
SERVICES = ("postgres", "redis", "third_parties", "aws", *API_SLOTS, "nginx", "kubernetes")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "nginx": ("api",),
    "kubernetes": ("api",),
    "api": ("postgres", "redis", "third_parties"),
}


def with_needs(parts: Iterable[str]) -> frozenset[str]:
    """The parts and everything they need. Raises TargetError for a part that embedded does not have."""
    wanted: set[str] = set()
    open_parts = list(parts)
    while open_parts:
        part = open_parts.pop()
        if part not in PARTS:
            raise TargetError(f"the embedded target has no part {part!r}; it has {', '.join(PARTS)}")
        if part not in wanted:
            wanted.add(part)
            open_parts.extend(_NEEDS.get(part, ()))
    return frozenset(wanted)
