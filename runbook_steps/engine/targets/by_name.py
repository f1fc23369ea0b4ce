"""Names → targets. Each is imported only when it is asked for."""

from __future__ import annotations

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.model import Risk
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.protocol import Target

__all__ = ["LIVE", "TARGETS", "make_target"]

LIVE = ("staging", "production")
TARGETS = ("embedded", "containers", *LIVE)


def make_target(name: str, settings: Settings, allow: Risk | None) -> Target:
    """The target of that name, not started. Raises ConfigurationError for a name that is not known."""
    if name == "embedded":
        from runbook_steps.stand_in.embedded import EmbeddedTarget  # noqa: PLC0415 - starts servers: costly

        return EmbeddedTarget.create(allowed=allow or Risk.DESTRUCTIVE)
    if name == "containers":
        from runbook_steps.stand_in.containers import ContainersTarget  # noqa: PLC0415 - only when it is asked for

        return ContainersTarget.over(settings.targets.get(name, {}), allowed=allow or Risk.DESTRUCTIVE)
    if name in LIVE or name in settings.targets:
        from runbook_steps.engine.targets.live import LiveTarget  # noqa: PLC0415 - only when it is asked for
        from runbook_steps.engine.targets.live_settings import load_live_settings  # noqa: PLC0415

        live = load_live_settings(name, settings.targets.get(name, {}), settings.root)
        return LiveTarget(name, live, allow or Risk.READONLY)
    known = dict.fromkeys((*TARGETS, *settings.targets))
    raise ConfigurationError(f"no target named {name!r}; there is {', '.join(known)}")
