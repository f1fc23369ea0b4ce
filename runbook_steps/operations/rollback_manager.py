"""The rollback: ten steps, each of which really does what it says, within 15 minutes.

Names, order and limits are those of production (production-interfaces.md, "rollback-manager"). Half of the slots get
no requests while they are restarted, then the other half: somebody always serves. Whatever fails, every slot that can
serve is put back behind the proxy.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg

from runbook_steps.engine.errors import OperationError, RunbookError
from runbook_steps.operations.backup_make import BackupSettings
from runbook_steps.operations.backup_reports import in_words
from runbook_steps.operations.backup_restore import refuse_in_place, restore
from runbook_steps.operations.backup_store import Manifest, Store
from runbook_steps.operations.notifications import notify
from runbook_steps.operations.postgres_connection import exclusive
from runbook_steps.operations.releases import ROLLED_BACK, ROLLING_BACK, Releases, Way
from runbook_steps.operations.rollback_criteria import by_health_alone
from runbook_steps.operations.rollback_slots import Clock, Slot, Slots
from runbook_steps.operations.traffic import MOST_ERRORS_PERCENT, read_traffic

__all__ = ["LONGEST_S", "Pace", "Rollback", "backup_before"]

CHANNEL = "#deployments"  # production-interfaces.md, "Services"
LONGEST_S = 900.0  # production-interfaces.md: 15 min is the longest it may take
MOST_DISK_PERCENT, MOST_MEMORY_PERCENT = 90.0, 95.0  # production-interfaces.md: refused from there on
SLOT_S = 60.0  # how long a restarted slot may take to be healthy
ENOUGH = 5  # requests before a rate says anything


def backup_before(environ: Mapping[str, str], releases: Releases) -> Manifest:
    """The newest backup from before the running release was deployed. Raises OperationError when there is none."""
    version = releases.way_back().old
    deployed = releases.deployed_at(version) or datetime.now(UTC)
    for manifest, _ in Store.from_environ(environ).backups():
        if datetime.fromisoformat(manifest.created) <= deployed:
            return manifest
    raise OperationError(
        f"no backup from before {version} was deployed ({deployed.isoformat()}): the database cannot be rolled back; "
        "leave out --with-database to roll back the application alone"
    )


@dataclass(frozen=True)
class Pace:
    """Its clocks, in seconds; production's unless a drill shortens them."""

    limit_s: float = LONGEST_S
    tries: int = 10
    pause_s: float = 30.0
    watch_s: float = 300.0


class _Skipped(Exception):
    """A step that is not needed; the text says why."""


