"""Every service of a run, by name."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.stand_in.embedded.api import slot_service, third_parties_service
from runbook_steps.stand_in.embedded.aws import aws_service
from runbook_steps.stand_in.embedded.environment import server_environment, service_environment
from runbook_steps.stand_in.embedded.kubernetes import kubernetes_service
from runbook_steps.stand_in.embedded.layout import API_SLOTS, Layout
from runbook_steps.stand_in.embedded.nginx import nginx_service
from runbook_steps.stand_in.embedded.postgres import postgres_service
from runbook_steps.stand_in.embedded.redis import redis_service
from runbook_steps.stand_in.embedded.service import Service
from runbook_steps.stand_in.embedded.template import make_cluster

__all__ = ["catalogue"]


def catalogue(layout: Layout) -> dict[str, Service]:
    """Name → service. Raises NotRunnableHere when a program is missing."""
    plain, full = server_environment(layout), service_environment(layout)
    services = [
        _postgres(layout, plain),
        redis_service(layout, plain),
        third_parties_service(layout, full),
        aws_service(layout, {**plain, "PYTHONUNBUFFERED": "1"}),
        *(slot_service(layout, slot, full) for slot in API_SLOTS),
        nginx_service(layout, plain),
        kubernetes_service(layout, {**plain, "PYTHONUNBUFFERED": "1"}),
    ]
    return {service.name: service for service in services}


def _postgres(layout: Layout, environment: Mapping[str, str]) -> Service:
    passing_password = layout.directory / "postgres-password"

    def prepare() -> None:
        if not layout.pgdata.exists():
            make_cluster(layout, environment, passing_password)

    return postgres_service(layout, environment, passing_password, prepare)
