"""Names → targets. Each is imported only when it is asked for."""

from __future__ import annotations

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.extensions import TARGETS, extension_names, load_extension
from runbook_steps.engine.model import Risk
from runbook_steps.engine.settings import Settings
from runbook_steps.engine.targets.protocol import Target, TargetMaker

__all__ = ["make_target"]

_LIVE = "live"
"""The entry point that makes every target which has a table in pyproject.toml and no entry point of its own."""


def target_names(settings: Settings) -> tuple[str, ...]:
    """The targets that can be asked for."""
    return tuple(n for n in dict.fromkeys((*extension_names(TARGETS, settings), *settings.targets)) if n != _LIVE)


def make_target(name: str, settings: Settings, allow: Risk | None) -> Target:
    """The target of that name, not started. Raises ConfigurationError for a name that is not known."""
    make: TargetMaker | None = load_extension(TARGETS, name, settings) if name != _LIVE else None
    if make is None and name in settings.targets:
        make = load_extension(TARGETS, _LIVE, settings) or _any_live_target()
    if make is None:
        known = ", ".join(target_names(settings)) or "none: an entry point of `runbooks.targets` makes one"
        raise ConfigurationError(f"no target named {name!r}; there is {known}")
    return make(name, settings, allow)


def _any_live_target() -> TargetMaker:
    from runbook_steps.engine.targets.live import LiveTarget  # noqa: PLC0415 - only when it is asked for

    return LiveTarget.make
