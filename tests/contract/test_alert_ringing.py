"""Each rule in a real Prometheus: silent on healthy traffic, rings on a fault made by hand, and falls silent again."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runbook_steps.engine.errors import NotRunnableHere
from runbook_steps.engine.git import Repository
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.proof.alert_trials import Trial, write_trials
from runbook_steps.engine.settings import load_settings
from runbook_steps.engine.site.machines.alerting import WATCHDOG_URL, alertmanager_config, prometheus_rules
from runbook_steps.engine.sources.alerts_file import runbook_url
from runbook_steps.faults.meanwhile import meanwhile
from runbook_steps.stand_in.embedded import EmbeddedTarget
from runbook_steps.stand_in.monitoring.config import PACE
from runbook_steps.stand_in.monitoring.programs import find_programs
from runbook_steps.stand_in.monitoring.stack import Monitoring
from tests.contract.alert_faults import FAULTS, full_memory, stopped
from tests.contract.alert_hosts import Site

ROOT = Path(__file__).parents[2]
PROJECT = load_project(ROOT)
ADDRESS = "https://runbooks.example"
LIMIT_S = 90.0
UNSHORTENED = dataclasses.replace(PACE, age_s=None)
"""A drill's pace, but data must be as old as in production: here the minute of a lagging replica is waited for."""
TRIALS: list[Trial] = []
"""What was seen; the index of alerts shows it."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A target of its own, watched from outside."""
    try:
        programs = find_programs()
    except NotRunnableHere as error:
        pytest.skip(f"the rules are not tried in a real Prometheus: {error}")
    alerts = list(PROJECT.alerts.values())
    with EmbeddedTarget.create() as target:
        target.start({"nginx"})
        monitoring = Monitoring(tmp_path_factory.mktemp("monitoring"), programs, target.environment())
        try:
            monitoring.prepare(
                prometheus_rules(alerts, ADDRESS, "drill", PROJECT.owners, UNSHORTENED),
                alertmanager_config(alerts, PROJECT.severities, PROJECT.owners, WATCHDOG_URL),
                ROOT / "docs/assets/monitoring",
            )
            monitoring.start()
            monitoring.textfile("backup", f"backup_last_success_timestamp_seconds {time.time():.0f}\n")
            yield Site(target, monitoring)
            if TRIALS:
                write_trials(load_settings(ROOT).evidence_dir, TRIALS)
        finally:
            monitoring.close()


def ringing(site: Site) -> set[str]:
    """Every alert that rings now."""
    return {alert for alert in PROJECT.alerts if site.monitoring.ringing(alert)}


def wait(condition: Callable[[], object], otherwise: str) -> float:
    """Seconds until it is so; fails at the limit. On a busy machine a single scrape may come too late."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < LIMIT_S, otherwise
        time.sleep(0.1)
    return time.monotonic() - began


def until(site: Site, alert: str, *, rings: bool) -> float:
    """Seconds until it rings, or is silent."""
    otherwise = f"{alert} {'does not ring' if rings else 'goes on ringing'}"
    return wait(lambda: bool(site.monitoring.ringing(alert)) is rings, otherwise)


def until_looked(site: Site) -> None:
    """Every exporter answers."""
    wait(site.monitoring.looks, "an exporter goes on not answering")


def failed_to_look(site: Site) -> bool:
    """Whether a scrape or a probe was not answered in time just now: what rings then rings rightly."""
    window = "[30s]"
    query = " or ".join(f"count(min_over_time({name}{window}) == 0)" for name in ("up", "probe_success"))
    return site.monitoring.value(query) is not None


def quiet_for(site: Site, seconds: float) -> bool:
    """Whether nothing but the watchdog rang so long; False where this machine was too busy to be watched."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ringing(site)
        if found != {"Watchdog"}:
            assert failed_to_look(site), found
            return False
        time.sleep(0.5)
    return True


