"""Alerts as data: what is refused, what is made of them, and that nothing else says another number."""

# ruff: noqa: SIM300 - what is expected stands first

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from runbook_steps.engine.errors import PageError
from runbook_steps.engine.site.machines.alerting import Pace, prometheus_rules
from runbook_steps.engine.sources.alerts_file import ALERTS, alerts_json, parse_alerts, seconds_of
from runbook_steps.operations.host import CPU_LIMIT_PERCENT, DISK_LIMIT_PERCENT, MEMORY_LIMIT_PERCENT
from runbook_steps.operations.traffic import MOST_ERRORS_PERCENT, SLOWEST_MEAN_MS
from runbook_steps.stand_in.embedded.aws_server import ALARMS

ROOT = Path(__file__).parents[3]
SITE = "https://runbooks.example/"
ENTRY = """\
  - alert: CacheFull
    means: The cache is full
    severity: HIGH
    runbook: cache-full
    above: 85
    unit: "%"
    source: measured once
    for: 5m
    expr: cache_used_percent > 85
"""
TEXT = f"# alerts\nalerts:\n{ENTRY}"


def test_an_alert_is_read_with_its_line() -> None:
    """The number and its sign are one limit."""
    found = parse_alerts(TEXT, ALERTS)["CacheFull"]

    assert ("above 85 %", "5m", "cache-full", f"{ALERTS}:3") == (
        found.limit,
        found.hold,
        found.runbook,
        str(found.position),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("alerts:\n", "alerts: []\nx:\n", "1: needs a list `alerts:`"),
        ("alerts:\n", f"alerts:\n{ENTRY}", "12: the alert CacheFull stands twice, first at line 3"),
        ("means: The cache is full", "meanz: x", "3: unknown key `meanz`; known: "),
        ("    means: The cache is full\n", "", "3: needs `means:`, in words"),
        ("    runbook: cache-full\n", "", "3: needs `runbook:`, in words"),
        ("CacheFull", "cache full", "3: “cache full” is no name of an alert"),
        ("above: 85", "above: 85\n    below: 5", "3: CacheFull needs one threshold"),
        ("    above: 85\n", "", "3: CacheFull needs one threshold"),
        ("above: 85", "above: many", "3: `above` must be a number"),
        ("> 85", "> 90", "3: the `expr` of CacheFull must end with its threshold, `> 85`"),
        ("> 85", "< 85", "3: the `expr` of CacheFull must end with its threshold, `> 85`"),
        ("for: 5m", "for: long", "3: CacheFull needs `for:`, a time like `5m`"),
        ("    expr: cache_used_percent > 85\n", "", "3: CacheFull needs `expr:` or `rings_from:`"),
        ("for: 5m", "for: 5m\n    window: 5m", "3: the `expr` of CacheFull has no `[$window]`"),
        ("cache_used_percent >", "rate(c[$window]) >", "3: CacheFull needs `window:`, a time like `5m`"),
        ("for: 5m", "for: 5m\n    window: 30s", "3: the `window:` of CacheFull must hold several scrapes: at least 2m"),
        (
            "for: 5m",
            "for: 5m\n    silenced_by: [Other]",
            "3: CacheFull is `silenced_by` Other, which is no other alert",
        ),
        ("for: 5m", "for: 5m\n    silenced_by: [CacheFull]", "3: CacheFull is `silenced_by` CacheFull"),
        ("for: 5m", "for: 5m\n    also: [x]", "3: `also` must be a list of numbers"),
        ('"%"', '"%', "12: not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, said: str) -> None:
    """One line each."""
    assert old in TEXT
    with pytest.raises(PageError) as refused:
        parse_alerts(TEXT.replace(old, new, 1), ALERTS)

    assert str(refused.value).startswith(f"{ALERTS}:{said}")


def test_the_rules_are_those_that_prometheus_reads() -> None:
    """Groups of rules, each with the address of its runbook; an alert from elsewhere is none of them."""
    text = TEXT + ENTRY.replace("CacheFull", "Lost").replace("expr: cache_used_percent > 85", "rings_from: a person")
    rules = yaml.safe_load(
        prometheus_rules(parse_alerts(text, ALERTS).values(), SITE, "demo", {"cache-full": "DevOps Lead"})
    )

    assert {
        "groups": [
            {
                "name": "demo",
                "rules": [
                    {
                        "alert": "CacheFull",
                        "expr": "cache_used_percent > 85",
                        "for": "5m",
                        "keep_firing_for": "5m",
                        "labels": {"severity": "high", "owner": "devops_lead"},
                        "annotations": {
                            "summary": "The cache is full",
                            "description": "Threshold: above 85 %, for 5m.",
                            "runbook_url": "https://runbooks.example/r/cache-full/",
                        },
                    }
                ],
            }
        ]
    } == rules


def test_a_drill_shortens_times_and_nothing_else() -> None:
    """The same data, its `for`, its windows, and how long it goes on; the threshold stays."""
    text = TEXT.replace("cache_used_percent >", "rate(cache_used[$window]) >").replace(
        "for: 5m", "for: 5m\n    window: 5m"
    )
    text = text.replace("    for: 5m", "    absent: absent(cache_used)\n    for: 5m")
    pace = Pace(hold="1s", window="10s", keep="0s")

    rule = yaml.safe_load(prometheus_rules(parse_alerts(text, ALERTS).values(), SITE, "demo", {}, pace))["groups"][0]

    assert ("rate(cache_used[10s]) > 85 or absent(cache_used)", "1s", False) == (
        rule["rules"][0]["expr"],
        rule["rules"][0]["for"],
        "keep_firing_for" in rule["rules"][0],
    )


def test_a_drill_shortens_a_threshold_that_is_an_age() -> None:
    """Data that grows old is a time that goes by, on both sides of an `or`; no other number with an s is touched."""
    text = TEXT.replace('unit: "%"', "unit: s").replace("cache_used_percent > 85", "old > 85 or older * 185 > 85")
    pace = Pace(hold="1s", age_s=4.0)

    paced, published = (
        yaml.safe_load(prometheus_rules(parse_alerts(text, ALERTS).values(), SITE, "demo", {}, pace))["groups"][0]
        for pace in (pace, Pace())
    )

    assert "old > 4 or older * 185 > 4" == paced["rules"][0]["expr"]
    assert "old > 85 or older * 185 > 85" == published["rules"][0]["expr"]


def test_only_a_replicas_lag_is_an_age() -> None:
    """An alert that is added with seconds is thought about: whether a drill may shorten them."""
    alerts = parse_alerts((ROOT / ALERTS).read_text("utf-8"), ALERTS)

    assert ["ReplicaLagging"] == [name for name, alert in alerts.items() if alert.is_age]


def test_the_json_holds_every_alert() -> None:
    """With the address of the site, which the link checker needs."""
    document = json.loads(alerts_json(parse_alerts(TEXT, ALERTS).values(), SITE))

    assert (SITE, ["CacheFull"]) == (document["site"], [alert["alert"] for alert in document["alerts"]])
    assert "https://runbooks.example/r/cache-full/" == document["alerts"][0]["runbook_url"]


def test_the_alarms_of_the_target_and_the_operations_have_the_same_thresholds() -> None:
    """A number that is written twice is compared, not believed."""
    alerts = parse_alerts((ROOT / ALERTS).read_text("utf-8"), ALERTS)
    units = {"Percent": "%", "Milliseconds": "ms"}

    by_alarm = {alert.cloudwatch: (alert.threshold, alert.unit) for alert in alerts.values() if alert.cloudwatch}
    assert by_alarm == {name: (limit, units[unit]) for name, _, _, limit, unit in ALARMS}
    assert {
        "ErrorRateHigh": MOST_ERRORS_PERCENT,
        "ResponseTimeHigh": SLOWEST_MEAN_MS,
        "CpuHigh": CPU_LIMIT_PERCENT,
        "MemoryHigh": MEMORY_LIMIT_PERCENT,
        "DiskFull": DISK_LIMIT_PERCENT,
    } == {
        name: alerts[name].threshold
        for name in ("ErrorRateHigh", "ResponseTimeHigh", "CpuHigh", "MemoryHigh", "DiskFull")
    }


def test_the_expressions_are_whole() -> None:
    """Brackets close, strings end, and every time window is the one that a drill shortens."""
    for alert in parse_alerts((ROOT / ALERTS).read_text("utf-8"), ALERTS).values():
        bare = re.sub(r'"[^"]*"', "", alert.expr)
        for opened, closed in ("()", "{}", "[]"):
            assert bare.count(opened) == bare.count(closed), alert.name
        assert '"' not in bare, alert.name
        assert [] == [window for window in re.findall(r"\[([^\]]*)\]", bare) if window != "$window"]


def test_an_alert_has_the_severity_of_the_words_that_it_quotes() -> None:
    """The page of the levels says it in one line, whose last bold word is the level."""
    page = (ROOT / "docs/emergency/severity-levels.md").read_text("utf-8").replace("`", "")
    quoted = {
        alert.name: (alert.severity, found[1])
        for alert in parse_alerts((ROOT / ALERTS).read_text("utf-8"), ALERTS).values()
        if (found := re.fullmatch("Severity levels, “(.*)”", alert.source))
    }
    levels = {
        name: {line.split("**")[-2] for line in page.splitlines() if words in line and "**" in line}
        for name, (_, words) in quoted.items()
    }

    assert levels == {name: {severity} for name, (severity, _) in quoted.items()}
    assert len(quoted) > 5


def test_an_alert_is_held_back_on_labels_that_both_have() -> None:
    """A label that one of them lost by an aggregation is empty there: nothing would be held back, or everything."""
    alerts = parse_alerts((ROOT / ALERTS).read_text("utf-8"), ALERTS)
    for alert in alerts.values():
        for each in (alert, *(alerts[name] for name in alert.silenced_by if alert.silenced_on)):
            kept = [set(re.split(r", *", labels)) for labels in re.findall(r"by \(([^)]*)\)", each.expr)]
            assert all(set(alert.silenced_on) <= labels for labels in kept), (alert.name, each.name)


@pytest.mark.parametrize(
    ("time", "seconds"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1d", 86400), ("5", None), ("h", None), ("", None)],
)
def test_a_time_is_read_as_prometheus_reads_it(time: str, seconds: int | None) -> None:
    """One unit or several, the large one first."""
    assert seconds_of(time) == seconds
