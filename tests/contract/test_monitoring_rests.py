"""The monitoring of a drill before its first scenario: it looks at nothing yet, says so, and soon costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from runbook_steps.engine.errors import NotRunnableHere, TargetError
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.machines.alerting import WATCHDOG_URL, alertmanager_config, prometheus_rules
from runbook_steps.stand_in.monitoring.config import PACE
from runbook_steps.stand_in.monitoring.programs import find_programs
from runbook_steps.stand_in.monitoring.stack import Monitoring

ROOT = Path(__file__).parents[2]
NOBODY = {
    "API_SLOTS": "http://127.0.0.1:1",
    "API_BASE_URL": "https://127.0.0.1:1",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_HOST": "127.0.0.1",
    "REDIS_PORT": "1",
    "REDISCLI_AUTH": "",
}


@pytest.fixture
def prepared(tmp_path: Path) -> Iterator[Monitoring]:
    """Prometheus and Alertmanager alone: what they ask is not there."""
    try:
        monitoring = Monitoring(tmp_path, find_programs(), NOBODY)
    except NotRunnableHere as error:
        pytest.skip(f"no Prometheus: {error}")
    project = load_project(ROOT)
    alerts = list(project.alerts.values())
    try:
        monitoring.prepare(
            prometheus_rules(alerts, "https://runbooks.example", "drill", project.owners, PACE),
            alertmanager_config(alerts, project.severities, project.owners, WATCHDOG_URL),
            ROOT / "docs/assets/monitoring",
        )
        yield monitoring
    finally:
        monitoring.close()


def until(condition: Callable[[], bool]) -> None:
    """Waits for it, half a minute at most."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def answers(monitoring: Monitoring) -> bool:
    """Whether Prometheus can be asked."""
    try:
        return monitoring.value("vector(1)") == 1
    except TargetError:
        return False


def test_who_has_read_nothing_has_not_looked(prepared: Monitoring) -> None:
    """No reading at all is no good news: neither before the first scrape, nor when all of them failed."""
    until(lambda: answers(prepared))
    assert not prepared.looks()
    until(lambda: prepared.value("count(up == 0)") is not None)
    assert not prepared.looks()


def test_it_rests_as_soon_as_it_knows_whom_to_ask(prepared: Monitoring) -> None:
    """Scenarios that watch nothing are not burdened: what can wait for its turn is stopped, and stays so."""
    prometheus = psutil.Process(prepared.pid("prometheus"))

    def rests() -> bool:
        prepared.rest()
        return prometheus.status() == psutil.STATUS_STOPPED

    until(rests)
    assert rests()