def test_healthy_traffic_rings_nothing_but_the_watchdog(site: Site) -> None:
    """Fifteen seconds at this pace are more than an hour of production's: signed-in customers, cached searches."""
    until(site, "Watchdog", rings=True)
    customer = site.signed_in()
    statuses: Counter[int] = Counter()

    def look_at_own_bookings() -> None:
        statuses[site.ask("/api/bookings", customer)] += 1

    warm = 'sum(rate(api_cache_requests_total{result="hit"}[4s])) / sum(rate(api_cache_requests_total[4s])) > 0.9'
    with (
        meanwhile(lambda: site.search(1)),
        meanwhile(lambda: site.ask("/api/service-categories"), 2),
        meanwhile(look_at_own_bookings),
    ):
        wait(lambda: site.monitoring.value(warm) is not None, "the searches of customers are not in the cache")
        for alert in sorted(PROJECT.alerts):
            if alert != "Watchdog":
                until(site, alert, rings=False)
        wait(lambda: quiet_for(site, 15), "this machine is too busy to be watched for fifteen seconds")
    assert set(statuses) == {200}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_rings_on_a_fault_made_by_hand_and_falls_silent(site: Site, fault: str) -> None:
    """With the address of its runbook; no procedure of a page is needed for that."""
    alert, broken = FAULTS[fault]
    if alert == "DiskFull" and os.geteuid() != 0:
        pytest.skip("a small file system needs root: the full disk is not tried")
    until(site, alert, rings=False)
    try:
        with broken(site):
            leads: list[str] = []

            def rings() -> bool:
                leads[:] = [each.runbook_url for each in site.monitoring.ringing(alert)]
                return bool(leads)

            rang_s = wait(rings, f"{alert} does not ring")
            assert set(leads) == {runbook_url(ADDRESS, PROJECT.alerts[alert])}
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no file system can be mounted here ({error.cmd[0]}): the full disk is not tried")
    silent_s = until(site, alert, rings=False)
    commit = Repository(ROOT).run("rev-parse", "HEAD").strip()
    TRIALS.append(Trial(alert, fault, round(rang_s, 1), round(silent_s, 1), f"{datetime.now(UTC):%Y-%m-%d}", commit))


def test_silence_while_nobody_can_look_is_told(site: Site) -> None:
    """A stopped Redis has no memory to be full: its alert is silent, and that is no good news."""
    with stopped(site, "redis"):
        until(site, "RedisUnreachable", rings=True)
        until(site, "RedisMemoryHigh", rings=False)
        wait(lambda: not site.monitoring.looks(), "a dead Redis is looked into")
    until(site, "RedisUnreachable", rings=False)
    until_looked(site)


def test_redis_without_a_limit_does_not_ring(site: Site) -> None:
    """Nothing is nearly full that has no end."""
    limit = int(site.redis.config_get("maxmemory")["maxmemory"] or 0)
    site.redis.config_set("maxmemory", 0)
    try:
        with full_memory(site):
            filled = f'redis_memory_used_bytes{{job="redis"}} > {0.85 * limit} and redis_memory_max_bytes == 0'
            wait(lambda: site.monitoring.value(filled) is not None, "Prometheus sees no full Redis without a limit")
            end = time.monotonic() + 5
            while time.monotonic() < end:
                assert not site.monitoring.ringing("RedisMemoryHigh")
                time.sleep(0.2)
    finally:
        site.redis.config_set("maxmemory", limit)


def test_paused_monitoring_holds_no_connection_and_goes_on(site: Site) -> None:
    """Between drills nobody may count its connections or its requests; afterwards it reads everything at once."""
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'exporter'"
    with site.connect() as session:
        wait(lambda: session.execute(count).fetchone() != (0,), "the exporter does not read PostgreSQL")
        site.monitoring.pause()
        try:
            wait(lambda: session.execute(count).fetchone() == (0,), "the exporter keeps its connection")
        finally:
            site.monitoring.resume()
    until_looked(site)
    with stopped(site, "redis"):
        until(site, "RedisUnreachable", rings=True)
    until(site, "RedisUnreachable", rings=False)
