"""What an autoscaler may say and what it decides, by the numbers of the Kubernetes documentation."""

from __future__ import annotations

from typing import Any

import pytest

from runbook_steps.stand_in.embedded.kubernetes_hpa import Decision, decide, defaults, invalid_values, unknown_fields
from runbook_steps.stand_in.embedded.kubernetes_objects import merged


def autoscaler(least: int = 2, most: int = 10) -> dict[str, Any]:
    """At 70 % CPU."""
    target = {"type": "Utilization", "averageUtilization": 70}
    return {
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "api"},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        }
    }


@pytest.mark.parametrize(
    ("current", "percent", "remembered", "decision"),
    [
        (2, 150.0, 2, Decision(5, 5)),
        (5, 75.0, 2, Decision(5, 5)),  # within the tolerance of 10 %
        (5, 8.0, 2, Decision(1, 2)),  # what was scaled by hand goes back
        (5, 8.0, 5, Decision(1, 5)),  # what the load asked for a moment ago stays for the window
        (1, None, 1, Decision(1, 2, "TooFewReplicas")),
        (6, 700.0, 6, Decision(60, 10, "TooManyReplicas")),
    ],
)
def test_the_decision(current: int, percent: float | None, remembered: int, decision: Decision) -> None:
    """Current × measured ÷ target, rounded up, within bounds and window."""
    assert decision == decide(autoscaler(), current, percent, remembered)


def test_what_the_server_refuses_is_named() -> None:
    """Paths of unknown fields, and values that cannot be."""
    document = autoscaler(12)
    document["spec"]["minReplica"] = 2
    document["spec"]["metrics"][0]["resource"]["targets"] = {}

    assert sorted(unknown_fields(document), key=len) == ["spec.minReplica", "spec.metrics[0].resource.targets"]
    assert list(invalid_values(document)) == [
        "spec.maxReplicas: Invalid value: 10: must be greater than or equal to `minReplicas`"
    ]


def test_defaults_and_merges_keep_what_was_said() -> None:
    """One replica at least and 80 % CPU unless told; null removes, lists are replaced."""
    kept = defaults({"spec": {"maxReplicas": 3}})

    assert kept["spec"]["minReplicas"] == 1
    assert kept["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
    assert merged({"a": {"b": 1, "c": [1]}}, {"a": {"b": None, "c": [2], "$keep": 1}}) == {"a": {"c": [2]}}
