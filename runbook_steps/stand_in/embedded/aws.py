"""The AWS endpoint: a moto server with the bucket, the load balancer and the alarms that production has."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.stand_in.embedded.binaries import python
from runbook_steps.stand_in.embedded.layout import Layout
from runbook_steps.stand_in.embedded.service import Service, listens

__all__ = ["aws_service"]


def aws_service(layout: Layout, environment: Mapping[str, str]) -> Service:
    """Ready means populated: the process listens only after it has made what it shall hold."""
    return Service(
        name="aws",
        argv=(python(), "-m", "runbook_steps.stand_in.embedded.aws_server", str(layout.directory)),
        cwd=layout.tmp,
        environment=environment,
        ready=listens(layout.ports["aws"]),
        deadline_s=30,
    )
