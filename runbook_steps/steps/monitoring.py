"""Alerts: that they ring on the fault, lead to this page, and fall silent after the repair."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, then

from runbook_steps.engine.errors import CheckFailed, NotRunnableHere, TargetError
from runbook_steps.engine.model import Procedure
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.pytest_side.feature_collector import procedure_of
from runbook_steps.engine.pytest_side.session_settings import PROOF
from runbook_steps.engine.site.machines.alerting import (
    WATCHDOG,
    WATCHDOG_URL,
    alertmanager_config,
    prometheus_rules,
)
from runbook_steps.engine.sources.alerts_file import RINGS, SILENT, runbook_url, seconds_of
from runbook_steps.engine.sources.feature_file import stem_of
from runbook_steps.engine.targets.protocol import Target
from runbook_steps.operations.backup_age_file import SERIES, VARIABLE
from runbook_steps.stand_in.monitoring.config import PACE
from runbook_steps.stand_in.monitoring.programs import find_programs
from runbook_steps.stand_in.monitoring.stack import Monitoring

SITE = "https://runbooks.example"
ASSETS = "docs/assets/monitoring"
WATCH = pytest.StashKey[Any]()
SLACK_S = 20.0
"""What a drill adds to the window of an alert: scrapes, evaluation, its `for` of half a second, a busy machine."""


class Watch:
    """The monitoring of this worker's target, while alerts are watched; why not, where it cannot be.

    Between scenarios it is paused: what it asks and holds would be counted by drills that watch no alert.
    """

    def __init__(self, target: Target, root: Path) -> None:
        self._target = target
        self._root = root
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._project: Project | None = None
        self._monitoring: Monitoring | None = None
        self._watched: Mapping[str, str] = {}
        self._reading = False
        self.absent = ""

    @property
    def project(self) -> Project:
        """The alerts with their pages."""
        self._project = self._project or load_project(self._root)
        return self._project

    @property
    def monitoring(self) -> Monitoring | None:
        """Running and reading in a scenario that watches; None where there is none, with the reason in `absent`."""
        return self._monitoring if self._reading else None

    def prepare(self) -> None:
        """Some scenario will watch: what takes longest is started beside those before it, and then rests."""
        if self._reading or not self._can():
            return
        if self._monitoring is None:
            self._make()
        elif self._watched == self._target.environment():
            self._monitoring.rest()

    def begin(self, alerts: Iterable[str]) -> None:
        """Watches, and returns when none of the alerts rings: else nobody could tell what made it ring."""
        if not self._reads():
            return
        for alert in alerts:
            if alert != WATCHDOG:
                self.until_silent(alert, "rings before there is a fault")

    def until_silent(self, alert: str, otherwise: str) -> float:
        """Seconds until it is silent and every exporter can look. Raises CheckFailed at the limit."""
        monitoring = self._monitoring
        assert monitoring is not None
        return _until(
            lambda: monitoring.looks() and not monitoring.ringing(alert),
            SLACK_S + (seconds_of(PACE.window) or 0),
            f"{alert} {otherwise}, or is not read",
        )

    def pause(self) -> None:
        """Until the next scenario that watches."""
        if self._monitoring is not None:
            self._monitoring.pause()

    def _can(self) -> bool:
        if self.absent:
            return False
        try:
            find_programs()
        except NotRunnableHere as error:
            self.absent = str(error)
            return False
        if not self._target.facts.disposable:
            self.absent = f"{self._target.name} is live: its own monitoring watches it"
        return not self.absent

    def _reads(self) -> bool:
        """Whether it does: started, or gone on with, when the target is still what it was."""
        if not self._can():
            return False
        self._target.start(["nginx"])
        if self._monitoring is None or self._watched != self._target.environment():
            self.close()
            self._make()
        monitoring = self._monitoring
        assert monitoring is not None
        if self._reading:
            monitoring.resume()
        else:
            self.backup_made(datetime.now(UTC))
            monitoring.start()
            self._reading = True
        return True

    def _make(self) -> None:
        """Its Prometheus alone, of the target as it is."""
        self._watched = self._target.environment()
        self._folder = tempfile.TemporaryDirectory(prefix="monitoring-")
        self._monitoring = Monitoring(Path(self._folder.name), find_programs(), self._watched)
        self._monitoring.prepare(*self._texts(), self._root / ASSETS)

    def backup_made(self, when: datetime) -> Path | None:
        """Tells the exporter when the newest backup was made; gives the file that it reads."""
        line = f"{SERIES} {when.timestamp():.0f}\n"
        return self._monitoring.textfile("backup", line) if self._monitoring else None

    def host_has(self, *, process: int | None = None, volume: Path | None = None) -> None:
        """What runs or is mounted on the host that is watched; nothing to tell where nobody watches."""
        if self._monitoring is not None:
            self._monitoring.host.has(process=process, volume=volume)

    def _texts(self) -> tuple[str, str]:
        project = self.project
        alerts = list(project.alerts.values())
        return (
            prometheus_rules(alerts, SITE, "drill", project.owners, PACE),
            alertmanager_config(alerts, project.severities, project.owners, WATCHDOG_URL),
        )

    def close(self) -> None:
        """Ends it."""
        if self._monitoring is not None:
            self._monitoring.close()
            self._monitoring, self._reading = None, False
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, bool, bool]:
    """What takes longest of the monitoring is started beside the target."""
    proof = session.config.pluginmanager.get_plugin(PROOF)
    if proof is not None and not session.config.option.collectonly and any(map(_watches, session.items)):
        watch = session.config.stash[WATCH] = Watch(proof.target, proof.settings.root)
        session.config.add_cleanup(watch.close)
        with suppress(TargetError):  # who starts the target is told the same, and tells it
            watch.prepare()
    return (yield)


@pytest.fixture(scope="session")
def watch(request: pytest.FixtureRequest, target: Target, proof: Any) -> Generator[Watch, None, None]:
    """What is read once for the session, however many alerts are watched."""
    found = request.config.stash.get(WATCH, None) or Watch(target, proof.settings.root)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def watched_from_the_start(request: pytest.FixtureRequest) -> Generator[None, None, None]:
    """The monitoring runs before the fault: what it sees first is the healthy system. It rests after the scenario."""
    procedure = procedure_of(request.node)
    alerts = alerts_of(procedure) if procedure else []
    if not alerts:
        prepared: Watch | None = request.config.stash.get(WATCH, None)
        if procedure and prepared:
            prepared.prepare()
        yield
        return
    watch: Watch = request.getfixturevalue("watch")
    try:
        watch.begin(alerts)
    except BaseException:
        watch.close()  # the next scenario begins with a new one
        raise
    yield
    watch.pause()


def _watches(item: pytest.Item) -> bool:
    return (procedure := procedure_of(item)) is not None and bool(alerts_of(procedure))


def alerts_of(procedure: Procedure) -> list[str]:
    """The alerts that the scenario watches."""
    return [found["alert"] for step in procedure.steps if (found := re.fullmatch(RINGS, step.text))]


@given("the last backup was made two days ago")
def backups_are_old(
    target: Target,
    watch: Watch,
    workspace: Path,
    variables: dict[str, str],
    cannot_be_seen: Callable[[str], None],
) -> None:
    if not target.facts.disposable:
        cannot_be_seen("on a live target the timer of the host writes when the newest backup was made")
        return
    told = watch.backup_made(datetime.now(UTC) - timedelta(days=2))
    variables[VARIABLE] = str(told or workspace / "backup.prom")


@given(parsers.re(RINGS))
def the_alert_rings(
    watch: Watch,
    request: pytest.FixtureRequest,
    note: Callable[[str], None],
    cannot_be_seen: Callable[[str], None],
    alert: str,
) -> None:
    monitoring = watch.monitoring
    if monitoring is None:
        cannot_be_seen(f"not watched: {watch.absent}")
        return
    known = watch.project.alerts[alert]
    limit = SLACK_S + (seconds_of(PACE.window) or 0) + ((PACE.age_s or 0.0) if known.is_age else 0.0)
    seen: list[str] = []

    def rings() -> bool:
        seen[:] = [each.runbook_url for each in monitoring.ringing(alert)]
        return bool(seen)

    took = _until(rings, limit, f"{alert} does not ring")
    note("rang all along, as it must" if alert == WATCHDOG else f"rang {took:.1f} s after the fault")
    if set(seen) != {runbook_url(SITE, known)}:
        raise CheckFailed(f"{alert} leads to {', '.join(seen)}, not to {runbook_url(SITE, known)}")
    procedure = procedure_of(request.node)
    page = next((front for runbook in watch.project.runbooks if (front := runbook.front_matter)
                 and procedure and runbook.stem == stem_of(procedure.position.path)), None)  # fmt: skip
    if page is None or alert not in page.alerts:
        raise CheckFailed(f"{alert} leads to {known.runbook}, and this page is {page.id if page else 'none'}")


@then(parsers.re(SILENT))
def the_alert_is_silent_again(
    watch: Watch, note: Callable[[str], None], cannot_be_seen: Callable[[str], None], alert: str
) -> None:
    if watch.monitoring is None:
        cannot_be_seen(f"not watched: {watch.absent}")
        return
    took = watch.until_silent(alert, "goes on ringing")
    note(f"silent {took:.1f} s after the repair")


def _until(condition: Callable[[], bool], limit_s: float, otherwise: str) -> float:
    """Seconds until it is so. Raises CheckFailed at the limit."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > limit_s:
            raise CheckFailed(f"{otherwise}, {limit_s:g} s long")
        time.sleep(0.1)
    return time.monotonic() - began
