"""The template makes the alarms of the data file, with the same thresholds: tried with moto."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from runbook_steps.engine.errors import PageError
from runbook_steps.engine.project.project import load_project
from runbook_steps.engine.site.machines.cloudwatch import alarms_template
from runbook_steps.engine.sources.alerts_file import parse_alerts
from runbook_steps.stand_in.embedded.aws_server import ALARMS

ROOT = Path(__file__).parents[4]
ALERTS = load_project(ROOT).alerts
TEMPLATE = alarms_template(ALERTS.values(), "https://runbooks.example", "Shop")
TOPIC = "arn:aws:sns:me-south-1:123456789012:alerts"
ONE = """
alerts:
  - {alert: Few, means: m, severity: LOW, runbook: a, below: 8, unit: UNIT, source: s, rings_from: CloudWatch,
     cloudwatch: shop-few, metric: Few}
"""


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    """Name → alarm, as CloudWatch has it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    filled = {"Namespace": "BeautyCort", "Topic": TOPIC}
    wanted = [filling(each["Properties"], filled) for each in json.loads(TEMPLATE)["Resources"].values()]
    with mock_aws():
        for properties in wanted:  # moto makes no alarm from a template; the call takes the same names
            boto3.client("cloudwatch", "me-south-1").put_metric_alarm(**properties)
        found = boto3.client("cloudwatch", "me-south-1").describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: dict(alarm) for alarm in found}


def filling(value: Any, names: Mapping[str, str]) -> Any:
    """The value with each `Ref` replaced by its parameter."""
    if isinstance(value, dict):
        return names[value["Ref"]] if set(value) == {"Ref"} else {key: filling(v, names) for key, v in value.items()}
    return [filling(each, names) for each in value] if isinstance(value, list) else value


def test_the_template_has_the_alarms_that_the_drill_has(made: dict[str, dict[str, object]]) -> None:
    """Name, namespace, metric, threshold and unit."""
    keys = ("AlarmName", "Namespace", "MetricName", "Threshold", "Unit")

    assert set(ALARMS) == {tuple(alarm[key] for key in keys) for alarm in made.values()}


def test_each_tells_somebody_and_rings_without_data(made: dict[str, dict[str, object]]) -> None:
    """Silence of a metric is no good news; the alarm says which page helps."""
    assert len(made) == len(ALARMS)
    for alarm in made.values():
        assert (alarm["AlarmActions"], alarm["TreatMissingData"]) == ([TOPIC], "breaching")
        assert "https://runbooks.example/r/" in str(alarm["AlarmDescription"])


def test_it_rings_as_late_as_the_alert(made: dict[str, dict[str, object]]) -> None:
    """Three minutes are three readings of a minute."""
    assert ALERTS["CpuHigh"].hold == "3m"
    assert (made["beautycort-cpu"]["Period"], made["beautycort-cpu"]["EvaluationPeriods"]) == (60, 3)


def test_what_must_not_fall_rings_below() -> None:
    """A comparison keeps its direction."""
    resources = json.loads(alarms_template(parse_alerts(ONE.replace("UNIT", "s"), "a.yml").values(), "", ""))[
        "Resources"
    ]

    assert resources["ShopFew"]["Properties"]["ComparisonOperator"] == "LessThanThreshold"


def test_a_unit_that_cloudwatch_has_not_is_refused() -> None:
    """An alarm in another unit than its metric's never has data."""
    with pytest.raises(PageError, match=r"a.yml:3: Few has `cloudwatch:`, which knows no unit “apples”"):
        alarms_template(parse_alerts(ONE.replace("UNIT", "apples"), "a.yml").values(), "", "")