class Rollback:
    """One rollback. `run` gives the result and never raises for a step that fails."""

    def __init__(
        self,
        environ: Mapping[str, str],
        reason: str,
        pace: Pace,
        tell: Callable[[str], None],
        *,
        with_database: bool = False,
    ) -> None:
        """Raises ConfigurationError when something to find the platform by is missing."""
        self._environ = environ
        self._reason = reason
        self._with_database = with_database
        self._pace = pace
        self._tell = tell
        self._releases = Releases.from_environ(environ)
        self._slots = Slots(environ, tell)
        self._clock = Clock(pace.limit_s)
        self._way = Way("", "")
        self._told = "not looked at"
        self._backup: Manifest | None = None
        self._began = datetime.now(UTC)

    def run(self) -> dict[str, Any]:
        """Success, duration in seconds, every step, and what to do when one failed."""
        began, rows, error = time.monotonic(), [], ""
        for name, act in self._steps():
            if error or self._way.done:
                rows.append({"name": name, "status": "not reached" if error else "skipped", "duration": 0.0})
                continue
            self._tell(name)
            row, error = self._one(name, act)
            rows.append(row)
        if error:
            with contextlib.suppress(RunbookError):
                self._slots.serve_with_what_is_healthy()
            self._say(f"Rollback to {self._way.new or 'the previous release'} FAILED: {error}")
        result = {
            "success": not error,
            "duration": round(time.monotonic() - began, 3),
            "from": self._way.old,
            "to": self._way.new,
            "steps": rows,
            "finalStatus": self._final(error),
        }
        return {**result, "error": error} if error else result

    def _steps(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("Pre-rollback Validation", self._validate),
            ("Stakeholder Notification", self._announce),
            ("Stop Traffic", self._stop_traffic),
            ("Database Rollback", self._database),
            ("Application Rollback", self._application),
            ("Configuration Rollback", self._configuration),
            ("Health Validation", self._health),
            ("Resume Traffic", self._resume),
            ("Post-rollback Stability", self._stability),
            ("Final Notification", self._conclude),
        ]

    def _one(self, name: str, act: Callable[[], None]) -> tuple[dict[str, Any], str]:
        began, status, error, detail = time.monotonic(), "completed", "", ""
        try:
            self._clock.left()
            act()
        except _Skipped as why:
            status, detail = "skipped", str(why)
        except RunbookError as failure:
            status, error = "failed", str(failure)
        except psycopg.Error as failure:
            status, error = "failed", f"PostgreSQL says: {failure.diag.message_primary or type(failure).__name__}"
        except OSError as failure:
            status, error = "failed", f"{failure.filename or 'a file'}: {failure.strerror}"
        row: dict[str, Any] = {"name": name, "status": status, "duration": round(time.monotonic() - began, 3)}
        row |= {"details": detail} if detail else {}
        row |= {"error": error} if error else {}
        return row, error

    def _final(self, error: str) -> str:
        if not error:
            return f"already on {self._way.new}" if self._way.done else f"rolled back to {self._way.new}"
        serving = [f"api_{slot.number} {slot.version()}" for slot in self._slots.all if slot.healthy()]
        state = f"serving: {', '.join(serving)}" if serving else "NO SLOT IS HEALTHY: call the Engineering Lead now"
        return f"failed; {state}. Repair what the error names, then run the same command again: it goes on from there"

    # -- the steps ----------------------------------------------------------------------------------
    def _validate(self) -> None:
        way = self._releases.way_back()
        on_it = all(slot.version() == way.new for slot in self._slots.all) and self._releases.current() == way.new
        self._way = Way(way.old, way.new, done=way.done and on_it)
        if self._way.done:
            return
        disk = shutil.disk_usage(self._releases.folder)
        used, memory = 100 * disk.used / (disk.used + disk.free), psutil.virtual_memory().percent
        if used >= MOST_DISK_PERCENT:
            raise OperationError(f"the disk is {used:.0f} % full, {MOST_DISK_PERCENT:g} % is too much: free some first")
        if memory >= MOST_MEMORY_PERCENT:
            raise OperationError(f"{memory:.0f} % of the memory is used, {MOST_MEMORY_PERCENT:g} % is too much")
        if self._with_database:
            self._backup = backup_before(self._environ, self._releases)
            settings = BackupSettings.from_environ(self._environ)
            refuse_in_place(settings, self._backup, settings.prepared)
        self._releases.add(ROLLING_BACK, **{"from": way.old, "to": way.new, "reason": self._reason})

    def _announce(self) -> None:
        self._say(f"Rollback from {self._way.old} to {self._way.new} begins: {self._reason}")

    def _halves(self) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
        middle = len(self._slots.all) // 2
        return self._slots.all[:middle], self._slots.all[middle:]

    def _stop_traffic(self) -> None:
        first, second = self._halves()
        if not first:
            raise _Skipped("one slot only: nobody else could serve")
        self._slots.serve_with(second, self._clock)

    def _database(self) -> None:
        if self._backup is None:
            raise _Skipped("not asked for: --with-database")
        settings, store = BackupSettings.from_environ(self._environ), Store.from_environ(self._environ)
        with exclusive(settings.database, "rollback"):
            _, filled = restore(settings, store, self._backup, self._tell, settings.prepared)
        for each in filled.invalid:
            self._tell(f"warning: {in_words(each)}")

    def _application(self) -> None:
        self._releases.switch(self._way.new)
        if any(slot.version() != self._way.new for slot in self._slots.all):
            self._slots.renew(self._clock, self._wait_for)

    def _configuration(self) -> None:
        kept = self._releases.of(self._way.new) / "api.env"
        file = Path(self._environ.get("API_ENV_FILE", ""))
        if not kept.is_file() or not file.is_file():
            raise _Skipped("no settings were recorded with that release")
        if kept.read_bytes() == file.read_bytes():
            raise _Skipped("the settings are those of that release")
        replaced = self._releases.of(self._way.old) / "api.env.replaced"
        replaced.touch(mode=0o600)
        replaced.write_bytes(file.read_bytes())
        file.write_bytes(kept.read_bytes())
        self._slots.renew(self._clock, self._wait_for)

    def _wait_for(self, slot: Slot) -> None:
        end = time.monotonic() + min(SLOT_S, self._clock.left())
        while not (slot.healthy() and slot.version() == self._way.new):
            if time.monotonic() > end:
                said = slot.version() or "nothing"
                raise OperationError(
                    f"api_{slot.number} is not healthy on {self._way.new}, it says {said}; see its log"
                )
            self._clock.wait(0.05)

    def _health(self) -> None:
        bad: list[str] = []
        for number in range(self._pace.tries):
            if number:
                self._clock.wait(self._pace.pause_s)
            bad = [f"api_{s.number}" for s in self._slots.all if not s.healthy() or s.version() != self._way.new]
            if not bad:
                return
        raise OperationError(f"not healthy on {self._way.new} after {self._pace.tries} tries: {', '.join(bad)}")

    def _resume(self) -> None:
        self._slots.serve_with(self._slots.all, self._clock)

    def _stability(self) -> None:
        since, end = datetime.now(UTC), time.monotonic() + self._pace.watch_s
        while True:
            bad = [f"api_{slot.number}" for slot in self._slots.all if not slot.healthy()]
            if bad:
                raise OperationError(f"not stable on {self._way.new}: {', '.join(bad)} became unhealthy")
            self._told = self._look_at_errors(since)
            if time.monotonic() >= end:
                return
            self._clock.wait(min(5.0, self._pace.watch_s / 10))

    def _look_at_errors(self, since: datetime) -> str:
        """What the log tells of them: a log without requests does not read as one without errors."""
        log = Path(self._environ.get("LOG_DIR", "")) / "app.log"
        with log.open(encoding="utf-8", errors="replace") as lines:
            seen = read_traffic(lines, since)
        if seen.total.requests < ENOUGH:
            return by_health_alone(seen)
        if seen.error_rate_percent > MOST_ERRORS_PERCENT:
            raise OperationError(
                f"not stable on {self._way.new}: {seen.error_rate_percent:g} % errors. The release was not the cause: "
                "follow the runbook High error rate"
            )
        return f"{seen.error_rate_percent:g} % errors in {seen.total.requests} requests"

    def _conclude(self) -> None:
        self._releases.add(ROLLED_BACK, **{"from": self._way.old, "to": self._way.new, "reason": self._reason})
        self._say(f"Rolled back from {self._way.old} to {self._way.new}, stable ({self._told}): {self._reason}")

    def _say(self, text: str) -> None:
        notify(self._environ, CHANNEL, text)
