"""What the entry points of `runbooks.targets` name: each target is imported only when it is asked for."""

from __future__ import annotations

import os

from runbook_steps.engine.model import Risk
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.protocol import Target

__all__ = ["containers", "embedded", "live"]


def embedded(name: str, settings: Settings, allow: Risk | None) -> Target:
    """Real servers on this machine."""
    del name, settings
    from runbook_steps.stand_in.embedded import EmbeddedTarget  # noqa: PLC0415 - starts servers: costly

    return EmbeddedTarget.create(allowed=allow or Risk.DESTRUCTIVE)


def containers(name: str, settings: Settings, allow: Risk | None) -> Target:
    """The same servers in containers. Raises TargetError when no engine answers, before anything costly is imported."""
    from runbook_steps.stand_in.containers.docker_engine import refuse_without_engine  # noqa: PLC0415

    refuse_without_engine(os.environ)
    from runbook_steps.stand_in.containers import ContainersTarget  # noqa: PLC0415 - only when it is asked for

    return ContainersTarget.over(settings.targets.get(name, {}), allowed=allow or Risk.DESTRUCTIVE)


def live(name: str, settings: Settings, allow: Risk | None) -> Target:
    """Staging, production, and every target that only has a table in pyproject.toml."""
    from runbook_steps.live.target import PlatformTarget  # noqa: PLC0415 - only when it is asked for

    return PlatformTarget.make(name, settings, allow)
