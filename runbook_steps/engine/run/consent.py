"""Before anything on a live target is changed: an explicit yes, the right hour, nobody else, and a steady state."""

from __future__ import annotations

import getpass
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from runbook_steps.engine.errors import ConfigurationError, RefusedError, TargetError
from runbook_steps.engine.model import Command, Position, Risk
from runbook_steps.engine.run.command import run_command

__all__ = ["Consent", "Lock", "refuse_without_consent", "steady_state_problem"]

TIME_ZONE = ZoneInfo("Asia/Amman")  # production-interfaces.md: the time zone of the platform
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WINDOW = re.compile(r"(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(\d\d):(\d\d)-(\d\d):(\d\d)")
_LOCK_KEY = 7_265_116_209  # any number that nobody else takes; the same for every run
_STEADY_LIMIT_S = 60.0


@dataclass(frozen=True)
class Consent:
    """What the person who started the run said: `confirm` names the target, `now` ignores its window.

    `attended`: a person is asked before every single command.
    """

    risk: Risk
    confirm: str | None = None
    now: bool = False
    attended: bool = False


def refuse_without_consent(target: str, window: str, consent: Consent, moment: datetime | None = None) -> None:
    """Raises RefusedError saying what is missing, ConfigurationError for a window that cannot be read.

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
    if not consent.now and not (window and _inside(window, moment or datetime.now(UTC))):
        hours = f"its window is {window} ({TIME_ZONE.key})" if window else "it has no window set"
        raise RefusedError(
            f"not now: {target} may be broken on purpose in its window only, and {hours}; --now overrides"
        )


def _inside(window: str, moment: datetime) -> bool:
    shape = _WINDOW.fullmatch(window)
    if shape is None:
        raise ConfigurationError(f"window {window!r}: write `Sun 02:00-05:00` or `02:00-05:00`, {TIME_ZONE.key}")
    local = moment.astimezone(TIME_ZONE)
    try:
        begin, end = time(int(shape[2]), int(shape[3])), time(int(shape[4]), int(shape[5]))
    except ValueError as error:
        raise ConfigurationError(f"window {window!r}: {error}") from error
    today = shape[1] is None or _DAYS[local.weekday()] == shape[1]
    return today and begin <= local.time() < end


class Lock:
    """One changing run at a time: an advisory lock, held by a session that says whose it is and since when."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    @classmethod
    def take(cls, database_url: str, run: str) -> Lock:
        """Raises RefusedError naming who holds it; TargetError when the database cannot be asked."""
        owner = f"runbooks {run} {getpass.getuser()}@{socket.gethostname()}"[:63]  # NAMEDATALEN - 1
        try:
            connection = psycopg.connect(
                database_url, autocommit=True, connect_timeout=10, application_name=owner, keepalives_idle=10
            )
            taken = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY]).fetchone()
            if taken is not None and taken[0]:
                return cls(connection)
            holder = connection.execute(_HOLDER, [_LOCK_KEY, _LOCK_KEY]).fetchone()
            connection.close()
        except psycopg.Error as error:
            raise TargetError(f"the lock of the database could not be taken: {type(error).__name__}") from error
        name, since = holder or ("a run that just ended", None)
        raise RefusedError(
            f"another run changes this target: {name}" + (f", since {since:%Y-%m-%d %H:%M:%S %Z}" if since else "")
            + ". Two at once would not know whose fault is whose: wait for it, or end it"
        )  # fmt: skip

    def release(self) -> None:
        """Ends the session, and with it the lock."""
        self._connection.close()


_HOLDER = """
SELECT activity.application_name, activity.backend_start FROM pg_locks
JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND classid = (%s::bigint >> 32)::oid AND objid = (%s::bigint & 4294967295)::oid
"""


def steady_state_problem(environment: Mapping[str, str], folder: Path) -> str:
    """What the health checks find wrong, in one line; empty when the target is in its steady state."""
    program = str(Path(sys.executable).with_name("beautycort"))
    command = Command(
        f"'{program}' health-checks health", "bash", "look at the steady state", Position("-", 0), _STEADY_LIMIT_S
    )
    result = run_command(command, environment, folder)
    if result.exit_code == 0:
        return ""
    wrong = [" ".join(line.split()) for line in result.stdout.splitlines() if not line.lstrip().startswith("✓")]
    return "; ".join(wrong[:3]) or result.stderr.strip() or "the health checks did not end"
