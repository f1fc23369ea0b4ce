"""Names → targets. Each is imported only when it is asked for."""

from __future__ import annotations

from runbook_steps.errors import ConfigurationError
from runbook_steps.model import Risk
from runbook_steps.settings import Settings
from runbook_steps.targets.base import Target

__all__ = ["TARGETS", "make_target"]

TARGETS = ("embedded",)


def make_target(name: str, settings: Settings, allow: Risk | None) -> Target:
    """The target of that name, not started. Raises ConfigurationError for a name that is not known."""
    del settings
    if name == "embedded":
        from runbook_steps.targets.embedded import EmbeddedTarget  # noqa: PLC0415 - starts servers: costly

        return EmbeddedTarget.create(allowed=allow or Risk.DESTRUCTIVE)
    raise ConfigurationError(f"no target named {name!r}; there is {', '.join(TARGETS)}")
