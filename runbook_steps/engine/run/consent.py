"""Before anything on a live target is changed: an explicit yes, the right hour, nobody else, and a steady state."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from runbook_steps.engine.errors import ConfigurationError, RefusedError
from runbook_steps.engine.model import Risk

__all__ = ["Consent", "refuse_without_consent"]

_UTC = ZoneInfo("UTC")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW = re.compile(r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True)
class Consent:
    """What the person who started the run said: `confirm` names the target, `now` ignores its window.

    `attended`: a person is asked before every single command.
    """

    risk: Risk
    confirm: str | None = None
    now: bool = False
    attended: bool = False


def refuse_without_consent(
    target: str, window: str, consent: Consent, moment: datetime | None = None, zone: ZoneInfo = _UTC
) -> None:
    """Raises RefusedError saying what is missing, ConfigurationError for a window that cannot be read.

    The window is one of that time zone.
    A verification run never changes production. On any other live target, `destructive` needs the target's
    name, and either its window or `--now`. In a guided run the person is asked for the name at each command.
    """
    if consent.risk is Risk.READONLY:
        return
    if consent.attended:
        if consent.confirm not in {None, target}:
            raise RefusedError(f"--confirm {consent.confirm} names another target: this run would change {target}")
        return
    if target == "production":
        raise RefusedError(
            f"a verification run never changes production: --allow {consent.risk} is for `runbooks run`, with a person"
        )
    if consent.risk is not Risk.DESTRUCTIVE:
        return
    if consent.confirm != target:
        raise RefusedError(f"--allow destructive can lose data on {target}: add --confirm {target} if that is meant")
    if not consent.now and not (window and _inside(window, moment or datetime.now(UTC), zone)):
        hours = f"its window is {window} ({zone.key})" if window else "it has no window set"
        raise RefusedError(
            f"not now: {target} may be broken on purpose in its window only, and {hours}; --now overrides"
        )


def _inside(window: str, moment: datetime, zone: ZoneInfo) -> bool:
    shape = _WINDOW.fullmatch(window)
    if shape is None:
        raise ConfigurationError(f"window {window!r}: write `Sun 02:00-05:00` or `02:00-05:00`, {zone.key}")
    local = moment.astimezone(zone)
    try:
        begin, end = time(int(shape[2]), int(shape[3])), time(int(shape[4]), int(shape[5]))
    except ValueError as error:
        raise ConfigurationError(f"window {window!r}: {error}") from error
    today = shape[1] is None or _DAYS[local.weekday()] == shape[1]
    return today and begin <= local.time() < end
