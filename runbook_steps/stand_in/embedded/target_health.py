"""What the load balancer says of its targets: moto always says healthy; here the slot itself is asked.

A target is probed when its health is described, so the answer is true at that moment. Words and reasons are
those of Elastic Load Balancing ("Target health status", its user guide).
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runbook_steps.stand_in.embedded.layout import API_SLOTS, Layout, target_address
from runbook_steps.stand_in.embedded.service import http_status

__all__ = ["install", "prober"]

_LIMIT_S = 1.0
_HEALTHY = 200  # the target group's matcher


@dataclass(frozen=True)
class Health:
    """State and reason; the reason is empty for a healthy target."""

    state: str
    reason: str = ""
    description: str = ""


def probe(port: int, path: str = "/api/health") -> Health:
    """Asks the slot on that port."""
    try:
        status = http_status(port, path, timeout_s=_LIMIT_S)
    except TimeoutError:
        return Health("unhealthy", "Target.Timeout", "Request timed out")
    except (OSError, http.client.HTTPException):
        return Health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
    if status != _HEALTHY:
        text = f"Health checks failed with these codes: [{status}]"
        return Health("unhealthy", "Target.ResponseCodeMismatch", text)
    return Health("healthy")


def prober(layout: Layout) -> Callable[[str], Health | None]:
    """Target address → its health; None for an address that is no slot's."""
    ports = {target_address(slot): layout.ports[slot] for slot in API_SLOTS}
    return lambda address: probe(ports[address]) if address in ports else None


def install(ask: Callable[[str], Health | None]) -> None:
    """Lets the slots answer. Only in the process of the AWS endpoint: it changes moto's own class."""
    from moto.elbv2.models import FakeTargetGroup  # noqa: PLC0415 - with moto, only in this process

    says_moto = FakeTargetGroup.health_for

    def health_for(self: Any, target: Any, ec2_backend: Any) -> Any:
        status = says_moto(self, target, ec2_backend)
        seen = ask(target["Id"]) if status.status == "healthy" else None
        if seen is not None and seen.state != "healthy":
            status.status = seen.state
            status.reason = seen.reason
            status.description = seen.description
        return status

    FakeTargetGroup.health_for = health_for  # type: ignore[method-assign]
