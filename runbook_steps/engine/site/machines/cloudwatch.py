"""The alarms of CloudWatch as a CloudFormation template, made of the alerts. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from runbook_steps.engine.errors import PageError
from runbook_steps.engine.sources.alerts_file import Alert, runbook_url, seconds_of

__all__ = ["alarms_template"]

PERIOD_S = 60
"""How often an alarm reads; it rings when every reading of the alert's time is past the threshold."""
_COMPARISONS = {
    "above": "GreaterThanThreshold",
    "at_least": "GreaterThanOrEqualToThreshold",
    "below": "LessThanThreshold",
}
_UNITS = {"%": "Percent", "ms": "Milliseconds", "s": "Seconds"}
"""Unit of the data file → CloudWatch's; an alarm whose unit is not its metric's would never ring."""


def alarms_template(alerts: Iterable[Alert], site: str, name: str) -> str:
    """The template, JSON: an alarm for each alert with `cloudwatch`, ringing also when its metric stops.

    `site` is the address of the site, `name` what it is called. Namespace and the topic that is told are
    parameters: nobody but the account knows them. Raises PageError for a unit that CloudWatch has not.
    """
    known = [alert for alert in alerts if alert.cloudwatch]
    document = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The alarms of {name}, made of the same thresholds as its alerts",
        "Parameters": {
            "Namespace": {"Type": "String", "Description": "Where the metrics are written, as `list-metrics` shows it"},
            "Topic": {"Type": "String", "Description": "ARN of the SNS topic that tells somebody"},
        },
        "Resources": {_word(alert.cloudwatch): _alarm(alert, site) for alert in known},
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _alarm(alert: Alert, site: str) -> dict[str, Any]:
    if alert.unit not in _UNITS:
        raise PageError(alert.position, f"{alert.name} has `cloudwatch:`, which knows no unit “{alert.unit}”")
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": alert.cloudwatch,
            "AlarmDescription": f"{alert.means}. {runbook_url(site, alert)}",
            "Namespace": {"Ref": "Namespace"},
            "MetricName": alert.metric,
            "Statistic": "Average",
            "Unit": _UNITS[alert.unit],
            "ComparisonOperator": _COMPARISONS[alert.comparison],
            "Threshold": alert.threshold,
            "Period": PERIOD_S,
            "EvaluationPeriods": max(1, (seconds_of(alert.hold) or 0) // PERIOD_S),
            "TreatMissingData": "breaching",  # a metric that stops is no good news
            "AlarmActions": [{"Ref": "Topic"}],
            "OKActions": [{"Ref": "Topic"}],
        },
    }


def _word(name: str) -> str:
    """A logical id: letters and digits."""
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name))
