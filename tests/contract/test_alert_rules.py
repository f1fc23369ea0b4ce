"""Every rule in Prometheus' own test runner: rings on its fault, silent when healthy, survives a gap, and resolves."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from runbook_steps.engine.site.machines.alerting import WATCHDOG_URL, alertmanager_config, prometheus_rules
from runbook_steps.engine.sources.alerts_file import Alert
from tests.contract.alert_mistakes import mistakes
from tests.contract.alert_stories import CASES, PROJECT, RULED, promtool_tests

OWNERS = PROJECT.owners
SITE = "https://runbooks.example"
BOTH_SIDES = {"RedisMemoryHigh", "DatabaseConnectionsHigh", "MemoryHigh", "DatabaseSlow"}
"""A fraction of series with the same labels: asking one side for the job is enough."""
NOTHING_OF_NOTHING = {"DatabaseSlow", "ResponseTimeHigh", "MemoryHigh"}
"""Where nothing is counted both parts are 0, or what is left is below every threshold: it is silent without a guard."""

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool here: the rules are not tried"
)
needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="no amtool here: the routes are not tried")


def rules(name: str) -> str:
    """One rule of the site."""
    return prometheus_rules([RULED[name]], SITE, "runbooks", OWNERS)


def promtool(folder: Path, text: str, name: str, as_well: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Runs the tests of this rule on this rules file; of the rules `as_well` the same is expected."""
    (folder / "rules.yml").write_text(text, "utf-8")
    (folder / "tests.yml").write_text(yaml.safe_dump(promtool_tests(name, as_well)), "utf-8")
    return subprocess.run(
        ["promtool", "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=900, check=False
    )


def is_no_mistake(alert: Alert, what: str) -> bool:
    """What changes nothing of a rule. A window of minutes and a case of absence ring through a gap by themselves."""
    return (
        (what.startswith("the job is not asked for") and alert.name in BOTH_SIDES)
        or (what.startswith("a division by zero") and alert.name in NOTHING_OF_NOTHING)
        or (what == "it ends with a gap" and bool(alert.window or alert.absent))
    )


def test_every_rule_has_its_cases() -> None:
    """And no case is left of a rule that is gone."""
    assert set(CASES) == set(RULED)
    measures = {name for name, alert in RULED.items() if alert.comparison != "at_least" or alert.unit == "%"}
    assert measures == {name for name, case in CASES.items() if {"nearly", "just"} <= set(case)}


@needs_promtool
@pytest.mark.parametrize("name", sorted(RULED))
def test_a_rule_rings_on_its_fault_and_on_nothing_else(tmp_path: Path, name: str) -> None:
    """Healthy, broken, a gap, healthy again; its other faults; what must never ring."""
    done = promtool(tmp_path, rules(name), name)

    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("name", sorted(RULED))
def test_every_planted_mistake_is_red(tmp_path: Path, name: str) -> None:
    """The cases see what they are there for: each label, unit, window, division, case of absence and time."""
    document = yaml.safe_load(rules(name))
    (rule,) = document["groups"][0]["rules"]
    planted = {f"planted {number}": each for number, each in enumerate(mistakes(RULED[name], rule))}
    document["groups"][0]["rules"] += [{**mistaken, "alert": called} for called, (_, mistaken) in planted.items()]
    done = promtool(tmp_path, yaml.safe_dump(document, width=1000), name, list(planted))
    red = set(re.findall(r'alertname=\\?"([^"\\]+)\\?"', done.stdout + done.stderr))

    assert name not in red, "the rule itself is red"
    unseen = [
        f"{what}: {mistaken['expr']}"
        for called, (what, mistaken) in planted.items()
        if called not in red and not is_no_mistake(RULED[name], what)
    ]
    assert not unseen, "\n".join(unseen)


@needs_amtool
def test_the_routes_are_good_and_lead_to_the_right_people(tmp_path: Path) -> None:
    """The worst wakes the owner and is told in its channel; the watchdog goes outside; nothing goes nowhere."""
    file = tmp_path / "alertmanager.yml"
    text = alertmanager_config(PROJECT.alerts.values(), PROJECT.severities, OWNERS, WATCHDOG_URL)
    file.write_text(text, "utf-8")

    def route(**labels: str) -> str:
        command = ["amtool", "config", "routes", "test", f"--config.file={file}"]
        said = [f"{name}={value}" for name, value in labels.items()]
        return subprocess.run([*command, *said], capture_output=True, text=True, timeout=30, check=True).stdout.strip()

    checked = subprocess.run(
        ["amtool", "check-config", str(file)], capture_output=True, text=True, timeout=30, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert route(alertname="PlatformDown", severity="critical", owner="devops_lead") == "wake_devops_lead,critical"
    assert (
        route(alertname="SecurityBreach", severity="critical", owner="security_lead") == "wake_security_lead,critical"
    )
    assert route(alertname="MemoryHigh", severity="medium", owner="devops_lead") == "medium"
    assert route(alertname="Watchdog", severity="low") == "watchdog"
    assert route(alertname="Unknown") == "critical"
    assert not re.search(r"(?:api_url|routing_key): ", text), "secrets are files"


@needs_promtool
def test_prometheus_can_read_what_every_panel_draws(tmp_path: Path) -> None:
    """The readings of all dashboards, as rules that are only recorded."""
    readings = [reading for alert in RULED.values() for reading in alert.readings]
    recorded = [{"record": f"reading_{number}", "expr": expr} for number, expr in enumerate(readings)]
    file = tmp_path / "readings.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "readings", "rules": recorded}]}), "utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)

    assert (done.returncode, f"SUCCESS: {len(readings)} rules found" in done.stdout) == (0, True), done.stderr
