"""The reference API, one process a slot, and the stand-ins for third parties."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.targets.embedded.binaries import python
from runbook_steps.targets.embedded.layout import Layout
from runbook_steps.targets.embedded.service import Service, answers

__all__ = ["slot_service", "third_parties_service"]

_PACKAGE = "runbook_steps.reference_api"


def slot_service(layout: Layout, slot: str, environment: Mapping[str, str]) -> Service:
    """One API process; it is started again when it dies, as production's container is."""
    port = layout.ports[slot]
    return Service(
        name=slot,
        argv=(python(), "-m", _PACKAGE, "--port", str(port)),
        cwd=layout.directory / "api",
        environment={**environment, "PORT": str(port), "SLOT_NAME": slot},
        prepare=lambda: (layout.directory / "api").mkdir(mode=0o700, exist_ok=True),
        ready=answers(port, "/api/health"),
        needs=("postgres", "redis", "third_parties"),
        kept_up=True,
    )


def third_parties_service(layout: Layout, environment: Mapping[str, str]) -> Service:
    """The stand-ins: one process."""
    port = layout.ports["third_parties"]
    return Service(
        name="third_parties",
        argv=(python(), "-m", f"{_PACKAGE}.third_parties", "--port", str(port)),
        cwd=layout.tmp,
        environment=environment,
        ready=answers(port, "/tap"),
    )
