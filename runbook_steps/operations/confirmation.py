"""Operations that destroy ask first: a person types the name of the target, a script gives it with --yes."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.model import CONFIRMED

__all__ = ["require_yes"]


def require_yes(environ: Mapping[str, str], yes: str | None, *, what: str, again: str) -> None:
    """Returns when somebody said yes to exactly this target; asks on the terminal when nobody did yet.

    `what` tells what is destroyed, `again` is the command, without its --yes. Raises RefusedError otherwise.
    """
    target = environ.get("RUNBOOKS_TARGET", "")
    if not target:
        raise ConfigurationError("RUNBOOKS_TARGET is not set; it names the target that the answer must repeat")
    if yes is None and environ.get(CONFIRMED) == target:
        return
    if yes is None and sys.stdin.isatty() and sys.stderr.isatty():
        yes = _asked(what, target)
        if yes != target:
            raise RefusedError(f"the answer was {yes[:40]!r}, not {target!r}; nothing was done")
    if yes is None:
        raise RefusedError(f"{what} on {target}. If that is what you want: {again} --yes {target}")
    if yes != target:
        raise RefusedError(f"--yes names {yes!r}, but this is {target!r}; nothing was done")


def _asked(what: str, target: str) -> str:
    """What the person typed, after everything that was pasted along with the command is thrown away."""
    _forget_pasted_input()
    sys.stderr.write(f"{what} on {target}.\nType the name of the target to go on: ")
    sys.stderr.flush()
    try:
        return sys.stdin.readline().strip()
    except KeyboardInterrupt:
        return ""


def _forget_pasted_input() -> None:
    """A paste brings the next lines with it: they must not be the answer."""
    try:
        import termios  # noqa: PLC0415 - not on every system

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    except (ImportError, OSError):
        return
