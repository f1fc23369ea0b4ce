"""The routes of Alertmanager: what explains an alert holds back that one, and no other."""

from __future__ import annotations

import yaml

from runbook_steps.engine.site.machines.alerting import WATCHDOG_URL, alertmanager_config
from runbook_steps.engine.sources.alerts_file import parse_alerts
from runbook_steps.engine.sources.people_and_levels import Severity

ALERTS = """
alerts:
  - {alert: Down, means: m, severity: HIGH, runbook: a, above: 8, unit: x, source: s, for: 1m, expr: down > 8}
  - {alert: Errors, means: m, severity: HIGH, runbook: a, above: 8, unit: x, source: s, for: 1m, expr: e > 8,
     silenced_by: [Down]}
  - {alert: Slow, means: m, severity: HIGH, runbook: a, above: 8, unit: x, source: s, for: 1m, expr: slow > 8,
     silenced_by: [Down], silenced_on: [instance, datname]}
"""
LEVELS = {"HIGH": Severity("HIGH", "i", "r", "e", (), "#alerts")}


def test_an_alert_is_held_back_by_the_one_that_explains_it_of_the_same_server() -> None:
    """With labels that must be the same where there are some, and without where one explains all."""
    alerts = parse_alerts(ALERTS, "alerts.yml")
    config = yaml.safe_load(alertmanager_config(alerts.values(), LEVELS, {}, WATCHDOG_URL))

    assert config["inhibit_rules"] == [
        {"source_matchers": ['alertname=~"Down"'], "target_matchers": ['alertname="Errors"']},
        {
            "source_matchers": ['alertname=~"Down"'],
            "target_matchers": ['alertname="Slow"'],
            "equal": ["instance", "datname"],
        },
    ]
