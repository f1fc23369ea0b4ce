"""Destructive operations need an explicit yes that names the target."""

from __future__ import annotations

from collections.abc import Mapping

from runbook_steps.engine.errors import ConfigurationError, RefusedError

__all__ = ["require_yes"]


def require_yes(environ: Mapping[str, str], yes: str | None, *, what: str, again: str) -> None:
    """Raises RefusedError unless `yes` is the target's name; `again` is the command, without its --yes."""
    target = environ.get("RUNBOOKS_TARGET", "")
    if not target:
        raise ConfigurationError("RUNBOOKS_TARGET is not set; it names the target that --yes must repeat")
    if yes is None:
        raise RefusedError(f"{what} on {target}. If that is what you want: {again} --yes {target}")
    if yes != target:
        raise RefusedError(f"--yes names {yes!r}, but this is {target!r}; nothing was done")
