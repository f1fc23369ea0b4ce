"""The environment that the operations read. Names are production's; a value is never printed."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.errors import ConfigurationError, OperationError

__all__ = ["Unreachable", "number", "required"]


class Unreachable(OperationError):
    """A service that the operation needs cannot be reached."""

    exit_code = 4


def required(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    """The values of variables that must be set. Raises ConfigurationError naming every one that is not."""
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise ConfigurationError(
            f"{', '.join(missing)} not set; load the target's environment first, for example "
            'eval "$(runbooks target env)"'
        )
    return {name: environ[name] for name in names}


def number(environ: Mapping[str, str], name: str, default: int, *, low: int, high: int) -> int:
    """A whole number from low to high. Raises ConfigurationError, without the value, otherwise."""
    text = environ.get(name, "").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ConfigurationError(f"{name} must be a whole number from {low} to {high}")
    return int(text)
