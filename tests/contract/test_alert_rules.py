"""Every rule in Prometheus' own test runner: rings on its fault, silent when healthy, survives a gap, and resolves."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.machines.alerting import WATCHDOG_URL, alertmanager_config, prometheus_rules
from runbook_steps.engine.sources.alerts_file import Alert, seconds_of

ROOT = Path(__file__).parents[2]
PROJECT = load_project(ROOT)
OWNERS = PROJECT.owners
SITE = "https://runbooks.example"
RULED = {name: alert for name, alert in PROJECT.alerts.items() if alert.expr}
CASES: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "alert_cases.yml").read_text("utf-8"))
STEP_S = 15

Series = Mapping[str, Any]
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no promtool here: the rules are not tried"
)
needs_amtool = pytest.mark.skipif(shutil.which("amtool") is None, reason="no amtool here: the routes are not tried")


def rules(name: str, changed: Mapping[str, str] | None = None) -> str:
    """One rule of the site; `changed` replaces words in it."""
    text = prometheus_rules([RULED[name]], SITE, "runbooks", OWNERS)
    for old, new in (changed or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class Timeline:
    """Phases of a test, in steps of 15 s; a series is a value in each phase."""

    def __init__(self) -> None:
        self.steps = 0
        self._values: dict[str, list[str]] = {}
        self._counted: dict[str, float] = {}

    def phase(self, minutes: int, series: Series) -> None:
        """Adds minutes in which the series are so; one that is not among them is not there."""
        count = minutes * 60 // STEP_S
        for name in {**self._values, **series}:
            values = self._values.setdefault(name, ["_"] * self.steps)
            for step in range(count):
                values.append(self._value(name, series.get(name, "none"), self.steps + step, first=step == 0))
        self.steps += count

    def _value(self, name: str, value: object, step: int, *, first: bool) -> str:
        if isinstance(value, str) and value.startswith("reset "):
            self._counted[name] = 0.0 if first else self._counted[name]
            value = value.removeprefix("reset ")
        if isinstance(value, str) and value.startswith("once "):
            value = value.removeprefix("once ") if first else "+0"
        if value in {"none", "gap"}:
            return "stale" if value == "none" and step % 4 == 0 else "_"
        if value == "now":
            return str(step * STEP_S)
        if value in {"0 or 1", "1 of 10 fails"}:
            return str(step % 2 if value == "0 or 1" else int(step % 10 > 0))
        if value == "now in ms":
            return str(step * STEP_S * 1000)
        if isinstance(value, str) and value.startswith("+"):
            self._counted[name] = self._counted.get(name, 0.0) + float(value)
            return f"{self._counted[name]:.6f}"
        return str(value)

    @property
    def minutes(self) -> int:
        """How long it is so far."""
        return self.steps * STEP_S // 60

    def input(self) -> list[dict[str, str]]:
        """As promtool takes it."""
        return [{"series": name, "values": " ".join(values)} for name, values in self._values.items()]


def series_of(case: Mapping[str, Any], changed: Series) -> Series:
    """All series of a rule, `changed` among them."""
    return {**case["healthy"], **changed}


def expected(alert: Alert, timeline: Timeline, *, rings: bool) -> tuple[int, str, bool]:
    """Whether it must ring at the end of what the timeline holds so far."""
    return timeline.minutes - 1, alert.name, rings


def long(alert: Alert) -> int:
    """Minutes after which it must have rung: what it holds, its window, and a little."""
    return ((seconds_of(alert.hold) or 0) + (seconds_of(alert.window) or 0)) // 60 + 5


def story(alert: Alert, case: Mapping[str, Any], fault: Series, *, gap: bool = False) -> tuple[Timeline, list[Any]]:
    """Healthy for a while, the fault, perhaps a gap of two minutes in the readings, healthy again."""
    line, checks = Timeline(), []
    healthy, broken = series_of(case, {}), series_of(case, fault)
    line.phase(long(alert), healthy)
    checks.append(expected(alert, line, rings=False))
    line.phase(long(alert), broken)
    checks.append(expected(alert, line, rings=True))
    if gap:
        line.phase(2, dict.fromkeys(broken, "gap"))
        checks.append(expected(alert, line, rings=True))
        line.phase(long(alert), broken)
        checks.append(expected(alert, line, rings=True))
    line.phase(long(alert) + 12, healthy)
    checks.append(expected(alert, line, rings=False))
    return line, checks


def always_quiet(alert: Alert, case: Mapping[str, Any], changed: Series) -> tuple[Timeline, list[Any]]:
    """What must never ring: neither when it begins nor later."""
    line, checks = Timeline(), []
    line.phase(long(alert), series_of(case, {}))
    series = series_of(case, changed)
    for _ in range(2 * long(alert)):
        line.phase(1, series)
        checks.append(expected(alert, line, rings=False))
        series = {name: later(value) for name, value in series.items()}
    return line, checks


def later(value: object) -> object:
    """What becomes of a value after its beginning."""
    if not isinstance(value, str):
        return value
    return "+0" if value.startswith("once ") else value.removeprefix("reset ")


def stories(alert: Alert) -> Iterator[tuple[str, Timeline, list[Any]]]:
    """Every case of a rule, with its name."""
    case = CASES[alert.name]
    if case.get("rings") == "always":
        line = Timeline()
        line.phase(10, {"other": 1})
        yield "always", line, [(1, alert.name, True), (9, alert.name, True)]
        return
    yield "rings and resolves", *story(alert, case, case["fault"])
    yield "survives a gap", *story(alert, case, case["fault"], gap=True)
    for name, changed in case.get("also_rings", {}).items():
        yield name, *story(alert, case, changed)
    for name, changed in case.get("quiet", {}).items():
        yield name, *always_quiet(alert, case, changed)


def promtool_tests(name: str) -> dict[str, Any]:
    """The file of tests. Only whether it rings is compared; labels differ by the case."""
    tests = [
        {
            "interval": f"{STEP_S}s",
            "name": f"{name}: {case}",
            "input_series": line.input(),
            "promql_expr_test": [
                {
                    "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) > bool 0 or vector(0)',
                    "eval_time": f"{minute}m",
                    "exp_samples": [{"labels": "{}", "value": int(wanted)}],
                }
                for minute, alert, wanted in checks
            ],
        }
        for case, line, checks in stories(RULED[name])
    ]
    return {"rule_files": ["rules.yml"], "evaluation_interval": f"{STEP_S}s", "tests": tests}


def promtool(folder: Path, text: str, name: str) -> subprocess.CompletedProcess[str]:
    """Runs the tests of this rule on this rules file."""
    (folder / "rules.yml").write_text(text, "utf-8")
    (folder / "tests.yml").write_text(yaml.safe_dump(promtool_tests(name)), "utf-8")
    return subprocess.run(
        ["promtool", "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_every_rule_has_its_cases() -> None:
    """And no case is left of a rule that is gone."""
    assert set(CASES) == set(RULED)


@needs_promtool
@pytest.mark.parametrize("name", sorted(RULED))
def test_a_rule_rings_on_its_fault_and_on_nothing_else(tmp_path: Path, name: str) -> None:
    """Healthy, broken, a gap, healthy again; its other faults; what must never ring."""
    done = promtool(tmp_path, rules(name), name)

    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("RedisUnreachable", 'redis_up{job="redis"}', 'redis_up{job="reddis"}', id="a wrong label"),
        pytest.param("CertificateExpiring", "/ 86400 < 21", "/ 3600 < 21", id="a wrong unit"),
        pytest.param("ErrorRateHigh", "[5m]", "[10s]", id="a wrong window"),
        pytest.param("RedisMemoryHigh", '(redis_memory_max_bytes{job="redis"} > 0)',
                     'redis_memory_max_bytes{job="redis"}', id="a division by zero"),
        pytest.param("PlatformDown", ' or absent(probe_success{job="outside"} == 1)', "", id="no case of absence"),
        pytest.param("DatabaseConnectionsHigh", 'pg_connections_used{job="postgres"}', 'sum(pg_connections_used)',
                     id="all servers together"),
    ],
)  # fmt: skip
def test_a_planted_mistake_is_red(tmp_path: Path, name: str, old: str, new: str) -> None:
    """The cases see what they are there for."""
    assert promtool(tmp_path, rules(name, {old: new}), name).returncode != 0


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
