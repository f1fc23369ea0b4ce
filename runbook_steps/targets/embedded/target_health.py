"""What the load balancer says of its targets: moto always says healthy; here a file may know better.

The file holds {"10.20.0.11": {"state": "unhealthy", "reason": "Target.FailedHealthChecks",
"description": "…"}}; a target that is not in it is healthy. A prober writes it (atomically).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["install"]


def install(file: Path) -> None:
    """Lets the file decide. Only in the process of the AWS endpoint: it changes moto's own class."""
    from moto.elbv2.models import FakeTargetGroup  # noqa: PLC0415 - with moto, only in this process

    says_moto = FakeTargetGroup.health_for

    def health_for(self: Any, target: Any, ec2_backend: Any) -> Any:
        status = says_moto(self, target, ec2_backend)
        known = _read(file).get(target["Id"])
        if known is not None and status.status == "healthy":
            status.status = known["state"]
            status.reason = known.get("reason")
            status.description = known.get("description")
        return status

    FakeTargetGroup.health_for = health_for  # type: ignore[method-assign]


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        values: dict[str, dict[str, str]] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return values
