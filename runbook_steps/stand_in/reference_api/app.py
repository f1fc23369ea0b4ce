"""The application of one slot."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from runbook_steps.stand_in.reference_api import auth, bookings, catalogue, health, traffic
from runbook_steps.stand_in.reference_api.settings import ApiSettings
from runbook_steps.stand_in.reference_api.state import make_state

__all__ = ["create_app"]


def create_app(environ: Mapping[str, str] = os.environ) -> Starlette:
    """The API, with settings from the environment. Raises ConfigurationError when one is no good."""
    state = make_state(ApiSettings.from_environ(environ))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await state.pool.open(wait=False)  # a database that is down must not keep the slot from telling so
        try:
            yield
        finally:
            await state.pool.close(timeout=2)
            await state.redis.aclose()
            await state.http.aclose()

    app = Starlette(
        routes=[*health.ROUTES, *auth.ROUTES, *catalogue.ROUTES, *bookings.ROUTES, *traffic.ROUTES],
        middleware=[Middleware(traffic.Traffic)],
        exception_handlers=traffic.HANDLERS,
        lifespan=lifespan,
    )
    app.state.shared = state
    return app
