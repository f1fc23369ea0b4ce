"""What every request shares: settings, the pool, Redis, the client for third parties, the logs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import httpx
from redis import asyncio as redis_asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from starlette.requests import Request

from runbook_steps.stand_in.reference_api.logs import JsonLog
from runbook_steps.stand_in.reference_api.measures import Measures
from runbook_steps.stand_in.reference_api.pool import Pool
from runbook_steps.stand_in.reference_api.settings import ApiSettings

__all__ = ["State", "make_state", "state_of"]

REDIS_TIMEOUT_S = 1.5  # below the two seconds that a health check may take


@dataclass
class State:
    """Open connections, and when the slot started (monotonic seconds)."""

    settings: ApiSettings
    pool: Pool
    redis: Any
    http: httpx.AsyncClient
    app_log: JsonLog
    security_log: JsonLog
    measures: Measures = field(default_factory=Measures)
    started: float = field(default_factory=time.monotonic)


def make_state(settings: ApiSettings) -> State:
    """Connections that open when first used, and again when a service comes back."""
    pool = Pool(
        settings.database_url,
        min_size=1,
        max_size=settings.pool_size,
        timeout=settings.pool_timeout_s,
        kwargs={"autocommit": True, "connect_timeout": 2, "application_name": f"beautycort {settings.slot}"},
    )
    redis = redis_asyncio.Redis.from_url(
        settings.redis_url,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
        protocol=2,
    )
    return State(
        settings,
        pool,
        redis,
        httpx.AsyncClient(timeout=settings.third_party_timeout_s, trust_env=False),
        JsonLog(settings.log_dir / "app.log"),
        JsonLog(settings.log_dir / "security.log"),
    )


def state_of(request: Request) -> State:
    """The state of the slot that serves the request."""
    state: State = request.app.state.shared
    return state
