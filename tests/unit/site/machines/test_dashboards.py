"""A dashboard draws what its alerts compare, with the same threshold, and leads to their runbooks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.machines.dashboards import dashboards
from runbook_steps.engine.sources.alerts_file import COMPARISONS, parse_alerts

ROOT = Path(__file__).parents[4]
PROJECT = load_project(ROOT)
SITE = "https://runbooks.example"
DOMAINS = {front.id: runbook.stem.partition("/")[0] for runbook in PROJECT.runbooks if (front := runbook.front_matter)}
MADE = {domain: json.loads(text) for domain, text in dashboards(PROJECT.alerts.values(), SITE, "Shop", DOMAINS).items()}


def panels() -> dict[str, tuple[str, Any]]:
    """Alert → its domain and panel."""
    return {panel["title"]: (domain, panel) for domain, made in MADE.items() for panel in made["panels"]}


def test_every_alert_of_prometheus_has_a_panel_in_the_domain_of_its_runbook() -> None:
    """And no other alert has one."""
    wanted = {alert.name: DOMAINS[alert.runbook] for alert in PROJECT.alerts.values() if alert.expr}

    assert wanted == {name: domain for name, (domain, _) in panels().items()}
    assert len(wanted) == sum(len(made["panels"]) for made in MADE.values())


@pytest.mark.parametrize("name", panels())
def test_a_panel_draws_what_its_rule_compares(name: str) -> None:
    """The readings, compared with the line that is drawn, are the rule's expression again."""
    panel, alert = panels()[name][1], PROJECT.alerts[name]
    line = panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"]
    again = " or ".join(f"{each['expr']} {COMPARISONS[alert.comparison][0]} {line:g}" for each in panel["targets"])

    assert re.sub(r"\s+", " ", alert.expr.replace("$window", alert.window)).strip() == re.sub(r"\s+", " ", again)
    assert panel["links"][0]["url"] == f"{SITE}/r/{alert.runbook}/"


def test_what_must_not_fall_is_green_above_its_line() -> None:
    """And what must not rise is red there."""
    text = """
alerts:
  - {alert: Few, means: m, severity: LOW, runbook: a, below: 80, unit: "%", source: s, for: 1m, expr: few < 80}
  - {alert: Many, means: m, severity: LOW, runbook: a, above: 9, unit: x, source: s, for: 1m, expr: many > 9}
"""
    made = json.loads(dashboards(parse_alerts(text, "alerts.yml").values(), SITE, "Shop", {"a": "desk"})["desk"])
    colours = {
        panel["title"]: [step["color"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        for panel in made["panels"]
    }

    assert colours == {"Few": ["red", "green"], "Many": ["green", "red"]}
    assert [panel["fieldConfig"]["defaults"]["unit"] for panel in made["panels"]] == ["percent", "short"]


def test_no_two_panels_lie_on_each_other() -> None:
    """Two beside each other, and the next row below."""
    for made in MADE.values():
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in made["panels"]]
        assert len(set(places)) == len(places)
        assert {panel["gridPos"]["x"] + panel["gridPos"]["w"] for panel in made["panels"]} <= {12, 24}


@pytest.mark.parametrize("domain", MADE)
def test_grafana_knows_every_field(domain: str) -> None:
    """Read into Grafana's own types and written again, nothing that stands in it is lost."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    again = json.loads(JSONEncoder().encode(Dashboard.from_json(MADE[domain])))

    assert lost(MADE[domain], again) == []


def test_a_field_that_grafana_does_not_know_is_found() -> None:
    """A wrong name inside of a panel, which Grafana would pass over without a word."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    made = json.loads(json.dumps(next(iter(MADE.values()))))
    made["panels"][0]["fieldConfig"]["defaults"]["threshold"] = made["panels"][0]["fieldConfig"]["defaults"]["unit"]
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(made)))

    assert lost(made, again) == ["panels/0/fieldConfig/defaults/threshold"]


def lost(wanted: Any, found: Any, path: str = "") -> list[str]:
    """Where something of `wanted` is not in `found`."""
    if isinstance(wanted, dict):
        missing = [] if isinstance(found, dict) else [path]
        return missing or [
            line
            for key, value in wanted.items()
            for line in (lost(value, found[key], f"{path}/{key}".lstrip("/")) if key in found else [f"{path}/{key}"])
            if value is not None
        ]
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return [path]
        return [
            line
            for number, pair in enumerate(zip(wanted, found, strict=True))
            for line in lost(*pair, f"{path}/{number}")
        ]
    return [] if wanted == found else [path]
