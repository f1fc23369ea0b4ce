"""What a HorizontalPodAutoscaler (autoscaling/v2) may say, and what it decides. Pure.

After the Kubernetes documentation, "Horizontal Pod Autoscaling": the algorithm, its tolerance, the conditions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Decision", "decide", "defaults", "invalid_values", "target_percent", "unknown_fields", "window_s"]

TOLERANCE = 0.1  # --horizontal-pod-autoscaler-tolerance
WINDOW_S = 300  # --horizontal-pod-autoscaler-downscale-stabilization
_RULES: Mapping[str, Any] = {"stabilizationWindowSeconds": {}, "selectPolicy": {}, "tolerance": {},
          "policies": {"type": {}, "value": {}, "periodSeconds": {}}}  # fmt: skip
_FIELDS: Mapping[str, Any] = {
    "apiVersion": {},
    "kind": {},
    "metadata": None,
    "status": None,
    "spec": {
        "scaleTargetRef": {"apiVersion": {}, "kind": {}, "name": {}},
        "minReplicas": {},
        "maxReplicas": {},
        "metrics": {
            "type": {},
            "resource": {
                "name": {},
                "target": {"type": {}, "averageUtilization": {}, "averageValue": {}, "value": {}},
            },
            "containerResource": None,
            "pods": None,
            "object": None,
            "external": None,
        },
        "behavior": {"scaleUp": _RULES, "scaleDown": _RULES},
    },
}


def unknown_fields(document: Any, known: Any = _FIELDS, path: str = "") -> Iterator[str]:
    """The paths that the kind does not have, `spec.minReplica`. Below None everything is known."""
    if known is None:
        return
    if isinstance(document, list):
        for number, entry in enumerate(document):
            yield from unknown_fields(entry, known, f"{path}[{number}]")
    elif isinstance(document, dict):
        for key, value in document.items():
            where = f"{path}.{key}".lstrip(".")
            if key not in known:
                yield where
            else:
                yield from unknown_fields(value, known[key], where)


def invalid_values(document: Mapping[str, Any]) -> Iterator[str]:
    """`field: Invalid value: …`, in the words of the real server."""
    spec = document.get("spec", {})
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield f"spec.minReplicas: Invalid value: {least}: must be greater than or equal to 1"
    if most < 1:
        yield f"spec.maxReplicas: Invalid value: {most}: must be greater than 0"
    if most < least:
        yield f"spec.maxReplicas: Invalid value: {most}: must be greater than or equal to `minReplicas`"
    for field in ("kind", "name"):
        if not spec.get("scaleTargetRef", {}).get(field):
            yield f"spec.scaleTargetRef.{field}: Required value"
    for number, metric in enumerate(spec.get("metrics", ())):
        utilization = metric.get("resource", {}).get("target", {}).get("averageUtilization", 1)
        if utilization < 1:
            where = f"spec.metrics[{number}].resource.target.averageUtilization"
            yield f"{where}: Invalid value: {utilization}: must be greater than 0"


def defaults(document: dict[str, Any]) -> dict[str, Any]:
    """The document as the server keeps it: one replica at least, 80 % CPU when no metric is named."""
    usual = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    return {**document, "spec": {"minReplicas": 1, "metrics": [usual], **document["spec"]}}


def target_percent(document: Mapping[str, Any]) -> int | None:
    """The CPU utilization that it aims at; None when it has no such metric."""
    for metric in document["spec"]["metrics"]:
        resource = metric.get("resource", {})
        if resource.get("name") == "cpu" and "averageUtilization" in resource.get("target", {}):
            return int(resource["target"]["averageUtilization"])
    return None


def window_s(document: Mapping[str, Any]) -> float:
    """How long a higher recommendation is remembered before it scales down."""
    down = document["spec"].get("behavior", {}).get("scaleDown", {})
    return float(down.get("stabilizationWindowSeconds", WINDOW_S))


@dataclass(frozen=True)
class Decision:
    """`recommended` follows the metric alone; `replicas` is within the bounds. `limited` is why, or empty."""

    recommended: int
    replicas: int
    limited: str = ""


def decide(document: Mapping[str, Any], current: int, percent: float | None, remembered: int = 0) -> Decision:
    """How many replicas there shall be.

    `percent` is the mean CPU of the ready pods in percent of their request, None when it is not known;
    `remembered` the highest recommendation within the window.
    """
    spec, aim = document["spec"], target_percent(document)
    recommended = current
    if percent is not None and aim is not None and abs(percent / aim - 1) > TOLERANCE:
        recommended = math.ceil(current * percent / aim)
    wanted = max(recommended, min(remembered, current))
    if wanted > spec["maxReplicas"]:
        return Decision(recommended, spec["maxReplicas"], "TooManyReplicas")
    if wanted < spec["minReplicas"]:
        return Decision(recommended, spec["minReplicas"], "TooFewReplicas")
    return Decision(recommended, wanted)
